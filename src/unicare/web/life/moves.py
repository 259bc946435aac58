"""Moving a submission or an evaluation from one state to the next: looked up, done, and written down."""

from __future__ import annotations

from datetime import datetime
from typing import Any, cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.database import record
from unicare.web.database.tables import Evaluation, EvaluationState, Submission
from unicare.web.life.quota import give_back_slot
from unicare.web.life.states import EVALUATION_MOVES, HOLDS_SLOT, SUBMISSION_MOVES, State, find_move

__all__ = ["latest_evaluation", "move_evaluation", "move_submission"]

_ENDS = {State.SCORED, State.FAILED, State.CANCELLED}


def move_submission(
    session: Session,
    submission: Submission,
    name: str,
    *,
    now: datetime,
    actor_id: int | None = None,
    **details: Any,
) -> None:
    """Moves a submission, in the caller's transaction; gives its quota back where the state has none.

    Raises:
        MoveRefusedError: not from the state that it is in.
    """
    before = submission.state
    submission.state = find_move(SUBMISSION_MOVES, name, before).target.value
    if before == State.CHECKING:
        submission.lease_owner, submission.lease_expires_at = None, None
    if submission.state not in HOLDS_SLOT:
        give_back_slot(session, submission.id)
    subject = f"submission:{submission.id}"
    record(
        session, f"submission.{name}", subject, now=now, actor_id=actor_id, before=before,
        after=submission.state, **details,
    )  # fmt: skip


def move_evaluation(
    session: Session,
    evaluation: Evaluation,
    name: str,
    *,
    now: datetime,
    actor_id: int | None = None,
    **details: Any,
) -> None:
    """Moves an evaluation, in the caller's transaction, and its submission with it.

    A submission that has a score keeps it, whatever becomes of a later evaluation.

    Raises:
        MoveRefusedError: not from the state that it is in.
    """
    before: str = evaluation.state
    target = find_move(EVALUATION_MOVES, name, before).target
    evaluation.state = cast(EvaluationState, target.value)
    if before == State.RUNNING:
        evaluation.lease_owner, evaluation.lease_expires_at = None, None
    if target in _ENDS:
        evaluation.finished_at = now
    record(
        session, f"evaluation.{name}", f"evaluation:{evaluation.id}", now=now, actor_id=actor_id,
        before=before, after=evaluation.state, attempt=evaluation.attempt, **details,
    )  # fmt: skip
    submission = session.get_one(Submission, evaluation.submission_id)
    if submission.state != State.SCORED:
        move_submission(session, submission, name, now=now, actor_id=actor_id)


def latest_evaluation(session: Session, submission_id: int) -> Evaluation | None:
    """The last evaluation of a submission, however it stands."""
    every = select(Evaluation).where(Evaluation.submission_id == submission_id)
    return session.scalars(every.order_by(Evaluation.number.desc()).limit(1)).one_or_none()
