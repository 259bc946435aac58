"""All that the site knows, to take away: people, teams, submissions, scores, rows, boards, the audit log.

No passwords, tokens or mails: nothing by which anybody could come in.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from unicare.web.boards import Boards
from unicare.web.boards.export import board_csv
from unicare.web.database import Database
from unicare.web.database.tables import (
    Announcement,
    BoardSnapshot,
    Evaluation,
    Membership,
    QuotaSlot,
    Registration,
    Submission,
    Team,
    User,
)
from unicare.web.organise.archive import Member, stream_zip
from unicare.web.organise.audit import audit_jsonl, every_entry
from unicare.web.sheets import sheet_cell
from unicare.web.storage import Storage

__all__ = ["export_all", "rows_name"]

_BLOCK_BYTES = 2**20
_README = """\
{title}: all that its site knew at {now:%Y-%m-%d %H:%M} UTC.

people.csv         accounts and registrations; no passwords or tokens
teams.csv          teams
submissions.csv    what they handed in; "report" is what the team was told of its check
evaluations.csv    each evaluation of them, old ones too
summaries/         scores of each scored evaluation, as unicare evaluate writes summary.json
rows/PHASE/TASK/TEAM/
                   figures of all cases of each scored evaluation, as unicare evaluate writes metrics.parquet
boards/            boards as they stand, hidden ones too (CSV), and boards that were frozen (JSON)
announcements.csv  news that were written on the site
audit.jsonl        the audit log, one JSON object a line
missing.txt        files of rows that the storage doesn't have; nothing is missing if this is empty

To rank again from the rows:

    unicare rank BOARD --cohort CHALLENGE/reference/la/test/cohort.csv \\
        'Team A=rows/test/la/team-a-1/submission-1-evaluation-1.parquet' \\
        'Team B=rows/test/la/team-b-2/submission-2-evaluation-1.parquet'

Times are in UTC. In CSV files, texts that a spreadsheet would take for a formula begin with an apostrophe.
"""


@dataclass(frozen=True)
class _Rows:
    """Where the rows of an evaluation lie.

    Attributes:
        key: in the storage.
        name: in the archive.
    """

    key: str
    name: str


def export_all(
    database: Database, storage: Storage, boards: Boards, title: str, now: datetime
) -> Iterator[bytes]:
    """Pieces of a zip archive.

    Args:
        database: all of which is read as it is at one moment.
        storage: where rows lie.
        boards: of the challenge.
        title: of the challenge.
        now: the site's clock.
    """
    return stream_zip(_members(database, storage, boards, title, now), now.astimezone(UTC))


def rows_name(phase: str, task: str, team: str, team_id: int, submission_id: int, number: int) -> str:
    """Where the rows of an evaluation lie in the archive; whatever a team is called, the name is plain."""
    plain = re.sub(r"[^a-z0-9]+", "-", team.lower()).strip("-")[:40].strip("-") or "team"
    return f"rows/{phase}/{task}/{plain}-{team_id}/submission-{submission_id}-evaluation-{number}.parquet"


def _members(
    database: Database, storage: Storage, boards: Boards, title: str, now: datetime
) -> Iterator[Member]:
    yield Member("README.txt", [_README.format(title=title, now=now.astimezone(UTC)).encode()])
    with database.reading() as session:  # not kept open while rows are sent, which may take long
        yield Member("people.csv", _table(session, _PEOPLE))
        yield Member("teams.csv", _table(session, _TEAMS))
        yield Member("submissions.csv", _table(session, _SUBMISSIONS))
        yield Member("evaluations.csv", _table(session, _EVALUATIONS))
        yield Member("announcements.csv", _table(session, _ANNOUNCEMENTS))
        yield Member("audit.jsonl", (line.encode() for line in audit_jsonl(every_entry(session))))
        yield from _summaries(session)
        yield from _snapshots(session)
        rows = _rows(session)
    for board in boards.summaries(now):
        for edition in board.editions:
            found = boards.show(board.name, now, edition=edition.name, unveiled=True)
            yield Member(f"boards/{board.name}/{edition.name}.csv", [board_csv(found).encode()])
    missing: list[str] = []
    for one in rows:
        try:
            file = storage.open(one.key)
        except FileNotFoundError:
            missing.append(one.name)
            continue
        yield Member(one.name, _blocks(file), packed=False)
    yield Member("missing.txt", ["".join(f"{name}\n" for name in missing).encode()])


_PEOPLE: Select[*tuple[Any, ...]] = (
    select(
        *(User.id, User.name, User.email, User.affiliation, User.created_at, User.email_confirmed_at),
        *(User.is_organiser, User.disabled_at),
        *(Registration.status, Registration.agreement_version, Registration.agreed_at),
        *(Registration.decided_by, Registration.decided_at, Registration.reason),
        *(Membership.team_id, Membership.is_captain, Membership.joined_at),
    )
    .outerjoin(Registration, Registration.user_id == User.id)
    .outerjoin(Membership, Membership.user_id == User.id)
    .order_by(User.id)
)
_TEAMS: Select[*tuple[Any, ...]] = select(
    *(Team.id, Team.name, Team.created_at, Team.dissolved_at, Team.disqualified_at),
    Team.disqualified_reason,
).order_by(Team.id)
_SUBMISSIONS: Select[*tuple[Any, ...]] = (
    select(
        *(Submission.id, Submission.team_id, Team.name.label("team"), Submission.user_id),
        *(Submission.phase, Submission.task, Submission.kind, Submission.state, Submission.created_at),
        *(Submission.checked_at, QuotaSlot.number.label("quota_number"), Submission.note),
        *(Submission.report, Submission.private_error),
    )
    .join(Team, Team.id == Submission.team_id)
    .outerjoin(QuotaSlot, QuotaSlot.submission_id == Submission.id)
    .order_by(Submission.id)
)
_EVALUATIONS: Select[*tuple[Any, ...]] = select(
    *(Evaluation.id, Evaluation.submission_id, Evaluation.number, Evaluation.state, Evaluation.queued_at),
    *(Evaluation.started_at, Evaluation.finished_at, Evaluation.definition_version),
    *(Evaluation.unicare_version, Evaluation.attempt, Evaluation.failures, Evaluation.public_error),
    Evaluation.private_error,
).order_by(Evaluation.id)
_ANNOUNCEMENTS: Select[*tuple[Any, ...]] = select(
    *(Announcement.id, Announcement.title, Announcement.text, Announcement.author_id),
    *(Announcement.published_at, Announcement.withdrawn_at),
).order_by(Announcement.id)


def _table(session: Session, wanted: Select[*tuple[Any, ...]]) -> Iterator[bytes]:
    """Lines of a CSV, made of rows that are fetched a few at a time."""
    result = session.execute(wanted.execution_options(yield_per=500))
    yield _line(list(result.keys()))
    for row in result:
        yield _line([_cell(value) for value in row])


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return sheet_cell(value)


def _line(cells: Sequence[object]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\r\n").writerow(cells)
    return text.getvalue().encode()


def _summaries(session: Session) -> Iterator[Member]:
    wanted = select(Evaluation.id, Evaluation.summary).where(Evaluation.state == "scored")
    rows = session.execute(wanted.order_by(Evaluation.id).execution_options(yield_per=20))
    for number, summary in rows:
        yield Member(f"summaries/evaluation-{number}.json", [_json(summary)])


def _snapshots(session: Session) -> Iterator[Member]:
    wanted = select(BoardSnapshot).order_by(BoardSnapshot.id)
    for one in session.scalars(wanted.execution_options(yield_per=5)):
        about = {"board": one.board, "number": one.number, "frozen_at": one.frozen_at.isoformat()}
        yield Member(
            f"boards/{one.board}/frozen-{one.number}.json", [_json({**about, "content": one.content})]
        )


def _json(value: object) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()


def _rows(session: Session) -> list[_Rows]:
    found = session.execute(
        select(
            *(Evaluation.rows_key, Submission.phase, Submission.task, Team.name, Team.id, Submission.id),
            Evaluation.number,
        )
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Team, Team.id == Submission.team_id)
        .where(Evaluation.state == "scored", Evaluation.rows_key.is_not(None))
        .order_by(Submission.id, Evaluation.number)
    )
    return [_Rows(str(row[0]), rows_name(*row[1:])) for row in found]


def _blocks(file: IO[bytes]) -> Iterable[bytes]:
    with file:
        while block := file.read(_BLOCK_BYTES):
            yield block
