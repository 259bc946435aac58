"""Figures of a submission as its page has them: scores by structure, and one metric of all cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from unicare.web.facts.cases import CasesFacts, FigureOfCase, MetricFacts
from unicare.web.facts.submissions import MeanFacts, ScoreFacts

__all__ = ["CaseRow", "CaseTable", "ScoreTable", "case_table", "places_of", "score_table"]

_FIRST = ("dice", "hausdorff_mm", "hd95_mm", "assd_mm", "nsd", "volume_error_ml")
"""What a page shows of what is measured; the rest is in the CSV and the API."""

MEAN = "mean"


Part = tuple[str, int, tuple[MeanFacts | None, ...]]
"""ID, OOD or nothing for all cases; how many cases; a mean for each column, None where there is none."""


@dataclass(frozen=True)
class ScoreTable:
    """Means of structures over all cases, and over those of each distribution.

    Attributes:
        heads: one for each metric: any of its means, for title and unit.
        structures: name to its lines.
    """

    heads: tuple[MeanFacts, ...]
    structures: tuple[tuple[str, tuple[Part, ...]], ...]


def score_table(scores: Sequence[ScoreFacts]) -> ScoreTable | None:
    """The scores in one table; None if there are none. One distribution alone isn't told apart."""
    shown = [one for one in scores if one.means]
    if not shown:
        return None
    if len(shown) == 2:
        shown = shown[:1]
    every = shown[0].means
    heads = [next((one for one in every if one.metric == name), None) for name in _FIRST]
    names = tuple(one.metric for one in heads if one is not None)
    structures = dict.fromkeys((one.structure, one.label) for one in every if one.label is not None)
    return ScoreTable(
        heads=tuple(one for one in heads if one is not None),
        structures=tuple(
            (name, tuple(_part(one, label, names) for one in shown)) for name, label in structures
        ),
    )


def _part(score: ScoreFacts, label: int | None, names: Sequence[str]) -> Part:
    found = {one.metric: one for one in score.means if one.label == label}
    cases = max((one.n for one in found.values()), default=0)
    return score.distribution, cases, tuple(found.get(name) for name in names)


@dataclass(frozen=True)
class CaseRow:
    """One metric of one case.

    Attributes:
        case: its id.
        distribution: ID or OOD; empty if not known.
        figures: by the names of columns.
        mean: over its structures; None where nothing has a value.
        error: what went wrong with it; empty if nothing.
    """

    case: str
    distribution: str
    figures: Mapping[str, FigureOfCase | None]
    mean: float | None
    error: str = ""


@dataclass(frozen=True)
class CaseTable:
    """One metric of all cases, sorted.

    Attributes:
        metric: which one.
        metrics: that one may choose.
        columns: name to title, without the mean.
        rows: in order.
        sort: name of a column, ``mean`` or ``case``.
        order: ``rising`` or ``falling``.
    """

    metric: MetricFacts
    metrics: tuple[MetricFacts, ...]
    columns: Mapping[str, str]
    rows: tuple[CaseRow, ...]
    sort: str
    order: str


def case_table(facts: CasesFacts, metric: str, sort: str, order: str) -> CaseTable | None:
    """One metric of all cases; None if nothing was measured.

    Args:
        facts: of the API.
        metric: which one; the first there is if this one isn't.
        sort: name of a column, ``mean`` or ``case``; anything else is ``case``.
        order: ``rising`` or ``falling``.
    """
    shown = tuple(one for name in _FIRST for one in facts.metrics if one.name == name) or facts.metrics
    chosen = next((one for one in shown if one.name == metric), shown[0] if shown else None)
    if chosen is None:
        return None
    columns = {str(one.label): one.name for one in facts.structures if one.label is not None}
    rows = []
    for case in facts.cases:
        own = {str(one.label): one for one in case.figures if one.metric == chosen.name}
        values = [one.value for one in own.values() if one.value is not None]
        error = next((one.rule for one in case.figures if one.metric == "error"), "")
        figures = {name: own.get(name) for name in columns}
        mean = fmean(values) if values else None
        rows.append(CaseRow(case.case, case.distribution, figures, mean, error))
    sort = sort if sort == MEAN or sort in columns else "case"
    return CaseTable(chosen, shown, columns, _sorted(rows, sort, order == "falling"), sort, order)


def _sorted(rows: Sequence[CaseRow], sort: str, falling: bool) -> tuple[CaseRow, ...]:
    """Those without a figure come last, whichever way."""
    if sort == "case":
        return tuple(sorted(rows, key=lambda row: row.case, reverse=falling))
    valued = [(value, row) for row in rows if (value := _value(row, sort)) is not None]
    rest = [row for row in rows if _value(row, sort) is None]
    valued.sort(key=lambda one: one[1].case)
    valued.sort(key=lambda one: one[0], reverse=falling)
    return (*(row for _, row in valued), *rest)


def _value(row: CaseRow, sort: str) -> float | None:
    if sort == MEAN:
        return row.mean
    figure = row.figures[sort]
    return None if figure is None else figure.value


def places_of(unit: str) -> int:
    """Digits behind the point."""
    return 1 if unit else 3
