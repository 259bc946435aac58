"""A board ranked from the rows of the runs that count, by ``unicare.evaluate`` and nothing else."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from unicare.core.errors import SettingsError
from unicare.data.cohort import CohortRow
from unicare.evaluate.ranking.boards import Board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.standings import BoardResult, TableResult
from unicare.evaluate.ranking.table import build_table
from unicare.evaluate.rows import Row
from unicare.web.boards.rules import default_sort

__all__ = ["BOOTSTRAP", "SEED", "RankedRuns", "TaskRows", "best_run", "rank_runs"]

BOOTSTRAP = 1000
SEED = 0
"""As ``unicare rank`` has them by default."""

_BASELINE = "\x00baseline "  # no team's name has such a character


@dataclass(frozen=True)
class TaskRows:
    """Rows of the runs of one task.

    Attributes:
        kind: what manifests and boards call the task.
        rows: name to the rows of its run.
        manifest: of the task's cases; empty if there is none.
    """

    kind: str
    rows: Mapping[str, Sequence[Row]]
    manifest: Sequence[CohortRow] = ()


@dataclass(frozen=True)
class RankedRuns:
    """What came of a board.

    Attributes:
        teams: their tables; None if there is nothing to rank.
        baselines: theirs, in the teams' columns; their ranks mean nothing.
        notes: what went wrong.
    """

    teams: BoardResult | None
    baselines: BoardResult | None
    notes: tuple[str, ...] = ()


def rank_runs(
    board: Board, sort: str, teams: Sequence[TaskRows], baselines: Sequence[TaskRows] = ()
) -> RankedRuns:
    """Ranks teams; baselines get figures of the same cases, samples and rules, and push nobody down.

    Args:
        board: how.
        sort: the column, where the board lets one choose.
        teams: for each task, the run of every team that has one.
        baselines: the same of organisers.
    """
    ours = _joined(teams)
    theirs = {f"{_BASELINE}{name}": rows for name, rows in _joined(baselines).items()}
    cohort = _cohort([*teams, *baselines])
    notes: list[str] = []
    ranked = _ranked(board, sort, ours, cohort, notes)
    everybody = _ranked(board, sort, {**ours, **theirs}, cohort, notes) if theirs else None
    return RankedRuns(ranked, _only_baselines(everybody), tuple(dict.fromkeys(notes)))


def best_run(board: Board, rows: TaskRows) -> str:
    """The name of the run that a board's own sort puts first; of equal ones, the first that is given.

    The runs of one team and task are ranked against each other. What decides is the mean of the score over
    the board's tables that have the task's cases, each with its weight.

    Args:
        board: how.
        rows: name to rows, in the order in which they were handed in.
    """
    names = tuple(rows.rows)
    if len(names) == 1:
        return names[0]
    try:
        table = build_table(_joined([rows]), _cohort([rows]))
        result = rank_teams(board, table, sort=default_sort(board) or None, bootstrap=0, seed=SEED)
    except SettingsError:  # no figure that the board ranks by: as good as each other
        return names[-1]
    weights = {part.name: part.weight for part in board.parts}
    means = dict.fromkeys(names, 0.0)
    for one in result.tables:
        sign = 1.0 if one.score.better == "higher" else -1.0
        for row in one.rows:
            value = row.score.value
            good = sign * value if value is not None else -math.inf
            means[row.team] += weights.get(one.name, 1.0) * good
    return max(names, key=lambda name: means[name])


def _ranked(
    board: Board,
    sort: str,
    results: Mapping[str, Sequence[Row]],
    cohort: Sequence[CohortRow],
    notes: list[str],
) -> BoardResult | None:
    if not results:
        return None
    try:
        table = build_table(results, cohort)
        return rank_teams(board, table, sort=sort or None, bootstrap=BOOTSTRAP, seed=SEED)
    except SettingsError as error:
        notes.append(error.what if error.found is None else f"{error.what}: {error.found}")
        return None


def _only_baselines(result: BoardResult | None) -> BoardResult | None:
    """The baselines' rows of a ranking of everybody."""
    if result is None:
        return None

    def kept(table: TableResult) -> TableResult:
        rows = tuple(
            replace(row, team=row.team.removeprefix(_BASELINE), groups=())
            for row in table.rows
            if row.team.startswith(_BASELINE)
        )
        return replace(table, rows=rows, p_values=None, tau=None, tested="", notes=())

    return replace(result, tables=tuple(map(kept, result.tables)), overall=None)


def _joined(tasks: Sequence[TaskRows]) -> dict[str, list[Row]]:
    """Name to all its rows, in the order of names."""
    shared = _shared_cases(tasks)
    joined: dict[str, list[Row]] = {}
    for task in tasks:
        for name, rows in task.rows.items():
            joined.setdefault(name, []).extend(
                replace(row, case=_own_name(task, row.case)) if row.case in shared else row for row in rows
            )
    return {name: joined[name] for name in sorted(joined)}


def _cohort(tasks: Sequence[TaskRows]) -> list[CohortRow]:
    """The manifests of all tasks, and a line for every case that none of them has."""
    shared = _shared_cases(tasks)
    found: dict[tuple[str, str], CohortRow] = {}
    for task in tasks:
        known = {row.case: row for row in task.manifest if row.task == task.kind}
        for rows in task.rows.values():
            for row in rows:
                key = (task.kind, row.case)
                if key not in found:
                    one = known.get(row.case) or _unlisted(row, task.kind)
                    found[key] = replace(one, case=_own_name(task, row.case)) if row.case in shared else one
    return list(found.values())


def _unlisted(row: Row, kind: str) -> CohortRow:
    distribution = cast(Any, row.distribution)  # empty if not known, as in rows
    return CohortRow(row.case, row.case, row.centre, "", kind, "", distribution, (), ())


def _shared_cases(tasks: Sequence[TaskRows]) -> frozenset[str]:
    """Names that cases of several tasks have, who must be told apart."""
    by_kind: dict[str, set[str]] = {}
    for task in tasks:
        by_kind.setdefault(task.kind, set()).update(row.case for rows in task.rows.values() for row in rows)
    counts = Counter(case for cases in by_kind.values() for case in cases)
    return frozenset(case for case, count in counts.items() if count > 1)


def _own_name(task: TaskRows, case: str) -> str:
    return f"{task.kind}/{case}"
