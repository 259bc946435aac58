"""Rows and comparisons made from numbers, for the tests of the report."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unicare.evaluate.report.results import Comparison, Run, compare_runs
from unicare.evaluate.rows import Row


def rows_of(
    case: str,
    figures: Mapping[str, float],
    *,
    centre: str = "A",
    distribution: str = "ID",
    label: int = 1,
    structure: str = "liver",
    rule: str = "measured",
) -> list[Row]:
    """The rows of one structure of one case."""
    return [
        Row(case, centre, distribution, label, structure, metric, value, rule)
        for metric, value in figures.items()
    ]


def run_of(name: str, *rows: list[Row]) -> Run:
    """A run without files."""
    return Run(name, Path(), [row for some in rows for row in some])


def comparisons_of(dice: Mapping[str, Mapping[str, float]], **facts: str) -> list[Comparison]:
    """Run to case to Dice; ``facts`` are the same for all cases."""
    runs = [
        run_of(run, *(rows_of(case, {"dice": value}, **facts) for case, value in of_run.items()))
        for run, of_run in dice.items()
    ]
    return compare_runs(runs)
