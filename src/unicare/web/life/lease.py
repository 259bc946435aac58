"""Which worker has which work, for how long; work of workers that died is found and given to others."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select, update
from sqlalchemy.orm import Session

from unicare.web.database.tables import Evaluation, Submission, SubmissionKind
from unicare.web.life.moves import move_evaluation, move_submission
from unicare.web.life.states import State

__all__ = [
    "LONGEST_PAUSE",
    "Claim",
    "Job",
    "claim",
    "claimed_before",
    "expired",
    "held",
    "put_off",
    "renew",
]

LONGEST_PAUSE = timedelta(hours=1)

Job = Literal["check", "evaluate"]
Row = TypeVar("Row", Submission, Evaluation)


@dataclass(frozen=True)
class Claim:
    """Work that a worker has.

    Attributes:
        job: a submission's check, or an evaluation.
        id: of the submission or of the evaluation.
        attempt: how often it was taken, this time included. Only the last one may bring a result.
        owner: the worker.
        submission_id: of what.
        kind: of the submission.
        task: of the submission.
        phase: of the submission.
        storage_key: where the submission lies.
    """

    job: Job
    id: int
    attempt: int
    owner: str
    submission_id: int
    kind: SubmissionKind
    task: str
    phase: str
    storage_key: str


def claim(
    session: Session,
    job: Job,
    owner: str,
    *,
    lease: timedelta,
    kinds: Collection[SubmissionKind],
    now: datetime,
) -> Claim | None:
    """Takes the work that has waited longest; None if there is none.

    The order is that of the numbers of submissions and evaluations, so that no clock can change it, and work
    that comes back from a worker that died is first again. What is evaluated once more, for organisers,
    comes after what was never evaluated.

    Args:
        session: of a transaction of its own.
        job: which sort of work.
        owner: the worker.
        lease: for how long it has it before it has to say that it lives.
        kinds: of submissions that the worker can deal with.
        now: this moment by the database's clock.
    """
    if job == "check":
        uploaded = select(Submission).where(Submission.state == State.UPLOADED, _due(Submission, now))
        submission = _first(session, Submission, uploaded, kinds)
        if submission is None:
            return None
        _lease(submission, owner, now + lease)
        move_submission(session, submission, "begin_check", now=now, worker=owner)
        return _claim(job, submission, submission, owner)
    waiting = select(Evaluation).join(Submission)
    waiting = waiting.where(Evaluation.state == State.QUEUED, _due(Evaluation, now))
    evaluation = _first(session, Evaluation, waiting, kinds)
    if evaluation is None:
        return None
    _lease(evaluation, owner, now + lease)
    evaluation.started_at = now
    move_evaluation(session, evaluation, "start", now=now, worker=owner)
    return _claim(job, evaluation, session.get_one(Submission, evaluation.submission_id), owner)


def claimed_before(session: Session, owner: str, *, lease: timedelta, now: datetime) -> Claim | None:
    """Work that a worker was given without hearing so, because the answer of the database was lost."""
    checking = select(Submission).where(Submission.state == State.CHECKING, Submission.lease_owner == owner)
    submission = session.scalars(checking.limit(1)).one_or_none()
    if submission is not None:
        submission.lease_expires_at = now + lease
        return _claim("check", submission, submission, owner)
    running = select(Evaluation).where(Evaluation.state == State.RUNNING, Evaluation.lease_owner == owner)
    evaluation = session.scalars(running.limit(1)).one_or_none()
    if evaluation is None:
        return None
    evaluation.lease_expires_at = now + lease
    return _claim("evaluate", evaluation, session.get_one(Submission, evaluation.submission_id), owner)


def put_off(row: Submission | Evaluation, until: datetime) -> None:
    """Leaves work that waits again alone for a while, so that what ails the site may pass."""
    row.lease_expires_at = until


def renew(session: Session, mine: Claim, *, lease: timedelta, now: datetime) -> bool:
    """Says that a worker lives; False if the work isn't its any more."""
    row = held(session, mine)
    if row is None:
        return False
    row.lease_expires_at = now + lease
    return True


def held(session: Session, mine: Claim) -> Submission | Evaluation | None:
    """The row of a worker's work, if it still has it: nobody took it since, nobody cancelled it."""
    row: Submission | Evaluation | None
    if mine.job == "check":
        row = session.get(Submission, mine.id)
        state = State.CHECKING
    else:
        row = session.get(Evaluation, mine.id)
        state = State.RUNNING
    if row is None or row.state != state or (row.attempt, row.lease_owner) != (mine.attempt, mine.owner):
        return None
    return row


def expired(session: Session, *, lease: timedelta, now: datetime) -> list[Claim]:
    """Work whose workers weren't heard of in time.

    A lease that ends later than one that is given now was given by a clock that has been put back since. It
    is given anew, else the work would wait until the clock is there again; who lives says so in time.

    Args:
        session: of the transaction that takes it from them.
        lease: the longest that a lease is given for.
        now: this moment by the database's clock.
    """
    _shorten(session, lease, now)
    submissions = session.scalars(
        select(Submission).where(Submission.state == State.CHECKING, _over(Submission, now))
    ).all()
    evaluations: Sequence[Evaluation] = session.scalars(
        select(Evaluation).where(Evaluation.state == State.RUNNING, _over(Evaluation, now))
    ).all()
    found = [_claim("check", one, one, one.lease_owner or "") for one in submissions]
    for one in evaluations:
        submission = session.get_one(Submission, one.submission_id)
        found.append(_claim("evaluate", one, submission, one.lease_owner or ""))
    return found


def _first(
    session: Session, table: type[Row], waiting: Select[Any], kinds: Collection[SubmissionKind]
) -> Row | None:
    """The first one that no other transaction is taking."""
    order = (table.id,) if table is Submission else (Evaluation.number > 1, Evaluation.id)
    wanted = waiting.where(Submission.kind.in_(sorted(kinds))).order_by(*order).limit(1)
    row: Row | None = session.scalars(wanted.with_for_update(skip_locked=True, of=table)).one_or_none()
    return row


def _lease(row: Submission | Evaluation, owner: str, until: datetime) -> None:
    row.attempt += 1
    row.lease_owner, row.lease_expires_at = owner, until


def _shorten(session: Session, lease: timedelta, now: datetime) -> None:
    """Leases of a clock that was put back end when one would that is given now."""
    for table, state in ((Submission, State.CHECKING), (Evaluation, State.RUNNING)):
        longer = (table.state == state) & (table.lease_expires_at > now + lease)
        session.execute(update(table).where(longer).values(lease_expires_at=now + lease))


def _over(table: type[Submission] | type[Evaluation], now: datetime) -> ColumnElement[bool]:
    ends = table.lease_expires_at
    return or_(ends.is_(None), ends <= now)


def _due(table: type[Submission] | type[Evaluation], now: datetime) -> ColumnElement[bool]:
    """Whether work that waits may be begun; after a fault it is left alone for a while (``put_off``)."""
    until = table.lease_expires_at
    return or_(until.is_(None), until <= now, until > now + LONGEST_PAUSE)  # the clock was put back


def _claim(job: Job, row: Submission | Evaluation, submission: Submission, owner: str) -> Claim:
    return Claim(
        job=job,
        id=row.id,
        attempt=row.attempt,
        owner=owner,
        submission_id=submission.id,
        kind=submission.kind,
        task=submission.task,
        phase=submission.phase,
        storage_key=submission.storage_key,
    )
