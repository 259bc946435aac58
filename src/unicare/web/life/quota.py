"""A team's numbered evaluations: taken when a submission is queued, given back when it fails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from unicare.core.errors import SubmissionError
from unicare.web.challenge import Phase
from unicare.web.database.tables import Evaluation, QuotaSlot, Submission
from unicare.web.life.states import OUR_FAULT, WAITS_FOR_SLOT, State

__all__ = [
    "QuotaUsedUpError",
    "check_failures",
    "check_quota",
    "give_back_slot",
    "slots_taken",
    "take_slot",
]

_FEWEST_WAITING = 5


class QuotaUsedUpError(SubmissionError):
    """A team has no evaluation left."""


def slots_taken(session: Session, team_id: int, task: str, phase: str) -> int:
    """How many evaluations of a team are used or under way."""
    taken = select(func.count()).select_from(QuotaSlot).where(*_whose(team_id, task, phase))
    return session.scalar(taken) or 0


def check_quota(session: Session, team_id: int, task: str, phase: Phase) -> None:
    """Refuses one more submission of a team that has no evaluation left, or so many waiting already.

    Those that wait have no evaluation yet, and hold files and workers all the same.

    Raises:
        QuotaUsedUpError: it is refused.
    """
    taken = slots_taken(session, team_id, task, phase.name)
    if taken >= phase.quota:
        raise _none_left(task, phase.name, taken, phase.quota)
    found = _count(session, team_id, task, phase.name, Submission.state.in_(WAITS_FOR_SLOT))
    most = max(phase.quota, _FEWEST_WAITING)
    if found >= most:
        raise QuotaUsedUpError(
            f"too many of the team's submissions for {task} in {phase.name} aren't evaluated yet",
            found=found,
            expected=f"at most {most}",
            mend="wait for their checks, or take some back",
        )


def check_failures(session: Session, team_id: int, task: str, phase: str, most: int) -> None:
    """Refuses one more container of a team whose containers failed too often on the hidden cases.

    Each failure tells a little about these cases, and costs no evaluation. Those by a fault of the site don't
    count, nor do those that an organiser had evaluated again, and that have a score now.

    Raises:
        QuotaUsedUpError: it is refused.
    """
    own = select(Evaluation.id).where(
        Evaluation.submission_id == Submission.id,
        Evaluation.state == State.FAILED,
        Evaluation.started_at.is_not(None),
        Evaluation.public_error != OUR_FAULT,
    )
    found = _count(session, team_id, task, phase, (Submission.state == State.FAILED) & own.exists())
    if found >= most:
        raise QuotaUsedUpError(
            f"the team's containers failed too often on the hidden cases of {task} in {phase}",
            found=found,
            expected=f"fewer than {most}",
            mend="ask the organisers",
        )


def take_slot(session: Session, submission: Submission, quota: int, now: datetime) -> int:
    """Takes the first number that is free; the database has no number twice.

    Args:
        session: of the transaction that queues the submission.
        submission: what it is for; one that has a number keeps it.
        quota: how many there are.
        now: when.

    Returns:
        The number, from 1.

    Raises:
        QuotaUsedUpError: none is free.
    """
    whose = _whose(submission.team_id, submission.task, submission.phase)
    rows = session.execute(select(QuotaSlot.number, QuotaSlot.submission_id).where(*whose)).all()
    for number, submission_id in rows:
        if submission_id == submission.id:
            return int(number)
    taken = {number for number, _ in rows}
    free = next((number for number in range(1, quota + 1) if number not in taken), None)
    if free is None:
        raise _none_left(submission.task, submission.phase, len(taken), quota)
    session.add(
        QuotaSlot(
            team_id=submission.team_id,
            task=submission.task,
            phase=submission.phase,
            number=free,
            submission_id=submission.id,
            taken_at=now,
        )
    )
    session.flush()
    return free


def give_back_slot(session: Session, submission_id: int) -> None:
    """Gives back what a submission has taken; nothing if it has none."""
    session.execute(delete(QuotaSlot).where(QuotaSlot.submission_id == submission_id))


def _count(session: Session, team_id: int, task: str, phase: str, which: ColumnElement[bool]) -> int:
    """How many of a team's submissions for a task in a phase are such."""
    own = Submission.team_id == team_id, Submission.task == task, Submission.phase == phase
    return session.scalar(select(func.count()).where(*own, which)) or 0


def _none_left(task: str, phase: str, taken: int, quota: int) -> QuotaUsedUpError:
    return QuotaUsedUpError(
        f"the team has no evaluation left for {task} in {phase}",
        found=f"{taken} used or under way",
        expected=f"at most {quota}",
        mend="one that fails is given back",
    )


def _whose(team_id: int, task: str, phase: str) -> tuple[ColumnElement[bool], ...]:
    return (QuotaSlot.team_id == team_id, QuotaSlot.task == task, QuotaSlot.phase == phase)
