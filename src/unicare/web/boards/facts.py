"""What a board's page and its JSON say."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from unicare.web.facts.base import Facts

__all__ = [
    "BoardFacts",
    "BoardState",
    "BoardSummary",
    "ColumnFacts",
    "EditionFacts",
    "FigureFacts",
    "FreezeFacts",
    "HistoryFacts",
    "HistoryLine",
    "HistoryPoint",
    "HistoryTable",
    "RowFacts",
    "TableFacts",
]

Order = Literal["best_first", "worst_first"]


class BoardState(StrEnum):
    """What may be seen of the runs on a board.

    ``upcoming``: its phase hasn't begun. ``hidden``: shown from ``shown_from`` on. ``open``: it changes with
    each run. ``frozen``: it doesn't change any more.
    """

    UPCOMING = "upcoming"
    HIDDEN = "hidden"
    OPEN = "open"
    FROZEN = "frozen"


class EditionFacts(Facts):
    """One of the boards of a name: that of the site's own runs, one corrected since, or an older one.

    Attributes:
        name: as in addresses.
        title: for people.
        published: when, if it was published before; null if that isn't known.
        source: where it stands; null for the site's own.
        own: whether it is the site's own.
    """

    name: str
    title: str
    published: date | None
    source: str | None
    own: bool


class BoardSummary(Facts):
    """A board without its tables.

    Attributes:
        name: as in addresses.
        title: for people.
        about: how it ranks.
        scheme: how figures become ranks.
        phase: whose runs stand on it.
        tasks: whose runs stand on it.
        counts: which of a team's runs does.
        state: what may be seen of these runs.
        shown_from: from when on they are shown, if not yet; null if that isn't set.
        frozen_from: from when on they don't change it; null if never. Organisers may freeze it before.
        sorts: columns that one may choose to rank by.
        editions: the site's own first, then those published before.
    """

    name: str
    title: str
    about: str
    scheme: str
    phase: str
    tasks: tuple[str, ...]
    counts: Literal["best", "latest"]
    state: BoardState
    shown_from: datetime | None
    frozen_from: datetime | None
    sorts: tuple[str, ...]
    editions: tuple[EditionFacts, ...]


class ColumnFacts(Facts):
    """One kind of figure.

    Attributes:
        name: key of ``figures``.
        title: for people.
        unit: mm, s or empty.
        better: which figures are better.
    """

    name: str
    title: str
    unit: str
    better: Literal["higher", "lower"]


class FigureFacts(Facts):
    """A figure.

    Attributes:
        value: null if there is none.
        low: lower end of its interval; null if nothing was resampled.
        high: upper end.
        rank: that the figure alone gives; null for baselines.
        change_from_id: the same team's figure out of distribution minus that in distribution; null elsewhere.
    """

    value: float | None
    low: float | None
    high: float | None
    rank: int | None
    change_from_id: float | None


class RowFacts(Facts):
    """One team, or one baseline.

    Attributes:
        team: its name.
        rank: 1 is best; null for baselines, which have no rank.
        rank_low: better end of the rank's interval; null if nothing was resampled.
        rank_high: worse end.
        score: what the rank follows from.
        figures: by column.
        groups: letters; teams that share one can't be told apart.
        missing: cases without a figure, which count as the worst. Teams without any are in no table.
    """

    team: str
    rank: int | None
    rank_low: int | None
    rank_high: int | None
    score: FigureFacts
    figures: dict[str, FigureFacts]
    groups: tuple[str, ...]
    missing: int


class TableFacts(Facts):
    """One table.

    Attributes:
        name: short.
        title: for people.
        topic: the title without its distribution; tables of one topic belong side by side.
        distribution: ID, OOD; null for both.
        columns: in order.
        score: the column that ranks.
        rows: of teams, best first unless sorted otherwise.
        baselines: to compare with; they have no rank.
        cases: how many count; 0 if not known.
        patients: how many they are of.
        tau: Kendall's tau between this order and those of resampled cases, mean; null if that can't be said.
        tau_sd: its standard deviation.
        tested: what groups were made by.
        notes: what else must be known.
    """

    name: str
    title: str
    topic: str
    distribution: Literal["ID", "OOD"] | None
    columns: tuple[ColumnFacts, ...]
    score: ColumnFacts
    rows: tuple[RowFacts, ...]
    baselines: tuple[RowFacts, ...]
    cases: int
    patients: int
    tau: float | None
    tau_sd: float | None
    tested: str
    notes: tuple[str, ...]


class FreezeFacts(Facts):
    """That a board was frozen. Only organisers change it then: they freeze it anew, or unfreeze it.

    Attributes:
        number: 1 for the first time, 2 for the second …
        correction: 0, or which one it is of a board that was frozen before and not unfrozen since.
        at: when.
        reason: the organisers' words; empty if the date did it.
    """

    number: int
    correction: int
    at: datetime
    reason: str


class BoardFacts(BoardSummary):
    """A board with its tables.

    Attributes:
        edition: which of its editions this is.
        sort: the column by which rows are ordered; empty if by the score.
        order: whether the best or the worst of it come first.
        overall: the ranks of the tables joined into one; null if the board doesn't join them.
        tables: none while the runs are hidden.
        as_of: when these were the runs that count; null for published ones.
        counting: whether runs that count, or may, aren't in it yet.
        frozen: when it was frozen; null if it isn't yet, and for published ones.
        bootstrap: samples behind the intervals; 0 if there are none.
        confidence: of the intervals.
        alpha: error rate of the groups, family-wise.
        notes: about the whole board.
    """

    edition: EditionFacts
    sort: str
    order: Order
    overall: TableFacts | None
    tables: tuple[TableFacts, ...]
    as_of: datetime | None
    counting: bool
    frozen: FreezeFacts | None
    bootstrap: int
    confidence: float
    alpha: float
    notes: tuple[str, ...]


class HistoryPoint(Facts):
    """From when on a team had a score and a rank in a table.

    Attributes:
        at: from when on.
        score: what the rank follows from; null if it left the table.
        rank: from 1; null as well then.
    """

    at: datetime
    score: float | None
    rank: int | None


class HistoryLine(Facts):
    """How a team came where it is.

    Attributes:
        team: its name.
        points: in the order of time, one for each change.
    """

    team: str
    points: tuple[HistoryPoint, ...]


class HistoryTable(Facts):
    """How a table came to be as it is.

    Attributes:
        name: as in ``BoardFacts``.
        title: for people.
        topic: the same as in ``BoardFacts``.
        distribution: ID, OOD; null for both.
        score: the column that ranks.
        lines: of the teams that are in the table, in its order.
    """

    name: str
    title: str
    topic: str
    distribution: Literal["ID", "OOD"] | None
    score: ColumnFacts
    lines: tuple[HistoryLine, ...]


class HistoryFacts(Facts):
    """How a board came to be as it is.

    Attributes:
        board: its name.
        edition: which of its editions.
        sort: the column that it is ranked by; empty where it leaves no choice.
        as_of: when the runs of its end were those that count; null if there is nothing to show.
        tables: the overall one first, if there is one; none while the runs are hidden.
    """

    board: str
    edition: str
    sort: str
    as_of: datetime | None
    tables: tuple[HistoryTable, ...]
