"""What follows from a board's entry in challenge.yaml: its own sort, and when it is frozen."""

from __future__ import annotations

from datetime import datetime

from unicare.evaluate.ranking.boards import Board
from unicare.web.challenge import BoardEntry, Challenge
from unicare.web.challenge.times import end_of_minute

__all__ = ["default_sort", "frozen_from"]


def frozen_from(challenge: Challenge, entry: BoardEntry) -> datetime | None:
    """The first moment at which a run comes too late, in the time zone in which the date is written.

    None if there is none: the phase is always open, and the board has no date of its own.
    """
    phase = challenge.phase(entry.phase)
    last = entry.freeze or (None if phase.always_open else phase.end)
    return None if last is None else end_of_minute(last).astimezone(last.tzinfo)


def default_sort(board: Board) -> str:
    """The column that a board ranks by unless another is chosen; empty where it leaves no choice."""
    return board.sort or next(iter(board.sorts), "")
