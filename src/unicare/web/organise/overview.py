"""What an organiser sees first: what waits, what runs, what went wrong, what comes next."""

from __future__ import annotations

import shutil
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.accounts.rules import AccountRules
from unicare.web.boards.facts import BoardSummary
from unicare.web.challenge import Challenge
from unicare.web.database.tables import BoardTurn, Evaluation, OutboxMail, Submission, SubmissionKind, Team
from unicare.web.facts.base import Facts
from unicare.web.life.states import State
from unicare.web.life.watch import unattended
from unicare.web.organise.people import PeopleState, PersonRecord, list_people
from unicare.web.organise.timeline import EventFacts, planned_events
from unicare.web.settings import SiteSettings

__all__ = [
    "DiskFacts",
    "FailureFacts",
    "MailboxFacts",
    "OverviewFacts",
    "QueueFacts",
    "WorkFacts",
    "disk_room",
    "read_overview",
]

FAILURES_SINCE = timedelta(days=7)
_MOST_FAILURES = 20
_MOST_WAITING = 10
_MOST_EVENTS = 6


class WorkFacts(Facts):
    """What a worker has in hand.

    Attributes:
        worker: its name.
        what: a check, or an evaluation.
        submission: number.
        since: when it began; null if that isn't known.
        lease_expires_at: when it is taken from it, unless it is heard of before.
        late: whether it wasn't heard of in time.
    """

    worker: str
    what: str
    submission: int
    since: datetime | None
    lease_expires_at: datetime | None
    late: bool


class QueueFacts(Facts):
    """What waits for workers.

    Attributes:
        checks: submissions that wait for their check.
        evaluations: that wait.
        oldest: since when the one that waited longest does; null if nothing waits.
        work: what is under way.
        unattended: kinds of submissions that no worker was seen for, and since when that is so.
        patience_hours: after which containers that nobody runs are failed, and given back.
    """

    checks: int
    evaluations: int
    oldest: datetime | None
    work: tuple[WorkFacts, ...]
    unattended: dict[SubmissionKind, datetime]
    patience_hours: float


class FailureFacts(Facts):
    """Something that went wrong.

    Attributes:
        at: when; null for what is tried again.
        submission: number.
        team: name.
        task: name.
        phase: name.
        what: a check, or an evaluation.
        again: whether it is tried again.
        public: what the team is told; empty if nothing.
        private: what happened.
    """

    at: datetime | None
    submission: int
    team: str
    task: str
    phase: str
    what: str
    again: bool
    public: str
    private: str


class MailboxFacts(Facts):
    """Mail that isn't sent.

    Attributes:
        waiting: to be sent, or to be tried again.
        failed: given up.
        last_error: of those.
    """

    waiting: int
    failed: int
    last_error: str


class DiskFacts(Facts):
    """Room for uploads, and for what is kept if that lies on the same disk.

    Attributes:
        free_bytes: room that is left.
        total_bytes: size of the disk.
    """

    free_bytes: int
    total_bytes: int


class OverviewFacts(Facts):
    """What an organiser sees first.

    Attributes:
        now: the site's clock.
        waiting: registrations that nobody decided about, the newest ten.
        waiting_total: how many there are.
        queue: what waits for workers.
        failures: of the last seven days, newest first.
        troubled_boards: name to why it couldn't be ranked.
        mail: that isn't sent.
        next: what happens next.
        disk: room that is left; null if it can't be asked.
    """

    now: datetime
    waiting: tuple[PersonRecord, ...]
    waiting_total: int
    queue: QueueFacts
    failures: tuple[FailureFacts, ...]
    troubled_boards: dict[str, str]
    mail: MailboxFacts
    next: tuple[EventFacts, ...]
    disk: DiskFacts | None


def read_overview(
    session: Session,
    challenge: Challenge,
    rules: AccountRules,
    boards: tuple[BoardSummary, ...],
    settings: SiteSettings,
    now: datetime,
) -> OverviewFacts:
    """What an organiser sees first.

    Args:
        session: to read with.
        challenge: of the site.
        rules: of the site.
        boards: of the challenge.
        settings: of the site; of its folder only the room is told.
        now: the site's clock.
    """
    waiting = list_people(session, rules, state=PeopleState.WAITING)
    return OverviewFacts(
        now=now,
        waiting=waiting.people[:_MOST_WAITING],
        waiting_total=waiting.paging.total,
        queue=_queue(session, challenge, settings, now),
        failures=_failures(session, now),
        troubled_boards=_troubled(session),
        mail=_mail(session),
        next=planned_events(session, challenge, boards, now)[:_MOST_EVENTS],
        disk=disk_room(settings.data_dir),
    )


def disk_room(folder: Path) -> DiskFacts | None:
    """Room on the disk of a folder."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return DiskFacts(free_bytes=usage.free, total_bytes=usage.total)


def _queue(session: Session, challenge: Challenge, settings: SiteSettings, now: datetime) -> QueueFacts:
    checks, first_check = session.execute(
        select(func.count(), func.min(Submission.created_at)).where(Submission.state == State.UPLOADED)
    ).one()
    evaluations, first_evaluation = session.execute(
        select(func.count(), func.min(Evaluation.queued_at)).where(Evaluation.state == State.QUEUED)
    ).one()
    waits = [one for one in (first_check, first_evaluation) if one is not None]
    return QueueFacts(
        checks=checks,
        evaluations=evaluations,
        oldest=min(waits, default=None),
        work=_work(session, now),
        unattended=unattended(session, challenge, now),
        patience_hours=settings.container_patience_hours,
    )


def _work(session: Session, now: datetime) -> tuple[WorkFacts, ...]:
    running = select(
        Evaluation.lease_owner, Evaluation.submission_id, Evaluation.started_at, Evaluation.lease_expires_at
    ).where(Evaluation.state == State.RUNNING)
    checking = select(Submission.lease_owner, Submission.id, Submission.lease_expires_at).where(
        Submission.state == State.CHECKING
    )
    found = [
        (owner, "evaluation", number, since, until)
        for owner, number, since, until in session.execute(running.order_by(Evaluation.id))
    ]
    found += [
        (owner, "check", number, None, until)
        for owner, number, until in session.execute(checking.order_by(Submission.id))
    ]
    return tuple(
        WorkFacts(
            worker=owner or "",
            what=what,
            submission=number,
            since=since,
            lease_expires_at=until,
            late=until is None or until <= now,
        )
        for owner, what, number, since, until in found
    )


def _failures(session: Session, now: datetime) -> tuple[FailureFacts, ...]:
    """What failed for good, and what was tried in vain and waits to be tried again."""
    since = now - FAILURES_SINCE
    evaluations = session.execute(
        select(Evaluation, Submission.task, Submission.phase, Team.name)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Team, Team.id == Submission.team_id)
        .where(
            ((Evaluation.state == State.FAILED) & (Evaluation.finished_at >= since))
            | (Evaluation.state.in_([State.QUEUED, State.RUNNING]) & (Evaluation.failures > 0))
        )
        .order_by(Evaluation.id.desc())
        .limit(_MOST_FAILURES)
    )
    found = [
        FailureFacts(
            at=row.finished_at,
            submission=row.submission_id,
            team=team,
            task=task,
            phase=phase,
            what="evaluation",
            again=State(row.state) is not State.FAILED,
            public=row.public_error or "",
            private=row.private_error or "",
        )
        for row, task, phase, team in evaluations
    ]
    checks = session.execute(
        select(Submission, Team.name)
        .join(Team, Team.id == Submission.team_id)
        .where(
            Submission.private_error.is_not(None),
            Submission.checked_at.is_(None),
            Submission.state.in_([State.FAILED, State.UPLOADED, State.CHECKING]),
            Submission.created_at >= since,
        )
        .order_by(Submission.id.desc())
        .limit(_MOST_FAILURES)
    )
    found += [
        FailureFacts(
            at=row.created_at,
            submission=row.id,
            team=team,
            task=row.task,
            phase=row.phase,
            what="check",
            again=State(row.state) is not State.FAILED,
            public="; ".join(map(str, (row.report or {}).get("messages", ()))),
            private=row.private_error or "",
        )
        for row, team in checks
    ]
    found.sort(key=lambda one: (one.at or now, one.submission), reverse=True)
    return tuple(found[:_MOST_FAILURES])


def _troubled(session: Session) -> dict[str, str]:
    rows = session.execute(
        select(BoardTurn.board, BoardTurn.problem)
        .where(BoardTurn.problem.is_not(None))
        .order_by(BoardTurn.board)
    )
    return {board: problem or "" for board, problem in rows}


def _mail(session: Session) -> MailboxFacts:
    open_ones = OutboxMail.sent_at.is_(None) & OutboxMail.failed_at.is_(None)
    waiting = session.scalar(select(func.count()).select_from(OutboxMail).where(open_ones)) or 0
    given_up = OutboxMail.failed_at.is_not(None)
    failed = session.scalar(select(func.count()).select_from(OutboxMail).where(given_up)) or 0
    newest = select(OutboxMail.last_error).where(given_up | (open_ones & (OutboxMail.last_error != "")))
    last = session.scalar(newest.order_by(OutboxMail.id.desc()).limit(1))
    return MailboxFacts(waiting=waiting, failed=failed, last_error=last or "")
