"""A team's numbered evaluations: taken when a submission is queued, given back when it fails."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from unicare.core.errors import SubmissionError
from unicare.web.database.tables import QuotaSlot, Submission

__all__ = ["QuotaUsedUpError", "give_back_slot", "slots_taken", "take_slot"]


class QuotaUsedUpError(SubmissionError):
    """A team has no evaluation left."""


def slots_taken(session: Session, team_id: int, task: str, phase: str) -> int:
    """How many evaluations of a team are used or under way."""
    taken = select(func.count()).select_from(QuotaSlot).where(*_whose(team_id, task, phase))
    return session.scalar(taken) or 0


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
        raise QuotaUsedUpError(
            f"the team has no evaluation left for {submission.task} in {submission.phase}",
            found=f"{len(taken)} used or under way",
            expected=f"at most {quota}",
            mend="one that fails is given back",
        )
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


def _whose(team_id: int, task: str, phase: str) -> tuple[ColumnElement[bool], ...]:
    return (QuotaSlot.team_id == team_id, QuotaSlot.task == task, QuotaSlot.phase == phase)
