"""Having submissions evaluated again, one or all of a task: old scores stay beside the new ones."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.core.errors import SubmissionError
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.challenge import Challenge
from unicare.web.database import Database, record
from unicare.web.database.tables import Evaluation, Submission
from unicare.web.facts.base import Facts
from unicare.web.life.hand_in import evaluate_again
from unicare.web.life.states import MoveRefusedError, State

__all__ = ["RerunFacts", "rerun", "rerun_task"]

_AT_ONCE = 100


class RerunFacts(Facts):
    """What was queued.

    Attributes:
        queued: submissions that are evaluated again.
        left_out: scored submissions that are being evaluated again already.
    """

    queued: int
    left_out: int


def rerun(
    session: Session,
    challenge: Challenge,
    submission_id: int,
    organiser_id: int,
    reason: str,
    *,
    now: datetime,
    address: str,
) -> None:
    """Has one submission evaluated again; where its check failed by the site's fault, checked again first.

    Raises:
        AccountError: there is no such submission.
        MoveRefusedError: it wasn't evaluated yet, or is being evaluated.
        QuotaUsedUpError: it failed before, and its team has used all its evaluations since.
    """
    if session.get(Submission, submission_id) is None:
        raise AccountError("there is no such submission", Reason.NOT_FOUND)
    evaluate_again(
        session, challenge, submission_id, now=now, actor_id=organiser_id, reason=reason, address=address
    )


def rerun_task(
    database: Database,
    challenge: Challenge,
    phase: str,
    task: str,
    organiser_id: int,
    reason: str,
    *,
    now: datetime,
    address: str,
) -> RerunFacts:
    """Has all scored submissions of a task in a phase evaluated again, as after a fix of the evaluation.

    Done in parts, so that others can write in between. Whoever is interrupted may ask again: what is queued
    already isn't queued twice.

    Raises:
        SubmissionError: there is no such task in such a phase.
    """
    _refuse_unless_there(challenge, phase, task)
    with database.reading() as session:
        ready, left_out = _scored(session, phase, task)
    who: dict[str, Any] = {"now": now, "actor_id": organiser_id, "reason": reason, "address": address}
    queued = sum(
        database.transact(
            partial(_queue, challenge=challenge, numbers=ready[start : start + _AT_ONCE], **who)
        )
        for start in range(0, len(ready), _AT_ONCE)
    )
    result = RerunFacts(queued=queued, left_out=left_out + len(ready) - queued)
    note = partial(record, action="task.rerun", subject=f"task:{phase}/{task}", **who, **result.model_dump())
    database.transact(note)
    return result


def _refuse_unless_there(challenge: Challenge, phase: str, task: str) -> None:
    tasks = {one.name: {two.name for two in challenge.tasks_of(one)} for one in challenge.phases}
    if task not in tasks.get(phase, ()):
        raise SubmissionError("there is no such task in such a phase", found=f"{task!r} in {phase!r}")


def _queue(
    session: Session,
    *,
    challenge: Challenge,
    numbers: Sequence[int],
    now: datetime,
    actor_id: int,
    reason: str,
    address: str,
) -> int:
    """Queues some submissions again; how many of them."""
    done = 0
    for number in numbers:
        with suppress(MoveRefusedError):  # somebody else was quicker
            evaluate_again(
                session, challenge, number, now=now, actor_id=actor_id, reason=reason, address=address
            )
            done += 1
    return done


def _scored(session: Session, phase: str, task: str) -> tuple[list[int], int]:
    """Those that can be evaluated again, oldest first, and how many are being so already."""
    scored = select(Submission.id).where(
        Submission.phase == phase, Submission.task == task, Submission.state == State.SCORED
    )
    busy = set(
        session.scalars(
            select(Evaluation.submission_id).where(Evaluation.state.in_([State.QUEUED, State.RUNNING]))
        )
    )
    every = list(session.scalars(scored.order_by(Submission.id)))
    ready = [number for number in every if number not in busy]
    return ready, len(every) - len(ready)
