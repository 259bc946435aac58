"""One criterion's figures in one part of a board, for all cases and every bootstrap sample."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.aggregate import Resampling, case_figures, team_figures
from unicare.evaluate.ranking.boards import Board, Criterion
from unicare.evaluate.ranking.standings import Column
from unicare.evaluate.ranking.statistics import SAME, competition_ranks
from unicare.evaluate.ranking.subgroups import gaps_and_worst, group_masks
from unicare.evaluate.ranking.table import RANKABLE, ResultTable, goodness

__all__ = [
    "Measured",
    "MeasuredCases",
    "case_goodness",
    "case_ranks",
    "case_scores",
    "cell_ranks",
    "column_of",
]
__all__ += ["measure", "normalised"]


@dataclass(frozen=True, eq=False)
class MeasuredCases:
    """The cases behind a criterion's figures.

    Attributes:
        values: teams × cases × structures; missing figures are the worst, nan is what wasn't scored.
        weights: (1 + samples) × cases, as in ``Resampling``.
        units: of every case, the patient in its centre.
    """

    values: NDArray[np.float64]
    weights: NDArray[np.float64]
    units: tuple[Hashable, ...]


@dataclass(frozen=True, eq=False)
class Measured:
    """One criterion in one part of a board.

    Attributes:
        criterion: what the board says.
        column: how it is shown.
        figures: (1 + samples) × teams; row 0 is of all cases; nan for a team without a result.
        behind: the cases; None for published means.
    """

    criterion: Criterion
    column: Column
    figures: NDArray[np.float64]
    behind: MeasuredCases | None = None

    @property
    def cases(self) -> MeasuredCases:
        """The cases behind the figures.

        Raises:
            SettingsError: there are none, only published means.
        """
        if self.behind is None:
            raise SettingsError(
                "published means can't be ranked case by case",
                mend="take a board of the scheme aggregate_then_rank, mean_of_ranks or weighted_score",
            )
        return self.behind

    @cached_property
    def goodness(self) -> NDArray[np.float64]:
        """The figures, higher is better, ``-inf`` for none."""
        turned = self.figures if self.column.better == "higher" else -self.figures
        return np.where(np.isfinite(self.figures), turned, -np.inf)

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """Ranks by this criterion alone: (1 + samples) × teams."""
        return competition_ranks(self.goodness)

    @property
    def absent(self) -> NDArray[np.bool_]:
        """Teams without a result."""
        return np.asarray(np.isnan(self.figures[0]))


def column_of(criterion: Criterion) -> Column:
    """How a criterion is shown."""
    metric = RANKABLE[criterion.metric]
    by = ", ".join(name.replace("_", " ") for name in criterion.by)
    title = {
        "mean": metric.title,
        "worst_group": f"{metric.title}, worst group ({by})",
        "gap": f"{metric.title}, gap between groups ({by})",
    }[criterion.statistic]
    higher = metric.better == "higher" and criterion.statistic != "gap"
    return Column(criterion.column, title, metric.unit, "higher" if higher else "lower")


def measure(
    table: ResultTable, resampling: Resampling, criterion: Criterion, board: Board
) -> Measured | None:
    """One criterion's figures; None if nobody has a figure, or there aren't two subgroups to compare.

    Args:
        table: the part's cases and structures.
        resampling: of the same cases.
        criterion: one of the board's.
        board: says how to aggregate.
    """
    values = table.figures(criterion.metric)
    held = ~np.isnan(values[0]).all(axis=1) if values.shape[2] else np.zeros(len(table.cases), dtype=bool)
    if not held.any():
        return None
    values, weights = values[:, held], resampling.weights[:, held]
    cases = [case for case, kept in zip(table.cases, held, strict=True) if kept]
    if criterion.statistic == "mean":
        figures = team_figures(values, weights, board.aggregation)
    else:
        columns = [group_masks(cases, column, board.smallest_group) for column in criterion.by]
        compared = [masks for masks in columns if len(masks) > 1]
        if not compared:
            return None
        figures = _over_groups(values, weights, criterion, board, compared)
    figures = np.where(table.has_results(criterion.metric), figures, np.nan)
    units = tuple(unit for unit, kept in zip(resampling.units, held, strict=True) if kept)
    return Measured(criterion, column_of(criterion), figures, MeasuredCases(values, weights, units))


def _over_groups(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    criterion: Criterion,
    board: Board,
    columns: Sequence[Mapping[str, NDArray[np.bool_]]],
) -> NDArray[np.float64]:
    """The worst group of any column, or the greatest gap of any."""
    found = []
    for masks in columns:
        by_group = [
            team_figures(values[:, mask], weights[:, mask], board.aggregation) for mask in masks.values()
        ]
        gap, worst = gaps_and_worst(np.stack(by_group), criterion.metric)
        found.append(gap if criterion.statistic == "gap" else worst)
    highest = criterion.statistic == "gap" or RANKABLE[criterion.metric].better != "higher"
    stacked = np.stack(found)
    return np.asarray(np.fmax.reduce(stacked) if highest else np.fmin.reduce(stacked))


def normalised(one: Measured, figures: NDArray[np.float64], how: str) -> NDArray[np.float64]:
    """Figures from 0 (worst) to 1 (best), row by row; a team without a result has 0.

    Args:
        one: the criterion.
        figures: samples × teams.
        how: ``min_max``, ``rank`` or ``bounds``, see ``Board.normalise``.
    """
    good = figures if one.column.better == "higher" else -figures
    present = np.isfinite(figures)
    if how == "bounds":
        return np.where(present, _between_bounds(one, figures), 0.0)
    if how == "rank":
        teams = figures.shape[1]
        ranks = competition_ranks(np.where(present, good, -np.inf))
        return np.where(present, (teams - ranks) / max(teams - 1, 1) if teams > 1 else 1.0, 0.0)
    top = np.max(np.where(present, good, -np.inf), axis=1, keepdims=True)
    bottom = np.min(np.where(present, good, np.inf), axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(top - bottom > SAME, (good - bottom) / (top - bottom), 1.0)
    return np.where(present, scaled, 0.0)


def _between_bounds(one: Measured, figures: NDArray[np.float64]) -> NDArray[np.float64]:
    worse, better = one.criterion.bounds or (0.0, 1.0)
    return np.clip((figures - worse) / (better - worse), 0.0, 1.0)


def case_goodness(one: Measured) -> NDArray[np.float64]:
    """Teams × cases: the mean over structures, higher is better."""
    return goodness(RANKABLE[one.criterion.metric], case_figures(one.cases.values))


def case_ranks(one: Measured) -> NDArray[np.float64]:
    """Teams × cases: the mean over structures of the ranks, negative so that higher is better."""
    return -case_figures(np.where(np.isnan(one.cases.values), np.nan, cell_ranks(one)))


def cell_ranks(one: Measured) -> NDArray[np.int64]:
    """Teams × cases × structures: the rank in every structure of every case."""
    good = goodness(RANKABLE[one.criterion.metric], one.cases.values)
    return np.moveaxis(competition_ranks(np.moveaxis(good, 0, -1)), -1, 0)


def case_scores(one: Measured, how: str) -> NDArray[np.float64]:
    """Teams × cases: the normalisation of the teams' figures, applied to single cases.

    What it adds to every team alike is left out, as it changes no comparison.
    """
    if how == "rank":
        return case_ranks(one)
    cases = case_figures(one.cases.values)
    if how == "bounds":
        return _between_bounds(one, cases)
    good = one.goodness[0]
    present = good[np.isfinite(good)]
    spread = float(present.max() - present.min()) if present.size else 0.0
    turned = goodness(RANKABLE[one.criterion.metric], cases)
    return turned / spread if spread > SAME else np.zeros_like(turned)
