"""Tables as they are shown: teams and baselines, ID and OOD of one topic told as such."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from unicare.evaluate.ranking.boards import Board
from unicare.evaluate.ranking.standings import BoardResult, Column, Estimate, Standing, TableResult
from unicare.web.boards.facts import ColumnFacts, FigureFacts, RowFacts, TableFacts

__all__ = ["Ranked", "column_facts", "join_baselines", "placed", "show_tables", "table_columns", "topics"]

Distribution = Literal["ID", "OOD"]

_IN_TITLE = re.compile(r"(.+?) \((ID|OOD)\)")
_NOTHING = FigureFacts(value=None, low=None, high=None, rank=None, change_from_id=None)


@dataclass(frozen=True)
class Ranked:
    """What is to be shown of a board.

    Attributes:
        teams: their tables; None if no team's run counts.
        baselines: theirs.
    """

    teams: BoardResult | None
    baselines: BoardResult | None = None

    @property
    def base(self) -> BoardResult | None:
        """Whose tables there are."""
        return self.teams or self.baselines


def table_columns(ranked: Ranked) -> frozenset[str]:
    """The columns of all tables."""
    base = ranked.base
    if base is None:
        return frozenset()
    tables = (*base.tables, base.overall) if base.overall is not None else base.tables
    return frozenset(column.name for table in tables for column in table.columns)


def show_tables(
    ranked: Ranked, board: Board, sort: str, reverse: bool
) -> tuple[TableFacts | None, tuple[TableFacts, ...]]:
    """The overall table, and those of the parts.

    Args:
        ranked: what is to be shown.
        board: whose it is.
        sort: column by which rows are ordered, in tables that have it; by rank if empty.
        reverse: worst first.
    """
    base = ranked.base
    if base is None:
        return None, ()
    in_distribution: dict[str, Mapping[str, Standing]] = {}
    for table in base.tables:
        topic, distribution = placed(table, board)
        if distribution == "ID":
            in_distribution[topic] = {row.team: row for row in table.rows}
    others = {} if ranked.baselines is None else {one.name: one for one in ranked.baselines.tables}
    with_teams = ranked.teams is not None
    tables = tuple(
        _table(table, others.get(table.name), board, sort, reverse, with_teams, in_distribution)
        for table in base.tables
    )
    if base.overall is None or not with_teams:
        return None, tables
    return _table(base.overall, None, board, sort, reverse, True, {}), tables


def _table(
    table: TableResult,
    baselines: TableResult | None,
    board: Board,
    sort: str,
    reverse: bool,
    with_teams: bool,
    in_distribution: Mapping[str, Mapping[str, Standing]],
) -> TableFacts:
    topic, distribution = placed(table, board)
    before = in_distribution.get(topic, {}) if distribution == "OOD" else {}
    absent = tuple(row.team for row in table.rows if row.score.value is None)
    rows = (
        [row for row in _ordered(table, sort, reverse).rows if row.team not in absent] if with_teams else []
    )
    lower = () if baselines is None else _by_value(baselines, sort, reverse)
    with_score = _is_absolute(board)
    return TableFacts(
        name=table.name,
        title=table.title,
        topic=topic,
        distribution=distribution,
        columns=tuple(column_facts(column) for column in table.columns),
        score=column_facts(table.score),
        rows=tuple(_row(row, table, before.get(row.team), ranked=True) for row in rows),
        baselines=tuple(_row(row, table, None, ranked=False, with_score=with_score) for row in lower),
        cases=table.cases,
        patients=table.patients,
        tau=None if table.tau is None else _finite(table.tau.mean),
        tau_sd=None if table.tau is None else _finite(table.tau.sd),
        tested=table.tested,
        notes=tuple(note for note in table.notes if not any(note.startswith(f"{team}: ") for team in absent)),
    )


def _by_value(table: TableResult, sort: str, reverse: bool) -> list[Standing]:
    """Baselines in the order of a column's figures, as their ranks mean nothing; those without one last."""
    column = next((one for one in table.columns if one.name == sort), table.score)
    sign = (1 if column.better == "lower" else -1) * (-1 if reverse else 1)

    def place(row: Standing) -> tuple[bool, float, str]:
        value = _finite((row.figures.get(column.name) or row.score).value)
        return value is None, sign * (value or 0.0), row.team

    return sorted(table.rows, key=place)


def _ordered(table: TableResult, sort: str, reverse: bool) -> TableResult:
    names = [column.name for column in table.columns]
    if sort in names:
        return table.sorted_by(sort, reverse)
    return table


def join_baselines(ours: BoardResult | None, published: BoardResult | None) -> BoardResult | None:
    """Baselines that were evaluated here, and those of which only figures are known, in the same tables."""
    if ours is None or published is None:
        return ours or published
    others = {table.name: table for table in published.tables}

    def joined(table: TableResult) -> TableResult:
        other = others.pop(table.name, None)
        if other is None:
            return table
        known = {column.name for column in table.columns}
        columns = (*table.columns, *(column for column in other.columns if column.name not in known))
        return replace(table, columns=columns, rows=(*table.rows, *other.rows))

    tables = tuple(joined(table) for table in ours.tables)
    return replace(ours, tables=(*tables, *others.values()))


def _is_absolute(board: Board) -> bool:
    """Whether a score says the same whoever else is on the board, so that baselines can have one."""
    fixed = board.scheme == "weighted_score" and board.normalise == "bounds"
    return fixed or board.scheme == "aggregate_then_rank"


def placed(table: TableResult, board: Board) -> tuple[str, Distribution | None]:
    """The topic of a table and its distribution, from the board or else from its title."""
    part = next((one for one in board.parts if one.name == table.name), None)
    found = _IN_TITLE.fullmatch(table.title)
    distribution: Distribution | None = part.distribution if part is not None else None
    if found is None:
        return table.title, distribution
    if distribution is None:
        distribution = "ID" if found[2] == "ID" else "OOD"
    return found[1], distribution


def column_facts(column: Column) -> ColumnFacts:
    """A column, as it is shown."""
    return ColumnFacts(name=column.name, title=column.title, unit=column.unit, better=column.better)


def _row(
    row: Standing, table: TableResult, before: Standing | None, *, ranked: bool, with_score: bool = True
) -> RowFacts:
    figures = {
        column.name: _figure(row, column.name, before, ranked=ranked)
        if column.name in row.figures
        else _NOTHING
        for column in table.columns
    }
    return RowFacts(
        team=row.team,
        rank=row.rank.rank if ranked else None,
        rank_low=row.rank.low if ranked else None,
        rank_high=row.rank.high if ranked else None,
        score=figures.get(table.score.name) or (_plain(row.score) if with_score else _NOTHING),
        figures=figures,
        groups=row.groups if ranked else (),
        missing=row.missing,
    )


def _figure(row: Standing, column: str, before: Standing | None, *, ranked: bool) -> FigureFacts:
    plain = _plain(row.figures[column])
    change = None
    if before is not None and column in before.figures:
        earlier = _finite(before.figures[column].value)
        if earlier is not None and plain.value is not None:
            change = plain.value - earlier
    rank = row.ranks[column].rank if ranked and plain.value is not None else None
    return plain.model_copy(update={"rank": rank, "change_from_id": change})


def _plain(estimate: Estimate) -> FigureFacts:
    value, low, high = (_finite(one) for one in (estimate.value, estimate.low, estimate.high))
    return FigureFacts(value=value, low=low, high=high, rank=None, change_from_id=None)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def topics(tables: Sequence[TableFacts]) -> list[tuple[str, list[TableFacts]]]:
    """Tables of one topic together, in the order of their first."""
    found: dict[str, list[TableFacts]] = {}
    for table in tables:
        found.setdefault(table.topic, []).append(table)
    return list(found.items())
