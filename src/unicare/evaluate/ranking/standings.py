"""What a ranking says: every team's figures, ranks and groups, and how sure they are."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

__all__ = ["BoardResult", "Column", "Estimate", "RankEstimate", "Standing", "TableResult", "Tau"]


@dataclass(frozen=True)
class Estimate:
    """A figure and its bootstrap percentile interval.

    Attributes:
        value: the figure; None where there is none.
        low: lower end of the interval; None where nothing was resampled.
        high: upper end of the interval.
    """

    value: float | None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class RankEstimate:
    """A rank and its bootstrap percentile interval; 1 is best, ties share the lowest number.

    Attributes:
        rank: from 1.
        low: lower (better) end of the interval; None where nothing was resampled.
        high: upper (worse) end of the interval.
    """

    rank: int
    low: int | None = None
    high: int | None = None


@dataclass(frozen=True)
class Tau:
    """Kendall's tau-b between the ranking of all cases and those of the bootstrap samples.

    Attributes:
        mean: over the samples; 1 means that every sample gives the same order.
        sd: sample standard deviation over them.
        low: lower end of their percentile interval.
        high: upper end of it.
    """

    mean: float
    sd: float
    low: float
    high: float


@dataclass(frozen=True)
class Column:
    """One kind of figure in a table.

    Attributes:
        name: as in ``Standing.figures`` and ``Standing.ranks``.
        title: for people.
        unit: ``mm``, ``s`` or empty.
        better: which figures are better.
    """

    name: str
    title: str
    unit: str
    better: Literal["higher", "lower"]


@dataclass(frozen=True)
class Standing:
    """One team's line in a table.

    Attributes:
        team: its name.
        rank: in the table, by its score.
        score: what the rank follows from; its column is ``TableResult.score``.
        figures: column to figure.
        ranks: column to the rank that the figure alone gives.
        groups: letters of the groups that the team is in. Teams that share a letter can't be told apart,
            teams that share none can.
        missing: cases without a figure of the team, which count as the worst.
    """

    team: str
    rank: RankEstimate
    score: Estimate
    figures: Mapping[str, Estimate]
    ranks: Mapping[str, RankEstimate]
    groups: tuple[str, ...] = ()
    missing: int = 0


@dataclass(frozen=True)
class TableResult:
    """One leaderboard: teams in the order of their ranks.

    Attributes:
        name: as in the board's file.
        title: for people.
        columns: the kinds of figures, in order.
        score: the column that ``Standing.score`` belongs to.
        rows: best first; teams of the same rank by name.
        p_values: Holm-corrected p of the two-sided Wilcoxon signed-rank test of every pair of teams, in the
            order of ``rows``; nan where a pair can't be tested; None without cases.
        tested: what the pairs were compared by.
        tau: how like the full ranking those of the bootstrap samples are; None if that can't be said.
        cases: how many cases count.
        patients: how many patients they are of.
        notes: what else one must know to read the table.
    """

    name: str
    title: str
    columns: tuple[Column, ...]
    score: Column
    rows: tuple[Standing, ...]
    p_values: tuple[tuple[float, ...], ...] | None = None
    tested: str = ""
    tau: Tau | None = None
    cases: int = 0
    patients: int = 0
    notes: tuple[str, ...] = ()

    def sorted_by(self, column: str, reverse: bool = False) -> TableResult:
        """The same table, its rows in the order of one column's ranks, best first unless reversed.

        Teams without a figure come last either way.

        Raises:
            KeyError: there is no such column.
        """
        names = [one.name for one in self.columns]
        if column not in names:
            raise KeyError(f"no column {column}; there are {', '.join(names)}")

        def place(index: int) -> tuple[bool, int, str]:
            row = self.rows[index]
            rank = row.ranks[column].rank
            return row.figures[column].value is None, -rank if reverse else rank, row.team

        order = sorted(range(len(self.rows)), key=place)
        p_values = self.p_values
        if p_values is not None:
            p_values = tuple(tuple(p_values[one][other] for other in order) for one in order)
        return replace(self, rows=tuple(self.rows[index] for index in order), p_values=p_values)


@dataclass(frozen=True)
class BoardResult:
    """A whole board.

    Attributes:
        board: the board's name.
        title: for people.
        about: how it ranks, in a few sentences.
        scheme: how cases and figures become ranks.
        tables: one for each part of the board, in its order.
        overall: the ranks of the parts joined into one; None if the board doesn't join them.
        sort: the column that decides, where the board lets one choose.
        bootstrap: number of bootstrap samples; 0 where there are no cases to draw from.
        seed: of the bootstrap.
        confidence: of all intervals.
        alpha: error rate of the groups, family-wise.
        notes: about the whole board.
    """

    board: str
    title: str
    about: str
    scheme: str
    tables: tuple[TableResult, ...]
    overall: TableResult | None = None
    sort: str = ""
    bootstrap: int = 0
    seed: int = 0
    confidence: float = 0.95
    alpha: float = 0.05
    notes: tuple[str, ...] = field(default=())

    @property
    def final(self) -> TableResult:
        """The table that decides: the overall one, or else the first."""
        return self.overall if self.overall is not None else self.tables[0]

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON; numbers that aren't finite become None."""
        plain = _plain(asdict(self))
        assert isinstance(plain, dict)
        return plain


def _plain(value: Any) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
