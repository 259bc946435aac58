"""How boards came to be as they are."""

from __future__ import annotations

from collections.abc import Iterable

from unicare.evaluate.ranking.boards import Board
from unicare.evaluate.ranking.standings import BoardResult, TableResult
from unicare.web.boards.facts import HistoryLine, HistoryPoint, HistoryTable
from unicare.web.boards.source import Change
from unicare.web.boards.tables import column_facts, placed

__all__ = ["show_history"]


def show_history(result: BoardResult, board: Board, changes: Iterable[Change]) -> tuple[HistoryTable, ...]:
    """The history of each table.

    Args:
        result: what it led to.
        board: whose it is.
        changes: in the order of time.
    """
    points: dict[tuple[str, str], list[HistoryPoint]] = {}
    for one in changes:
        point = HistoryPoint(at=one.at, score=one.score, rank=one.rank)
        points.setdefault((one.table, one.team), []).append(point)
    overall = () if result.overall is None else (result.overall,)
    return tuple(_table(table, board, points) for table in (*overall, *result.tables))


def _table(
    table: TableResult, board: Board, points: dict[tuple[str, str], list[HistoryPoint]]
) -> HistoryTable:
    topic, distribution = placed(table, board)
    return HistoryTable(
        name=table.name,
        title=table.title,
        topic=topic,
        distribution=distribution,
        score=column_facts(table.score),
        lines=tuple(
            HistoryLine(team=row.team, points=tuple(points[table.name, row.team]))
            for row in table.rows
            if (table.name, row.team) in points
        ),
    )
