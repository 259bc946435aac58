"""All submissions, and one of them with what only organisers see."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, func, select
from sqlalchemy.orm import Session

from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.database.tables import (
    Evaluation,
    QuotaSlot,
    Submission,
    SubmissionKind,
    Team,
    Upload,
    User,
)
from unicare.web.facts.base import Facts
from unicare.web.life.hand_in import cancel_submission
from unicare.web.life.moves import latest_evaluation, move_evaluation
from unicare.web.life.states import HOLDS_SLOT, SUBMISSION_MOVES, State
from unicare.web.organise.audit import AuditFacts, list_entries_of
from unicare.web.organise.evaluations import EvaluationRecord, evaluation_record
from unicare.web.organise.paging import PagingFacts, page_of

__all__ = [
    "SubmissionListed",
    "SubmissionRecord",
    "SubmissionsFacts",
    "cancel",
    "list_submissions",
    "read_submission",
]

_UNDER_WAY = (State.QUEUED, State.RUNNING)


class SubmissionListed(Facts):
    """A submission in a list.

    Attributes:
        id: its number.
        team_id: whose.
        team: the team's name.
        user_id: by whom.
        user: the person's name.
        task: name.
        phase: name.
        kind: what was handed in.
        state: where it is in its life.
        created_at: when it was handed in.
        evaluations: how many there are of it.
        counted: whether it has one of its team's evaluations.
        off_boards: whether its team is disqualified.
    """

    id: int
    team_id: int
    team: str
    user_id: int
    user: str
    task: str
    phase: str
    kind: SubmissionKind
    state: State
    created_at: datetime
    evaluations: int
    counted: bool
    off_boards: bool


class SubmissionsFacts(Facts):
    """A page of submissions.

    Attributes:
        submissions: newest first.
        paging: which page this is.
    """

    submissions: tuple[SubmissionListed, ...]
    paging: PagingFacts


class SubmissionRecord(SubmissionListed):
    """A submission.

    Attributes:
        note: the team's own words.
        upload_name: of the file, as the team calls it; null if that isn't known.
        upload_bytes: its length; the same.
        checked_at: when its check ended; null if it hasn't.
        attempts: how often a worker took it for checking.
        faults: how many of these ended by no fault of the team.
        report: what the team is told of its check.
        private_error: what went wrong with its check, in full.
        worker: that checks it; null if none does.
        quota_number: which of its team's evaluations it has; null if none.
        runs: its evaluations, oldest first; old ones stay.
        entries: of the audit log, about it and its evaluations, newest first.
        may_rerun: whether it can be evaluated again now.
        may_cancel: whether it, or its rerun, can be cancelled now.
    """

    note: str
    upload_name: str | None
    upload_bytes: int | None
    checked_at: datetime | None
    attempts: int
    faults: int
    report: dict[str, Any] | None
    private_error: str | None
    worker: str | None
    quota_number: int | None
    runs: tuple[EvaluationRecord, ...]
    entries: tuple[AuditFacts, ...]
    may_rerun: bool
    may_cancel: bool


def list_submissions(
    session: Session,
    *,
    phase: str = "",
    task: str = "",
    team: int | None = None,
    state: State | None = None,
    page: int = 1,
) -> SubmissionsFacts:
    """A page of submissions.

    Args:
        session: to read with.
        phase: only of this one; all if empty.
        task: the same.
        team: only of this one; all if None.
        state: only in this one; all if None.
        page: from 1.
    """
    wanted = _submissions().order_by(Submission.id.desc())
    for column, value in (
        (Submission.phase, phase or None),
        (Submission.task, task or None),
        (Submission.team_id, team),
        (Submission.state, None if state is None else state.value),
    ):
        if value is not None:
            wanted = wanted.where(column == value)
    wanted, paging = page_of(session, wanted, page)
    rows = session.execute(wanted).all()
    return SubmissionsFacts(
        submissions=tuple(SubmissionListed(**_listed(row)) for row in rows), paging=paging
    )


def read_submission(session: Session, submission_id: int) -> SubmissionRecord:
    """One of them, with all that is known of it.

    Raises:
        AccountError: there is no such submission.
    """
    row = session.execute(_submissions().where(Submission.id == submission_id)).one_or_none()
    if row is None:
        raise AccountError("there is no such submission", Reason.NOT_FOUND)
    submission = session.get_one(Submission, submission_id)
    upload = None if submission.upload_id is None else session.get(Upload, submission.upload_id)
    slot = select(QuotaSlot.number).where(QuotaSlot.submission_id == submission_id)
    runs = session.scalars(
        select(Evaluation).where(Evaluation.submission_id == submission_id).order_by(Evaluation.number)
    ).all()
    subjects = [f"submission:{submission_id}", *(f"evaluation:{one.id}" for one in runs)]
    waits = bool(runs) and runs[-1].state in _UNDER_WAY
    return SubmissionRecord(
        **_listed(row),
        note=submission.note,
        upload_name=None if upload is None else upload.name,
        upload_bytes=None if upload is None else upload.total_bytes,
        checked_at=submission.checked_at,
        attempts=submission.attempt,
        faults=submission.failures,
        report=submission.report,
        private_error=submission.private_error,
        worker=submission.lease_owner,
        quota_number=session.scalar(slot),
        runs=tuple(evaluation_record(one) for one in runs),
        entries=list_entries_of(session, subjects),
        may_rerun=_may_rerun(submission, runs[-1] if runs else None),
        may_cancel=waits or submission.state in SUBMISSION_MOVES["cancel"].sources,
    )


def cancel(
    session: Session, submission_id: int, organiser_id: int, reason: str, *, now: datetime, address: str
) -> None:
    """Cancels a submission that has no score yet, or the rerun of one that has.

    Raises:
        AccountError: there is no such submission.
        MoveRefusedError: it has come to its end.
    """
    if session.get(Submission, submission_id) is None:
        raise AccountError("there is no such submission", Reason.NOT_FOUND)
    latest = latest_evaluation(session, submission_id)
    if latest is not None and latest.state in _UNDER_WAY:
        move_evaluation(
            session, latest, "cancel", now=now, actor_id=organiser_id, reason=reason, address=address
        )
        return
    cancel_submission(session, submission_id, now=now, actor_id=organiser_id, reason=reason, address=address)


def _submissions() -> Select[*tuple[Any, ...]]:
    """With team and person; no JSON, so that a page of them is read quickly."""
    number = select(func.count()).where(Evaluation.submission_id == Submission.id).scalar_subquery()
    return (
        select(
            *(Submission.id, Submission.team_id, Submission.user_id, Submission.task, Submission.phase),
            *(Submission.kind, Submission.state, Submission.created_at),
            Team.name.label("team"),
            User.name.label("user"),
            number.label("evaluations"),
            Team.disqualified_at,
        )
        .join(Team, Team.id == Submission.team_id)
        .join(User, User.id == Submission.user_id)
    )


def _listed(row: Row[*tuple[Any, ...]]) -> dict[str, Any]:
    known = dict(row._mapping)
    off = known.pop("disqualified_at")
    return {
        **known,
        "state": State(known["state"]),
        "counted": known["state"] in HOLDS_SLOT,
        "off_boards": off is not None,
    }


def _may_rerun(submission: Submission, latest: Evaluation | None) -> bool:
    if submission.state == State.FAILED:
        return submission.checked_at is None or latest is not None
    return submission.state == State.SCORED and latest is not None and latest.state not in _UNDER_WAY
