"""Subgroups of cases (centre, sex, age …): who does worst in which, and by how much."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.aggregate import resample, team_figures
from unicare.evaluate.ranking.boards import Aggregation
from unicare.evaluate.ranking.standings import Estimate
from unicare.evaluate.ranking.statistics import estimate
from unicare.evaluate.ranking.table import RANKABLE, CaseFacts, ResultTable, goodness

__all__ = ["GroupFigure", "TeamConsistency", "consistency", "gaps_and_worst", "group_masks"]


@dataclass(frozen=True)
class GroupFigure:
    """One team's figure in one subgroup.

    Attributes:
        group: the subgroup's value in the manifest.
        cases: how many of its cases were scored.
        figure: with its interval.
    """

    group: str
    cases: int
    figure: Estimate


@dataclass(frozen=True)
class TeamConsistency:
    """How even one team's figures are over the subgroups of one manifest column.

    Attributes:
        team: its name.
        metric: what was measured.
        column: the manifest column.
        mean: over all cases, also those of no subgroup that counts.
        groups: every subgroup that counts, by name.
        worst_group: the name of the worst.
        worst: its figure.
        gap: between the best subgroup and the worst, never negative. It is above 0 by chance alone too, the
            more so the smaller the subgroups are.
    """

    team: str
    metric: str
    column: str
    mean: Estimate
    groups: tuple[GroupFigure, ...]
    worst_group: str
    worst: Estimate
    gap: Estimate


def group_masks(cases: Sequence[CaseFacts], column: str, smallest: int) -> dict[str, NDArray[np.bool_]]:
    """The subgroups of a column with at least so many cases, by name; cases of unknown group are in none."""
    values = np.array([case.subgroup(column) for case in cases], dtype=object)
    masks = {str(value): np.asarray(values == value) for value in sorted(set(values)) if value}
    return {value: mask for value, mask in masks.items() if mask.sum() >= smallest}


def gaps_and_worst(
    figures: NDArray[np.float64], metric: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The gap and the worst figure over subgroups.

    Args:
        figures: groups × samples × teams; nan where a sample doesn't hold the group.
        metric: says which way is better.

    Returns:
        Two of samples × teams: best minus worst (never negative), and the worst.
    """
    nothing = np.isnan(figures).all(axis=0)
    filled = np.where(nothing, 0.0, figures)
    top, bottom = np.nanmax(filled, axis=0), np.nanmin(filled, axis=0)
    worst = bottom if RANKABLE[metric].better == "higher" else top
    with np.errstate(invalid="ignore"):
        gap = np.where(top == bottom, 0.0, top - bottom)
    return np.where(nothing, np.nan, gap), np.where(nothing, np.nan, worst)


def consistency(
    table: ResultTable,
    metric: str,
    column: str,
    *,
    aggregation: Aggregation | None = None,
    smallest_group: int = 5,
    bootstrap: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> tuple[TeamConsistency, ...]:
    """Every team's figures by subgroup, with bootstrap intervals.

    Args:
        table: of ``build_table``; its manifest says what subgroup a case is in.
        metric: one of ``RANKABLE``.
        column: ``centre``, ``sex``, ``age_band`` or any other column of the manifest.
        aggregation: how cases and structures become a figure.
        smallest_group: subgroups with fewer cases don't count.
        bootstrap: number of samples.
        seed: of the samples.
        confidence: of the intervals.

    Returns:
        One entry a team, in the table's order; teams without a result are left out.

    Raises:
        SettingsError: no such metric, or fewer than two subgroups that count.
    """
    if metric not in RANKABLE:
        raise SettingsError("unknown metric", found=metric, expected=f"one of {', '.join(RANKABLE)}")
    held = (~np.isnan(table.figures(metric)[0])).any(axis=1)
    scored = table.select(held)
    masks = group_masks(scored.cases, column, smallest_group)
    if len(masks) < 2:
        raise SettingsError(
            f"{column}: too few subgroups of at least {smallest_group} cases",
            found=", ".join(masks) or "none",
            expected="two or more",
            mend="give a manifest with that column, or a lower smallest group",
        )
    values = scored.figures(metric)
    weights = resample(scored.cases, bootstrap, seed).weights
    how = aggregation or Aggregation()
    overall = team_figures(values, weights, how)
    by_group = np.stack([team_figures(values[:, mask], weights[:, mask], how) for mask in masks.values()])
    gap, worst = gaps_and_worst(by_group, metric)
    return tuple(
        _of_team(
            table.teams[int(team)],
            metric,
            column,
            masks,
            (overall, by_group, gap, worst),
            int(team),
            confidence,
        )
        for team in np.flatnonzero(scored.has_results(metric))
    )


def _of_team(
    name: str,
    metric: str,
    column: str,
    masks: dict[str, NDArray[np.bool_]],
    samples: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    team: int,
    confidence: float,
) -> TeamConsistency:
    overall, by_group, gap, worst = samples

    def told(drawn: NDArray[np.float64]) -> Estimate:
        return estimate(drawn[0], drawn[1:], confidence)

    names = list(masks)
    return TeamConsistency(
        team=name,
        metric=metric,
        column=column,
        mean=told(overall[:, team]),
        groups=tuple(
            GroupFigure(group, int(masks[group].sum()), told(by_group[index, :, team]))
            for index, group in enumerate(names)
        ),
        worst_group=names[int(np.argmin(goodness(RANKABLE[metric], by_group[:, 0, team])))],
        worst=told(worst[:, team]),
        gap=told(gap[:, team]),
    )
