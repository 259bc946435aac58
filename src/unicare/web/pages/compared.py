"""Scores of several evaluations of one submission, side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unicare.metrics.catalogue import CATALOGUE
from unicare.web.organise.evaluations import EvaluationRecord, MeanRecord

__all__ = ["Compared", "Line", "compare"]


@dataclass(frozen=True)
class Line:
    """One metric of one structure.

    Attributes:
        title: of the metric.
        unit: mm, ml or empty.
        figures: of each evaluation, in their order; None where it has none.
        changed: whether two of them differ.
    """

    title: str
    unit: str
    figures: tuple[MeanRecord | None, ...]
    changed: bool


@dataclass(frozen=True)
class Compared:
    """Evaluations that have scores, side by side.

    Attributes:
        runs: oldest first.
        structures: structure's name to its lines, in the order of the first evaluation that has them.
    """

    runs: tuple[EvaluationRecord, ...]
    structures: dict[str, tuple[Line, ...]]


def compare(runs: Sequence[EvaluationRecord]) -> Compared:
    """Those that have scores, side by side."""
    scored = tuple(run for run in runs if run.figures)
    tables = [{(one.structure, one.metric): one for one in run.figures} for run in scored]
    keys = dict.fromkeys(key for table in tables for key in table)
    found: dict[str, list[Line]] = {}
    for structure, metric in keys:
        figures = tuple(table.get((structure, metric)) for table in tables)
        about = CATALOGUE.get(metric)
        title = metric if about is None else about.title
        means = {None if one is None else one.mean for one in figures}
        line = Line(title, "" if about is None else about.unit, figures, len(means) > 1)
        found.setdefault(structure, []).append(line)
    return Compared(scored, {structure: tuple(lines) for structure, lines in found.items()})
