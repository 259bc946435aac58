"""From the figures of all conditions to curves and to what each combination of sequences gives."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicare.evaluate.robustness.curves import (
    CLEAN,
    Condition,
    Curve,
    Interval,
    estimate_curve,
    estimate_mean,
    expectation_under_bernoulli,
    subset_name,
    subsets_of,
)
from unicare.evaluate.robustness.inputs import Levels, Study, StudyCase
from unicare.evaluate.rows import Row

__all__ = ["ALL_STRUCTURES", "AVERAGE", "MISSING_VARIANTS", "Combination", "combinations_of", "curves_of"]

ALL_STRUCTURES = "all"
AVERAGE = "average of all but none"
MISSING_VARIANTS = ("none left counts as missed", "at least one left")

Figures = Mapping[tuple[str, str, str], float]
"""Case, structure and metric to the figure."""


@dataclass(frozen=True)
class Combination:
    """What is reached when only some sequences are there, the same ones in every case.

    Attributes:
        sequences: those that are left, as in ``LGE+T2``; or ``AVERAGE``, each case's mean over all of its
            combinations but the empty one.
        structure: its name; ``all`` is the mean over the structures of each case.
        metric: as in ``metrics.catalogue``.
        figure: over the cases that have these sequences and more, or just these.
    """

    sequences: str
    structure: str
    metric: str
    figure: Interval


@dataclass(frozen=True)
class Sampling:
    """How intervals are drawn: resamples and seed of the bootstrap."""

    resamples: int = 1000
    seed: int = 0


def curves_of(
    study: Study,
    measured: Mapping[Condition, Iterable[Row]],
    kinds: Sequence[str],
    levels: Levels,
    metrics: Sequence[str],
    sampling: Sampling,
) -> list[Curve]:
    """Every curve: kind by kind, variant by variant, metric by metric, all structures first.

    A case that couldn't be scored under one of a curve's conditions is in none of its levels.

    Args:
        study: the cases.
        measured: the rows of every condition of ``study.conditions(kinds, levels)``.
        kinds: which.
        levels: along which.
        metrics: of which figures.
        sampling: of the intervals.
    """
    figures = {condition: _figures(rows) for condition, rows in measured.items()}
    curves: list[Curve] = []
    for kind in kinds:
        if kind == "missing":
            curves += _missing_curves(study, figures, levels.missing, metrics, sampling)
            continue
        for variant in study.variants(kind):
            along = [Condition(kind, float(level), variant) for level in getattr(levels, kind)]
            cases = [case.id for case in study.cases_of(along[0])]
            tables = [figures[condition if condition.level else CLEAN] for condition in along]
            for metric in metrics:
                for structure, values in _matrices(tables, cases, metric):
                    curves.append(
                        estimate_curve(
                            along[0],
                            structure,
                            metric,
                            getattr(levels, kind),
                            values,
                            resamples=sampling.resamples,
                            seed=sampling.seed,
                        )
                    )
    return curves


def combinations_of(
    study: Study, measured: Mapping[Condition, Iterable[Row]], metrics: Sequence[str], sampling: Sampling
) -> list[Combination]:
    """The figures of every combination of sequences, most sequences first, and their average."""
    figures = {condition: _figures(rows) for condition, rows in measured.items()}
    values: dict[tuple[str, str, str], list[float]] = {}
    for metric in metrics:
        for _, structure, found in _of_subsets(study, figures, metric):
            for subset, value in found.items():
                values.setdefault((subset_name(subset), structure, metric), []).append(value)
            some = [value for subset, value in found.items() if subset]
            values.setdefault((AVERAGE, structure, metric), []).append(math.fsum(some) / len(some))
    order = sorted(values, key=lambda key: (key[0] == AVERAGE, key[0] == "none", -key[0].count("+"), key[0]))
    return [
        Combination(*key, estimate_mean(np.array(values[key]), sampling.resamples, sampling.seed))
        for key in order
    ]


def _figures(rows: Iterable[Row]) -> dict[tuple[str, str, str], float]:
    """Single structures' figures, and the mean over the structures of each case."""
    figures: dict[tuple[str, str, str], float] = {}
    together: dict[tuple[str, str], list[float]] = {}
    for row in rows:
        if row.value is None:
            continue
        figures[row.case, row.structure, row.metric] = row.value
        if row.label is not None:
            together.setdefault((row.case, row.metric), []).append(row.value)
    for (case, metric), values in together.items():
        figures.setdefault((case, ALL_STRUCTURES, metric), math.fsum(values) / len(values))
    return figures


def _structures(tables: Iterable[Figures], metric: str) -> list[str]:
    found = dict.fromkeys(key[1] for table in tables for key in table if key[2] == metric)
    return sorted(found, key=lambda name: name != ALL_STRUCTURES)


def _matrices(
    tables: Sequence[Figures], cases: Sequence[str], metric: str
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Structure and (levels, cases), of the cases that have a figure in every table."""
    for structure in _structures(tables, metric):
        keys = [(case, structure, metric) for case in cases]
        complete = [key for key in keys if all(key in table for table in tables)]
        if complete:
            yield structure, np.array([[table[key] for key in complete] for table in tables])


def _missing_curves(
    study: Study,
    figures: Mapping[Condition, Figures],
    rates: Sequence[float],
    metrics: Sequence[str],
    sampling: Sampling,
) -> Iterator[Curve]:
    """Expectations over the rate of missing sequences, with and without the empty combination."""
    for variant in MISSING_VARIANTS:
        at_least_one = variant == MISSING_VARIANTS[1]
        for metric in metrics:
            columns: dict[str, list[list[float]]] = {}
            for _, structure, found in _of_subsets(study, figures, metric):
                expected = [
                    expectation_under_bernoulli(found, rate, at_least_one=at_least_one) for rate in rates
                ]
                columns.setdefault(structure, []).append(expected)
            for structure in sorted(columns, key=lambda name: name != ALL_STRUCTURES):
                yield estimate_curve(
                    Condition("missing", 0.0, variant),
                    structure,
                    metric,
                    rates,
                    np.array(columns[structure]).T,
                    resamples=sampling.resamples,
                    seed=sampling.seed,
                )


def _of_subsets(
    study: Study, figures: Mapping[Condition, Figures], metric: str
) -> Iterator[tuple[str, str, dict[frozenset[str], float]]]:
    """Case, structure and the figure of each of the case's combinations, for the complete ones."""
    by_subset = {
        condition.variant: table for condition, table in figures.items() if condition.kind == "missing"
    }
    structures = _structures(figures.values(), metric)
    for case in (case for case in study.cases if len(case.files) > 1):
        tables = _tables_of(case, by_subset, figures[CLEAN])
        for structure in structures:
            key = (case.id, structure, metric)
            if all(key in table for table in tables.values()):
                yield case.id, structure, {subset: table[key] for subset, table in tables.items()}


def _tables_of(
    case: StudyCase, by_subset: Mapping[str, Figures], clean: Figures
) -> dict[frozenset[str], Figures]:
    full = frozenset(case.files)
    return {
        subset: clean if subset == full else by_subset[subset_name(subset)]
        for subset in subsets_of(sorted(case.files))
    }
