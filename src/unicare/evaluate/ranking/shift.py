"""Seen against unseen centres: the gap with its interval, and controls that take a centre's difficulty out.

A gap between figures in and out of distribution mixes three things: that the centre wasn't trained on, that
its cases are harder or easier, and that its annotators draw otherwise. Published figures out of distribution
are sometimes the better ones for that reason. ``distribution_gaps`` measures the mixture. ``centre_control``
compares two trainings on the same cases, one with the centre and one without, so that difficulty and style
cancel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.data.cohort import CohortRow
from unicare.evaluate.ranking.aggregate import by_unit, case_figures, resample, team_figures
from unicare.evaluate.ranking.boards import Aggregation
from unicare.evaluate.ranking.pairwise import signed_rank_p
from unicare.evaluate.ranking.standings import Estimate
from unicare.evaluate.ranking.statistics import estimate
from unicare.evaluate.ranking.table import RANKABLE, ResultTable, build_table
from unicare.evaluate.rows import Row

__all__ = ["CentreControl", "DistributionGap", "centre_control", "distribution_gaps"]

_WITH, _WITHOUT = "with the centre", "without the centre"


@dataclass(frozen=True)
class DistributionGap:
    """One team in and out of distribution.

    Attributes:
        team: its name.
        metric: what was measured.
        task: the cases' task; empty where it isn't known.
        in_distribution: the figure on ID cases.
        out_of_distribution: the figure on OOD cases.
        gap: by how much OOD is worse; negative where it is better, whichever way the metric runs.
        id_cases: how many ID cases were scored.
        ood_cases: how many OOD cases were scored.
    """

    team: str
    metric: str
    task: str
    in_distribution: Estimate
    out_of_distribution: Estimate
    gap: Estimate
    id_cases: int
    ood_cases: int


@dataclass(frozen=True)
class CentreControl:
    """One centre's cases, segmented by a training that had the centre and by one that hadn't.

    Attributes:
        centre: its name.
        metric: what was measured.
        with_centre: the figure on the centre's cases of the training that had it.
        without_centre: the figure on the same cases of the training that hadn't.
        shift: by how much not having it is worse, case by case on the same cases.
        elsewhere: the figure of the training without the centre on all other cases.
        gap: by how much it is worse on the centre than elsewhere: what an ID/OOD table shows.
        difficulty: what is left of the gap without the shift: the centre's cases and annotators themselves.
        p_value: of the shift, two-sided Wilcoxon signed-rank test on patients.
        cases: how many of the centre's cases both trainings have figures of.
    """

    centre: str
    metric: str
    with_centre: Estimate
    without_centre: Estimate
    shift: Estimate
    elsewhere: Estimate
    gap: Estimate
    difficulty: Estimate
    p_value: float
    cases: int


def distribution_gaps(
    table: ResultTable,
    metric: str,
    *,
    aggregation: Aggregation | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[DistributionGap, ...]:
    """How much worse every team is out of distribution, task by task.

    Args:
        table: of ``build_table``.
        metric: one of ``RANKABLE``.
        aggregation: how cases and structures become a figure.
        bootstrap: number of samples; stratified by centre, a patient's cases together.
        seed: of the samples.
        confidence: of the intervals.

    Returns:
        Entries for every task that has both, and every team with a result there.

    Raises:
        SettingsError: no such metric, or no task has cases of both distributions.
    """
    _known(metric)
    tasks = sorted({case.task for case in table.cases})
    found = [
        gap
        for task in tasks
        for gap in _gaps(table, task, metric, aggregation, (bootstrap, seed, confidence))
    ]
    if not found:
        raise SettingsError(
            "no task has cases in and out of distribution",
            found=", ".join(sorted({case.distribution or "unknown" for case in table.cases})),
            expected="ID and OOD",
            mend="give the manifest; it says each case's distribution",
        )
    return tuple(found)


def _gaps(
    table: ResultTable,
    task: str,
    metric: str,
    aggregation: Aggregation | None,
    drawing: tuple[int, int, float],
) -> list[DistributionGap]:
    bootstrap, seed, confidence = drawing
    held = ~np.isnan(table.figures(metric)[0]).all(axis=1)
    inside, outside = (
        held & np.array([(case.task, case.distribution) == (task, kind) for case in table.cases])
        for kind in ("ID", "OOD")
    )
    if not inside.any() or not outside.any():
        return []
    both = table.select(inside | outside)
    weights = resample(both.cases, bootstrap, seed).weights
    values = both.figures(metric)
    kinds = np.array([case.distribution == "OOD" for case in both.cases])
    how = aggregation or Aggregation()
    within = team_figures(values[:, ~kinds], weights[:, ~kinds], how)
    beyond = team_figures(values[:, kinds], weights[:, kinds], how)
    worse = _worse(metric, within, beyond)
    vary = _vary(weights[:, ~kinds]), _vary(weights[:, kinds])
    return [
        DistributionGap(
            team=both.teams[team],
            metric=metric,
            task=task,
            in_distribution=_told(within[:, team], vary[0], confidence),
            out_of_distribution=_told(beyond[:, team], vary[1], confidence),
            gap=_told(worse[:, team], all(vary), confidence),
            id_cases=int((~kinds).sum()),
            ood_cases=int(kinds.sum()),
        )
        for team in np.flatnonzero(both.has_results(metric)).tolist()
    ]


def centre_control(
    with_centre: Sequence[Row],
    without_centre: Sequence[Row],
    centre: str,
    metric: str,
    *,
    cohort: Sequence[CohortRow] = (),
    aggregation: Aggregation | None = None,
    bootstrap: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> CentreControl:
    """What it costs not to have trained on a centre, on that centre's own cases (leave one centre out).

    Both trainings must be alike but for the centre, and none of the cases scored may have been trained on.
    The training without the centre has seen fewer cases as well; to keep that apart, train both on as many.

    Args:
        with_centre: rows of the training that had the centre.
        without_centre: rows of the training that hadn't, of the same cases.
        centre: as in the rows or the manifest.
        metric: one of ``RANKABLE``.
        cohort: rows of the manifest.
        aggregation: how cases and structures become a figure.
        bootstrap: number of samples; both trainings get the same ones, so that the difference is paired.
        seed: of the samples.
        confidence: of the intervals.

    Raises:
        SettingsError: no such metric, a training lacks figures of cases that the other has, or there are no
            cases of the centre.
    """
    _known(metric)
    table = build_table({_WITH: with_centre, _WITHOUT: without_centre}, cohort)
    values = table.figures(metric)
    there = np.array([case.centre == centre for case in table.cases]) & ~np.isnan(values[0]).all(axis=1)
    if not there.any():
        raise SettingsError(
            f"no case of centre {centre} has {metric}",
            expected=f"one of {', '.join(sorted({case.centre for case in table.cases if case.centre}))}",
        )
    lacking = table.select(there).missing(metric)
    if lacking.any():
        raise SettingsError(
            f"centre {centre}: both trainings must have figures of the same cases",
            found=f"{int(lacking[0])} cases missing with the centre, {int(lacking[1])} without",
            mend="evaluate both on the same truths",
        )
    return _control(table, there, centre, metric, aggregation or Aggregation(), (bootstrap, seed, confidence))


def _control(
    table: ResultTable,
    there: NDArray[np.bool_],
    centre: str,
    metric: str,
    how: Aggregation,
    drawing: tuple[int, int, float],
) -> CentreControl:
    bootstrap, seed, confidence = drawing
    values = table.figures(metric)
    drawn = resample(table.cases, bootstrap, seed)
    own = table.values[1, ..., table.metrics.index(metric)]
    others = ~there & ~np.isnan(own).all(axis=1)
    on_centre = team_figures(values[:, there], drawn.weights[:, there], how)
    elsewhere = np.full(len(drawn.weights), np.nan)
    if others.any():
        elsewhere = team_figures(values[1:, others], drawn.weights[:, others], how)[:, 0]
    had, had_not = on_centre[:, 0], on_centre[:, 1]
    units = [unit for unit, kept in zip(drawn.units, there, strict=True) if kept]
    patients, _, _ = by_unit(case_figures(values[:, there]), units)
    here, away = _vary(drawn.weights[:, there]), _vary(drawn.weights[:, others])

    return CentreControl(
        centre=centre,
        metric=metric,
        with_centre=_told(had, here, confidence),
        without_centre=_told(had_not, here, confidence),
        shift=_told(_worse(metric, had, had_not), here, confidence),
        elsewhere=_told(elsewhere, away, confidence),
        gap=_told(_worse(metric, elsewhere, had_not), here and away, confidence),
        difficulty=_told(_worse(metric, elsewhere, had), here and away, confidence),
        p_value=signed_rank_p(patients[0] - patients[1]),
        cases=int(there.sum()),
    )


def _vary(weights: NDArray[np.float64]) -> bool:
    """Whether samples differ at all; they don't where every centre has one patient."""
    return bool((weights != weights[:1]).any())


def _told(figures: NDArray[np.float64], vary: bool, confidence: float) -> Estimate:
    """The figure of all cases, first, and the interval of the samples; none where nothing could be drawn."""
    return estimate(figures[0], figures[1:] if vary else figures[:0], confidence)


def _worse(metric: str, good: NDArray[np.float64], bad: NDArray[np.float64]) -> NDArray[np.float64]:
    """By how much the second figure is worse than the first; nan where both aren't finite."""
    with np.errstate(invalid="ignore"):
        return good - bad if RANKABLE[metric].better == "higher" else bad - good


def _known(metric: str) -> None:
    if metric not in RANKABLE:
        raise SettingsError("unknown metric", found=metric, expected=f"one of {', '.join(RANKABLE)}")
