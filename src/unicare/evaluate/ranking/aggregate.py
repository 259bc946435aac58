"""From figures of cases and structures to one figure a team, for all cases and for every bootstrap sample."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicare.evaluate.ranking.boards import Aggregation
from unicare.evaluate.ranking.statistics import draw_weights, weighted_means, weighted_medians
from unicare.evaluate.ranking.table import CaseFacts

__all__ = ["Resampling", "by_unit", "case_figures", "resample", "team_figures"]


@dataclass(frozen=True, eq=False)
class Resampling:
    """Bootstrap samples of a table's cases.

    Attributes:
        weights: (1 + samples) × cases: how often each case is in each sample. Row 0 has every case once.
        units: of every case, what is drawn as one: a patient in a centre.
        lonely: strata that have one unit only, which every sample therefore holds.
    """

    weights: NDArray[np.float64]
    units: tuple[Hashable, ...]
    lonely: tuple[str, ...]

    @property
    def samples(self) -> int:
        """How many bootstrap samples there are."""
        return len(self.weights) - 1


def resample(cases: Sequence[CaseFacts], samples: int, seed: int) -> Resampling:
    """Draws bootstrap samples, stratified by task, distribution and centre; a patient's cases go together."""
    strata = [(case.task, case.distribution, case.centre) for case in cases]
    units = tuple((stratum, case.patient) for stratum, case in zip(strata, cases, strict=True))
    drawn = draw_weights(strata, units, samples, seed)
    counts: dict[tuple[str, str, str], set[Hashable]] = {}
    for stratum, unit in zip(strata, units, strict=True):
        counts.setdefault(stratum, set()).add(unit)
    lonely = tuple(
        " ".join(part for part in stratum if part) for stratum, members in counts.items() if len(members) == 1
    )
    return Resampling(np.vstack([np.ones((1, len(cases))), drawn]), units, lonely)


def case_figures(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over the structures of each case: teams × cases × structures to teams × cases.

    nan marks structures that weren't scored, the same ones for every team; every case has one that was.
    """
    scored = ~np.isnan(values)
    return np.asarray(np.where(scored, values, 0.0).sum(axis=2) / scored.sum(axis=2), dtype=np.float64)


def team_figures(
    values: NDArray[np.float64], weights: NDArray[np.float64], aggregation: Aggregation
) -> NDArray[np.float64]:
    """One figure for every sample and team.

    Args:
        values: teams × cases × structures; nan where a structure wasn't scored, the same for every team.
        weights: samples × cases.
        aggregation: in which order, mean or median.

    Returns:
        samples × teams; nan where a sample holds no scored case.
    """
    over_cases = weighted_means if aggregation.cases == "mean" else weighted_medians
    scored = ~np.isnan(values[0])
    held = scored.any(axis=1)
    if aggregation.first == "structures":
        return over_cases(case_figures(values[:, held]), weights[:, held])
    each = np.stack(
        [
            over_cases(values[:, scored[:, index], index], weights[:, scored[:, index]])
            for index in np.flatnonzero(scored.any(axis=0))
        ]
    )
    there = ~np.isnan(each)
    with np.errstate(invalid="ignore"):
        means: NDArray[np.float64] = np.where(there, each, 0.0).sum(axis=0) / there.sum(axis=0)
    return means


def by_unit(
    values: NDArray[np.float64], units: Sequence[Hashable]
) -> tuple[NDArray[np.float64], tuple[Hashable, ...], NDArray[np.int64]]:
    """Means over the cases of each unit, since cases of one patient aren't independent.

    Args:
        values: teams × cases.
        units: of every case.

    Returns:
        teams × units, the units in order of appearance, and the index of each one's first case.
    """
    first: dict[Hashable, int] = {}
    for index, unit in enumerate(units):
        first.setdefault(unit, index)
    order, starts = tuple(first), np.array(list(first.values()), dtype=np.int64)
    if len(order) == len(units):
        return values, order, starts
    place = {unit: index for index, unit in enumerate(order)}
    owner = np.array([place[unit] for unit in units])
    sums = np.zeros((len(order), len(values)))
    np.add.at(sums, owner, values.T)
    return sums.T / np.bincount(owner), order, starts
