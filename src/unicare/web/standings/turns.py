"""Turns: one worker at a time ranks a board, and none does nothing else."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from unicare.web.database.tables import BoardTurn

__all__ = ["end_turn", "renew_turn", "take_turn"]

_LONGEST = timedelta(minutes=10)
_LONGEST_PROBLEM = 4000


def take_turn(session: Session, board: str, owner: str, *, lease: timedelta, now: datetime) -> bool:
    """Whether it is this worker's turn; if so, it has the board for a while.

    A turn that ends later than any could was given by a clock that has been put back since; it counts as
    over.

    Args:
        session: of a transaction of its own.
        board: which; or another name for what is done in turns.
        owner: the worker.
        lease: for how long it has it, unless it says that it lives.
        now: this moment by the database's clock.
    """
    row = session.get(BoardTurn, board)
    if row is None:
        session.add(BoardTurn(board=board, owner=owner, not_before=now + lease))
        return True
    if now < row.not_before <= now + max(lease, _LONGEST):
        return False
    row.owner, row.not_before = owner, now + lease
    return True


def renew_turn(session: Session, board: str, owner: str, *, lease: timedelta, now: datetime) -> bool:
    """Says that a worker lives; False if the turn isn't its any more."""
    row = session.get(BoardTurn, board)
    if row is None or row.owner != owner:
        return False
    row.not_before = now + lease
    return True


def end_turn(
    session: Session, board: str, owner: str, *, pause: timedelta, now: datetime, problem: str | None = None
) -> None:
    """Ends a turn, if it is still this worker's.

    Args:
        session: of the transaction.
        board: which.
        owner: the worker.
        pause: for how long nobody shall take it.
        now: this moment.
        problem: why it came to nothing.
    """
    row = session.get(BoardTurn, board)
    if row is not None and row.owner == owner:
        row.owner = None
        row.not_before = now + min(pause, _LONGEST)
        row.problem = problem[-_LONGEST_PROBLEM:] if problem else None
