"""Where the figures of the challenge's own runs come from."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from unicare.evaluate.ranking.standings import BoardResult
from unicare.web.challenge import BoardEntry

__all__ = ["Change", "Frozen", "NoScores", "ScoreSource", "Scored"]


@dataclass(frozen=True)
class Scored:
    """A board made of the site's own evaluations.

    Attributes:
        result: tables of all teams whose runs count; None if there is none.
        as_of: the moment at which these were the runs that count.
        baselines: the same tables of what organisers gave to compare with; None if they gave nothing.
        counting: whether there are newer runs, which are being counted.
        notes: what else must be known.
    """

    result: BoardResult | None
    as_of: datetime
    baselines: BoardResult | None = None
    counting: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Frozen:
    """That a board was frozen.

    Attributes:
        number: 1 for the first, 2 for the first correction …
        at: when.
        reason: the organisers' words; empty if the date did it.
        lifted: whether organisers unfroze the board since.
    """

    number: int
    at: datetime
    reason: str = ""
    lifted: bool = False


@dataclass(frozen=True)
class Change:
    """That a team's score or rank became another one.

    Attributes:
        table: name of the table.
        team: whose.
        at: from when on.
        score: the new one; None where the team left the table.
        rank: the same.
    """

    table: str
    team: str
    at: datetime
    score: float | None
    rank: int | None


class ScoreSource(Protocol):
    """Ranks what teams handed in."""

    def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
        """A board as it stands.

        Args:
            entry: the board.
            sort: one of ``entry.board.sorts`` to rank by; empty where the board leaves no choice.
            until: runs handed in from this moment on don't count; None if all do.

        Returns:
            None if no run was counted yet.
        """
        ...

    def frozen(self, entry: BoardEntry) -> tuple[Frozen, ...]:
        """How often a board was frozen, the last time first."""
        ...

    def snapshot(self, entry: BoardEntry, sort: str, number: int) -> Scored:
        """A board as it was frozen.

        Raises:
            LookupError: it wasn't, so often.
        """
        ...

    def history(self, entry: BoardEntry, sort: str, number: int | None) -> tuple[Change, ...]:
        """How the teams that are on a board came where they are, in the order of time.

        Args:
            entry: the board.
            sort: as for ``scored``.
            number: of the snapshot that it leads to; None if to the board as it stands.
        """
        ...


class NoScores:
    """Of a site on which nothing was evaluated."""

    def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
        """Nothing."""
        return None

    def frozen(self, entry: BoardEntry) -> tuple[Frozen, ...]:
        """Never."""
        return ()

    def snapshot(self, entry: BoardEntry, sort: str, number: int) -> Scored:
        """There is none."""
        raise LookupError(f"board {entry.name} wasn't frozen")

    def history(self, entry: BoardEntry, sort: str, number: int | None) -> tuple[Change, ...]:
        """None."""
        return ()
