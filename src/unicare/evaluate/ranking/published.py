"""Tables of published means: figures of teams without the cases behind them."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.boards import Board, Part
from unicare.evaluate.ranking.measured import Measured, column_of
from unicare.evaluate.ranking.rank import ScoredPart, chosen_sort, join_parts, table_result
from unicare.evaluate.ranking.schemes import SCHEMES
from unicare.evaluate.ranking.standings import BoardResult
from unicare.evaluate.ranking.table import RANKABLE

__all__ = ["PublishedMean", "rank_published", "read_published"]

_PLACES = ("board", "task", "distribution", "team")
_OTHER_NAMES = {"hd_mm": "hausdorff_mm"}

_NO_CASES = "published means: without the cases nothing can be said of how sure this order is"


@dataclass(frozen=True)
class PublishedMean:
    """One team's line in a published table.

    Attributes:
        team: its name.
        figures: metric to mean; metrics without a figure are left out.
        board: the table's name.
        task: what was segmented, in the table's words.
        distribution: ``ID``, ``OOD`` or empty.
    """

    team: str
    figures: Mapping[str, float]
    board: str = ""
    task: str = ""
    distribution: str = ""


def read_published(path: Path) -> tuple[PublishedMean, ...]:
    """Reads a CSV with the columns team, metrics (``hd_mm`` is ``hausdorff_mm``), board, task, distribution.

    Raises:
        SettingsError: it can't be read, or a column or number can't be understood; says which line.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            header = list(reader.fieldnames or ())
            lines = list(reader)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"{path}: can't be read", found=error, expected="a UTF-8 CSV file") from None
    metrics = {name: _OTHER_NAMES.get(name, name) for name in header if name not in _PLACES}
    unknown = [name for name, metric in metrics.items() if metric not in RANKABLE]
    if "team" not in header or not metrics or unknown:
        raise SettingsError(
            f"{path}: not a table of published means",
            found=f"columns {', '.join(header)}",
            expected=f"{', '.join(_PLACES)} and metrics such as dice, hausdorff_mm or hd_mm",
        )
    return tuple(_mean(f"{path}, line {number}", line, metrics) for number, line in enumerate(lines, start=2))


def _mean(where: str, line: Mapping[str, str | None], metrics: Mapping[str, str]) -> PublishedMean:
    cells = {name: (line.get(name) or "").strip() for name in (*_PLACES, *metrics)}
    if not cells["team"]:
        raise SettingsError(f"{where}: no team")
    try:
        figures = {metric: float(cells[name]) for name, metric in metrics.items() if cells[name]}
    except ValueError as error:
        raise SettingsError(f"{where}: not a number", found=error) from None
    return PublishedMean(cells["team"], figures, cells["board"], cells["task"], cells["distribution"])


def rank_published(board: Board, means: Sequence[PublishedMean], *, sort: str | None = None) -> BoardResult:
    """Ranks teams by published means; there are no intervals and no groups, since there are no cases.

    A table belongs to the board's part of the same name, or else of the same task and distribution. A board
    that has one part of all cases makes a table of each published one.

    Args:
        board: of ``load_board``; its scheme must work on means.
        means: of ``read_published``.
        sort: the column that ranks, where the board lets one choose.

    Raises:
        SettingsError: no table fits the board, a team is in a table twice, or the scheme needs cases.
    """
    by = chosen_sort(board, sort)
    teams = tuple(dict.fromkeys(one.team for one in means))
    fitting = _parts(board, means)
    if not fitting:
        raise SettingsError(
            f"board {board.name}: none of the published tables is one of its parts",
            found=", ".join(dict.fromkeys(one.board or f"{one.task} {one.distribution}" for one in means)),
            expected=", ".join(part.name for part in board.parts),
        )
    found = [_scored(board, part, rows, teams, by) for part, rows in fitting]
    left = [part.title or part.name for part in board.parts if len(board.parts) > 1]
    left = [title for title in left if title not in [one.part.title or one.part.name for one in found]]
    overall = table_result(join_parts(found), teams, 0.95, 0.05) if board.combine == "mean_rank" else None
    return BoardResult(
        board=board.name,
        title=board.title,
        about=board.about,
        scheme=board.scheme,
        tables=tuple(table_result(part, teams, 0.95, 0.05) for part in found),
        overall=overall,
        sort=by,
        notes=(_NO_CASES, *(f"{title}: not published, left out" for title in left)),
    )


def _parts(board: Board, means: Sequence[PublishedMean]) -> list[tuple[Part, list[PublishedMean]]]:
    if len(board.parts) == 1 and board.parts[0].task is None and board.parts[0].distribution is None:
        groups: dict[tuple[str, str, str], list[PublishedMean]] = {}
        for one in means:
            groups.setdefault((one.board, one.task, one.distribution), []).append(one)
        return [(_made_part(board.parts[0], key), rows) for key, rows in groups.items()]
    pairs = [(part, [one for one in means if _belongs(one, part)]) for part in board.parts]
    return [(part, rows) for part, rows in pairs if rows]


def _made_part(whole: Part, key: tuple[str, str, str]) -> Part:
    name, task, distribution = key
    title = f"{task} ({distribution})" if task and distribution else task or distribution
    return Part(name=name or title or whole.name, title=title[:1].upper() + title[1:] or whole.title)


def _belongs(one: PublishedMean, part: Part) -> bool:
    same_place = part.task is not None and (one.task, one.distribution) == (part.task, part.distribution)
    return one.board == part.name or same_place


def _scored(
    board: Board, part: Part, rows: Sequence[PublishedMean], teams: Sequence[str], sort: str
) -> ScoredPart:
    by_team = {one.team: one for one in rows}
    if len(by_team) < len(rows):
        raise SettingsError(f"table {part.name}: a team is there twice", expected="one line a team")
    measured, notes = [], []
    for criterion in board.criteria:
        column = column_of(criterion)
        figures = [
            by_team[team].figures.get(criterion.metric, np.nan) if team in by_team else np.nan
            for team in teams
        ]
        if criterion.statistic != "mean" or np.isnan(figures).all():
            notes.append(f"{column.title} doesn't count: nothing is published of it")
        else:
            measured.append(Measured(criterion, column, np.array([figures])))
    if not measured or (sort and sort not in [one.column.name for one in measured]):
        raise SettingsError(f"table {part.name}: nothing to rank by", found="; ".join(notes))
    return ScoredPart(
        part, tuple(measured), SCHEMES[board.scheme](measured, board, sort, 0.05), notes=tuple(notes)
    )
