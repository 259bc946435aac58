"""States of boards, as they are read from the database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.database.tables import BoardSnapshot, BoardState

__all__ = ["StateHead", "held_boards", "newest_head", "newest_snapshot", "newest_state"]


@dataclass(frozen=True)
class StateHead:
    """A state without its content, which may be long.

    Attributes:
        id: its number.
        runs: digest of the runs that can count.
        rules: digest of those by which they were ranked.
        as_of: when these were the runs.
    """

    id: int
    runs: str
    rules: str
    as_of: datetime


def newest_head(session: Session, board: str) -> StateHead | None:
    """How a board stands, in short; None if it was never ranked."""
    every = select(BoardState.id, BoardState.runs, BoardState.rules, BoardState.as_of)
    newest = every.where(BoardState.board == board).order_by(BoardState.id.desc()).limit(1)
    found = session.execute(newest).one_or_none()
    return None if found is None else StateHead(*found)


def newest_state(session: Session, board: str) -> BoardState | None:
    """A board as it stands; None if it was never ranked."""
    every = select(BoardState).where(BoardState.board == board)
    return session.scalars(every.order_by(BoardState.id.desc()).limit(1)).one_or_none()


def newest_snapshot(session: Session, board: str) -> BoardSnapshot | None:
    """A board as it was frozen the last time; None if it wasn't."""
    every = select(BoardSnapshot).where(BoardSnapshot.board == board)
    return session.scalars(every.order_by(BoardSnapshot.number.desc()).limit(1)).one_or_none()


def held_boards(session: Session) -> frozenset[str]:
    """The boards that stand as they were frozen."""
    newest = select(func.max(BoardSnapshot.id)).group_by(BoardSnapshot.board)
    held = select(BoardSnapshot.board).where(BoardSnapshot.id.in_(newest), BoardSnapshot.lifted_at.is_(None))
    return frozenset(session.scalars(held))
