"""Where the figures of the challenge's own runs come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from unicare.evaluate.ranking.standings import BoardResult
from unicare.web.challenge import BoardEntry

__all__ = ["NoScores", "ScoreSource", "Scored"]


@dataclass(frozen=True)
class Scored:
    """A board made of the site's own evaluations.

    Attributes:
        result: tables of all teams whose runs count.
        as_of: the moment at which these were the runs that count.
    """

    result: BoardResult
    as_of: datetime


class ScoreSource(Protocol):
    """Ranks what teams handed in."""

    def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
        """A board as it stands.

        Args:
            entry: the board.
            sort: one of ``entry.board.sorts`` to rank by; empty where the board leaves no choice.
            until: runs handed in from this moment on don't count; None if all do.

        Returns:
            None if no run counts yet.
        """
        ...


class NoScores:
    """Of a site on which nothing was evaluated."""

    def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
        """Nothing."""
        return None
