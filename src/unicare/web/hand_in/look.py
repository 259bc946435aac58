"""Submissions as their team sees them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.accounts.people import Person
from unicare.web.archive.upload_room import UploadState
from unicare.web.archive.upload_rules import UploadRefusedError
from unicare.web.challenge import Phase
from unicare.web.database.tables import Evaluation, Submission, Team, Upload, User
from unicare.web.facts.submissions import (
    CheckFacts,
    EvaluationFacts,
    FindingFacts,
    SubmissionFacts,
    SubmissionSummary,
    UploadFacts,
)
from unicare.web.hand_in.quotas import quota_of, task_title
from unicare.web.hand_in.scores import headline, score_facts
from unicare.web.hand_in.sight import Sight, own_submission, phase_of, sight_of, visible_submission
from unicare.web.life import State, WorkingSite, place_in_queue
from unicare.web.life.states import SUBMISSION_MOVES

__all__ = ["LONGEST_LIST", "list_submissions", "read_upload", "show_submission", "upload_facts"]

LONGEST_LIST = 50

_AT_WORK = (State.QUEUED, State.RUNNING)
_AT_REST = frozenset({State.REFUSED, State.CHECKED, State.SCORED, State.FAILED, State.CANCELLED})


def list_submissions(
    site: WorkingSite, person: Person, now: datetime, *, before: int | None = None
) -> tuple[SubmissionSummary, ...]:
    """The submissions of one's own team, newest first, at most ``LONGEST_LIST``.

    Args:
        site: where they are.
        person: with a team.
        now: this moment.
        before: only those with lower numbers.
    """
    with site.database.reading() as session:
        wanted = select(Submission, User.name).join(User, User.id == Submission.user_id)
        wanted = wanted.where(Submission.team_id == person.team_id).order_by(Submission.id.desc())
        if before is not None:
            wanted = wanted.where(Submission.id < before)
        rows = session.execute(wanted.limit(LONGEST_LIST)).all()
        evaluations = _evaluations(session, [submission.id for submission, _ in rows])
        found = []
        for submission, name in rows:
            sight = sight_of(phase_of(site.challenge, submission.phase), person, now)
            own = evaluations.get(submission.id, [])
            found.append(SubmissionSummary(**_in_short(session, submission, name, own, sight)))
        return tuple(found)


def show_submission(site: WorkingSite, person: Person, submission_id: int, now: datetime) -> SubmissionFacts:
    """All that somebody may know of a submission now.

    Raises:
        AccountError: there is none, or it is another team's.
    """
    with site.database.reading() as session:
        submission = visible_submission(session, person, submission_id)
        phase = phase_of(site.challenge, submission.phase)
        sight = sight_of(phase, person, now)
        evaluations = _evaluations(session, [submission.id]).get(submission.id, [])
        team = session.get_one(Team, submission.team_id)
        name = session.get_one(User, submission.user_id).name
        return SubmissionFacts(
            **_in_short(session, submission, name, evaluations, sight),
            team=team.name,
            task_title=task_title(site.challenge, submission.task),
            phase_title=submission.phase if phase is None else phase.title or phase.name,
            upload=_upload(site, submission),
            check=_check(submission),
            evaluations=tuple(_evaluation(session, one, phase, sight) for one in evaluations),
            scores_shown=sight.scores,
            scores_from=sight.scores_from,
            cases_shown=sight.cases and any(one.rows_key is not None for one in evaluations),
            worst_shown=sight.worst and any(one.rows_key is not None for one in evaluations),
            may_cancel=_own(person, submission) and submission.state in SUBMISSION_MOVES["cancel"].sources,
            may_queue=_own(person, submission) and submission.state == State.CHECKED,
            quota=quota_of(session, site, submission.team_id, phase, submission.task, now),
        )


def upload_facts(site: WorkingSite, person: Person, submission_id: int) -> UploadFacts:
    """How far the upload of a submission of one's own team has come; one that was taken in is whole.

    Raises:
        AccountError: there is no such submission.
        UploadRefusedError: it has been thrown away.
    """
    with site.database.reading() as session:
        upload_id = own_submission(session, person, submission_id).upload_id
    return read_upload(site, submission_id, upload_id or "")


def _upload(site: WorkingSite, submission: Submission) -> UploadFacts | None:
    if submission.state != State.UPLOADING:
        return None
    try:
        return read_upload(site, submission.id, submission.upload_id or "")
    except UploadRefusedError:  # thrown away since the row was read
        return None


def read_upload(site: WorkingSite, submission_id: int, upload_id: str) -> UploadFacts:
    """How far an upload has come, for callers that know whose it is; errors as for ``upload_facts``."""
    try:
        state = site.uploads.state(upload_id)
    except UploadRefusedError:
        taken_in = _taken_in(site, submission_id)
        if taken_in is None:
            raise
        state = taken_in
    return UploadFacts(
        submission=submission_id,
        name=state.name,
        total_bytes=state.total_bytes,
        length=state.length,
        sha256=state.sha256,
        whole=state.whole,
        chunk_bytes=site.settings.upload_chunk_mb * 2**20,
    )


def _taken_in(site: WorkingSite, submission_id: int) -> UploadState | None:
    """What was known of an upload that a worker or another request has taken in; it lies there no more."""
    with site.database.reading() as session:
        submission = session.get_one(Submission, submission_id)
        row = None if submission.upload_id is None else session.get(Upload, submission.upload_id)
        if row is None or submission.state in (State.UPLOADING, State.CANCELLED):
            return None
        return UploadState(
            row.id,
            row.name,
            str(row.team_id),
            row.total_bytes,
            sha256=None,
            length=row.total_bytes,
            whole=True,
        )


def _own(person: Person, submission: Submission) -> bool:
    return person.may_take_part and submission.team_id == person.team_id


def _in_short(
    session: Session, submission: Submission, by: str, evaluations: Sequence[Evaluation], sight: Sight
) -> dict[str, Any]:
    latest = evaluations[0] if evaluations else None
    at_work = latest is not None and latest.state in _AT_WORK
    scored = next((one for one in evaluations if one.summary is not None), None)
    return {
        "id": submission.id,
        "task": submission.task,
        "phase": submission.phase,
        "kind": submission.kind,
        "state": State(submission.state),
        "final": submission.state in _AT_REST and not at_work,
        "place": place_in_queue(session, latest) if latest is not None else None,
        "created_at": submission.created_at,
        "by": by,
        "note": submission.note,
        "headline": headline(scored.summary or {}) if sight.scores and scored is not None else None,
    }


def _evaluations(session: Session, submissions: Sequence[int]) -> dict[int, list[Evaluation]]:
    """Of each submission, the last one first."""
    every = select(Evaluation).where(Evaluation.submission_id.in_(submissions))
    found: dict[int, list[Evaluation]] = {}
    for one in session.scalars(every.order_by(Evaluation.number.desc())):
        found.setdefault(one.submission_id, []).append(one)
    return found


def _check(submission: Submission) -> CheckFacts:
    report: Mapping[str, Any] = submission.report or {}
    return CheckFacts(
        at=submission.checked_at,
        cases=report.get("cases"),
        findings=tuple(FindingFacts(**one) for one in report.get("findings", ())),
        messages=tuple(report.get("messages", ())),
        log=str(report.get("log", "")),
        waits=str(report.get("waits", "")) if submission.state == State.CHECKED else "",
    )


def _evaluation(session: Session, one: Evaluation, phase: Phase | None, sight: Sight) -> EvaluationFacts:
    shown = sight.scores and one.summary is not None
    return EvaluationFacts(
        number=one.number,
        state=one.state,
        place=place_in_queue(session, one),
        queued_at=one.queued_at,
        started_at=one.started_at,
        finished_at=one.finished_at,
        error=one.public_error or "",
        definition=one.definition_version,
        unicare=one.unicare_version,
        scores=score_facts(one.summary or {}) if shown else (),
    )
