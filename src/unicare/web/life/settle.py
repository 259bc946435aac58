"""How work ends: each way is one transaction, refused if the work isn't the worker's any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from unicare.core.errors import SubmissionError
from unicare.web.challenge import Challenge
from unicare.web.database.tables import Evaluation, Submission
from unicare.web.life.hand_in import queue_submission
from unicare.web.life.lease import LONGEST_PAUSE, Claim, expired, held, put_off
from unicare.web.life.moves import move_evaluation, move_submission
from unicare.web.life.quota import QuotaUsedUpError
from unicare.web.life.states import OUR_FAULT, State

__all__ = [
    "Checked",
    "Failed",
    "Fault",
    "HandedBack",
    "Outcome",
    "Refused",
    "Scored",
    "recover",
    "settle",
]


@dataclass(frozen=True)
class Checked:
    """A check found nothing wrong: the submission may be evaluated.

    Attributes:
        report: what the team is told.
        storage_key: where what is evaluated lies.
    """

    report: dict[str, Any]
    storage_key: str


@dataclass(frozen=True)
class Refused:
    """A check found something wrong.

    Attributes:
        report: what the team is told.
    """

    report: dict[str, Any]


@dataclass(frozen=True)
class Scored:
    """An evaluation came to its end.

    Attributes:
        summary: as in summary.json.
        rows_key: where the rows of all cases lie in the storage.
    """

    summary: dict[str, Any]
    rows_key: str


@dataclass(frozen=True)
class Failed:
    """The work can't be done, and wouldn't be by trying again.

    Attributes:
        public: what the team is told.
        private: what organisers see besides.
    """

    public: str
    private: str = ""


@dataclass(frozen=True)
class Fault:
    """The work wasn't done, by a fault of the site: it is tried again, a few times.

    Attributes:
        private: what organisers see.
    """

    private: str


@dataclass(frozen=True)
class HandedBack:
    """The worker was asked to stop: another one does the work."""


Outcome = Checked | Refused | Scored | Failed | Fault | HandedBack


def settle(
    session: Session,
    mine: Claim,
    outcome: Outcome,
    *,
    challenge: Challenge,
    attempts: int,
    now: datetime,
    pause: timedelta = timedelta(0),
) -> bool:
    """Writes down what came of some work.

    Args:
        session: of a transaction of its own.
        mine: the work.
        outcome: what came of it.
        challenge: that it is a part of.
        attempts: how many faults there may be until it counts as failed.
        now: this moment.
        pause: until work is begun again after its first fault; twice as long after the second, and so on.

    Returns:
        Whether it was still the worker's; else nothing is changed.
    """
    row = held(session, mine)
    if row is None:
        return False
    if isinstance(row, Submission):
        _settle_check(session, row, outcome, challenge, attempts, now)
    else:
        _settle_evaluation(session, row, outcome, attempts, now)
    if pause and isinstance(outcome, Fault) and row.state in (State.UPLOADED, State.QUEUED):
        put_off(row, now + min(pause * 2 ** (row.failures - 1), LONGEST_PAUSE))
    return True


def recover(
    session: Session, *, challenge: Challenge, lease: timedelta, attempts: int, now: datetime
) -> list[Claim]:
    """Takes work from workers that weren't heard of in time: it is queued again, or failed in the end.

    Returns:
        What was taken.
    """
    lost = expired(session, lease=lease, now=now)
    for one in lost:
        fault = Fault(f"worker {one.owner} wasn't heard of any more in attempt {one.attempt}")
        settle(session, one, fault, challenge=challenge, attempts=attempts, now=now)
    return lost


def _settle_check(
    session: Session, row: Submission, outcome: Outcome, challenge: Challenge, attempts: int, now: datetime
) -> None:
    if isinstance(outcome, Checked | Refused):
        row.report, row.checked_at, row.private_error = outcome.report, now, None
    if isinstance(outcome, Checked):
        row.storage_key = outcome.storage_key
        move_submission(session, row, "pass", now=now)
        try:
            queue_submission(session, challenge, row.id, now=now)
        except QuotaUsedUpError as error:  # it stays, to be queued by hand once one is given back
            row.report = {**outcome.report, "waits": str(error)}
    elif isinstance(outcome, Refused):
        move_submission(session, row, "refuse", now=now)
    elif isinstance(outcome, HandedBack):
        move_submission(session, row, "check_again", now=now)
    else:
        row.private_error = _as_text(outcome.private)  # type: ignore[union-attr]
        if not _tried_enough(row, outcome, attempts):
            move_submission(session, row, "check_again", now=now)
            return
        row.report = {"messages": [_public(outcome)]}
        move_submission(session, row, "fail", now=now)


def _settle_evaluation(
    session: Session, row: Evaluation, outcome: Outcome, attempts: int, now: datetime
) -> None:
    if isinstance(outcome, Scored):
        row.summary, row.rows_key = outcome.summary, outcome.rows_key
        row.definition_version = str(outcome.summary["definition"])
        row.unicare_version = str(outcome.summary["unicare"])
        row.public_error, row.private_error = None, None
        move_evaluation(session, row, "score", now=now)
    elif isinstance(outcome, HandedBack):
        move_evaluation(session, row, "requeue", now=now)
    elif isinstance(outcome, Failed | Fault):
        row.private_error = _as_text(outcome.private)
        if not _tried_enough(row, outcome, attempts):
            move_evaluation(session, row, "requeue", now=now)
            return
        row.public_error = _public(outcome)
        move_evaluation(session, row, "fail", now=now)
    else:
        raise SubmissionError(f"an evaluation can't end as {type(outcome).__name__}")


def _tried_enough(row: Submission | Evaluation, outcome: Outcome, attempts: int) -> bool:
    """Whether it is failed for good; counts a fault."""
    if isinstance(outcome, Failed):
        return True
    row.failures += 1
    return row.failures >= attempts


def _as_text(said: str | None) -> str | None:
    """What every database takes: whatever a container printed may be in it."""
    if said is None:
        return None
    return said.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")


def _public(outcome: Outcome) -> str:
    return outcome.public if isinstance(outcome, Failed) else OUR_FAULT
