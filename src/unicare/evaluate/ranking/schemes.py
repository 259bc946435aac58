"""The schemes: how figures of cases become scores and ranks, for all cases and every bootstrap sample.

Sources: L. Maier-Hein et al., Why rankings of biomedical image analysis competitions should be interpreted
with care, Nature Communications 9 (2018); M. Wiesenfarth et al., Methods and open-source toolkit for
analyzing and visualizing challenge results, Scientific Reports 11 (2021).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unicare.evaluate.ranking.aggregate import by_unit, team_figures
from unicare.evaluate.ranking.boards import Board
from unicare.evaluate.ranking.measured import (
    Measured,
    case_goodness,
    case_ranks,
    case_scores,
    cell_ranks,
    normalised,
)
from unicare.evaluate.ranking.pairwise import pairwise_p, sampled_wins, wins
from unicare.evaluate.ranking.standings import Column
from unicare.evaluate.ranking.statistics import competition_ranks

__all__ = ["SCHEMES", "Scored", "Tested", "merge_tested"]


@dataclass(frozen=True, eq=False)
class Tested:
    """What pairs of teams are compared by.

    Attributes:
        values: teams × units, higher is better, missing figures counted as the worst.
        units: the patients, each in its centre.
        absent: teams without any result.
        what: the values, for people.
    """

    values: NDArray[np.float64]
    units: tuple[Hashable, ...]
    absent: NDArray[np.bool_]
    what: str

    @property
    def of_present(self) -> NDArray[np.float64]:
        """The values, nan for teams without any result."""
        return np.where(self.absent[:, None], np.nan, self.values)


@dataclass(frozen=True, eq=False)
class Scored:
    """What a scheme makes of the criteria.

    Attributes:
        column: what the score is.
        scores: (1 + samples) × teams; nan for a team without a result.
        tested: what pairs are compared by; None where there are no cases.
    """

    column: Column
    scores: NDArray[np.float64]
    tested: Tested | None

    @cached_property
    def ranks(self) -> NDArray[np.int64]:
        """(1 + samples) × teams."""
        turned = self.scores if self.column.better == "higher" else -self.scores
        return competition_ranks(np.where(np.isfinite(self.scores), turned, -np.inf))


def aggregate_then_rank(measured: Sequence[Measured], board: Board, sort: str, alpha: float) -> Scored:
    """The figure of one column decides."""
    chosen = next(one for one in measured if one.column.name == sort)
    return Scored(
        chosen.column, chosen.figures, _tested(_averages([chosen]), case_goodness, chosen.column.title)
    )


def rank_then_aggregate(measured: Sequence[Measured], board: Board, sort: str, alpha: float) -> Scored:
    """Ranks in every structure of every case; their mean decides."""
    found = []
    for one in measured:
        ranks = np.where(np.isnan(one.cases.values), np.nan, cell_ranks(one))
        found.append(team_figures(ranks, one.cases.weights, board.aggregation))
    return Scored(
        Column("mean_rank", "Mean rank over cases", "", "lower"),
        _joined(measured, found),
        _tested(measured, case_ranks, f"mean rank by {_titles(measured)}"),
    )


def test_then_rank(measured: Sequence[Measured], board: Board, sort: str, alpha: float) -> Scored:
    """How many teams one is significantly better than decides."""
    found = []
    for one in measured:
        cases, _, first = by_unit(case_goodness(one), one.cases.units)
        cases = np.where(one.absent[:, None], np.nan, cases)
        full = wins(cases, pairwise_p(cases), alpha)[None]
        drawn = sampled_wins(cases, one.cases.weights[1:, first], alpha)
        found.append(np.vstack([full, drawn]).astype(np.float64))
    tested = _tested(measured, case_goodness if len(measured) == 1 else case_ranks, _titles(measured))
    return Scored(Column("wins", "Teams beaten", "", "higher"), _joined(measured, found), tested)


def mean_of_ranks(measured: Sequence[Measured], board: Board, sort: str, alpha: float) -> Scored:
    """The weighted mean of the ranks by each criterion decides."""
    ranks = [one.ranks.astype(np.float64) for one in measured]
    averages = _averages(measured)
    return Scored(
        Column("mean_rank", "Mean of ranks", "", "lower"),
        _joined(measured, ranks),
        _tested(averages, case_ranks, f"mean rank by {_titles(averages)}"),
    )


def weighted_score(measured: Sequence[Measured], board: Board, sort: str, alpha: float) -> Scored:
    """The weighted mean of normalised figures decides."""
    scores = [normalised(one, one.figures, board.normalise) for one in measured]
    averages = _averages(measured)

    def of_cases(one: Measured) -> NDArray[np.float64]:
        return case_scores(one, board.normalise)

    return Scored(
        Column("score", "Score", "", "higher"),
        _joined(measured, scores),
        _tested(averages, of_cases, f"weighted score of {_titles(averages)}"),
    )


Scheme = Callable[[Sequence[Measured], Board, str, float], Scored]

SCHEMES: Mapping[str, Scheme] = {
    "aggregate_then_rank": aggregate_then_rank,
    "rank_then_aggregate": rank_then_aggregate,
    "test_then_rank": test_then_rank,
    "mean_of_ranks": mean_of_ranks,
    "weighted_score": weighted_score,
}
"""Name in a board's file to what computes the score: of criteria, board, chosen column, error rate."""


def merge_tested(parts: Sequence[Tested]) -> Tested:
    """The parts' patients side by side; one who is in several parts counts once, by the mean.

    Raises:
        ValueError: there are no parts.
    """
    values = np.concatenate([part.values for part in parts], axis=1)
    merged, units, _ = by_unit(values, [unit for part in parts for unit in part.units])
    absent = np.all([part.absent for part in parts], axis=0)
    return Tested(merged, units, absent, f"{parts[0].what}, the patients of all parts together")


def _joined(measured: Sequence[Measured], found: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The weighted mean over criteria; nan for teams that have none of them."""
    weights = np.array([one.criterion.weight for one in measured])
    joined = np.tensordot(weights / weights.sum(), np.stack(found), axes=1)
    return np.where(np.all([one.absent for one in measured], axis=0), np.nan, joined)


def _tested(
    measured: Sequence[Measured], of_cases: Callable[[Measured], NDArray[np.float64]], what: str
) -> Tested | None:
    """The weighted mean over criteria of what ``of_cases`` says, for the patients who have all criteria."""
    if not measured or any(one.behind is None for one in measured):
        return None
    found = []
    for one in measured:
        values, units, _ = by_unit(of_cases(one), one.cases.units)
        found.append(dict(zip(units, values.T, strict=True)))
    common = tuple(unit for unit in found[0] if all(unit in other for other in found[1:]))
    weights = [one.criterion.weight for one in measured]
    teams = measured[0].figures.shape[1]
    joined = np.zeros((teams, len(common)))
    for weight, values_of in zip(weights, found, strict=True):
        if common:
            joined += weight / sum(weights) * np.stack([values_of[unit] for unit in common], axis=1)
    return Tested(joined, common, np.all([one.absent for one in measured], axis=0), what)


def _averages(measured: Sequence[Measured]) -> list[Measured]:
    """The criteria that are means over cases; a worst group or a gap has no value in a single case."""
    return [one for one in measured if one.criterion.statistic == "mean"]


def _titles(measured: Sequence[Measured]) -> str:
    return " and ".join(one.column.title for one in measured)
