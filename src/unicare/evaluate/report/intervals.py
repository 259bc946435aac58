"""Means of runs with their bootstrap intervals: by structure, by centre, in and out of distribution."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unicare.evaluate.ranking.standings import Estimate
from unicare.evaluate.ranking.statistics import draw_weights, estimate, weighted_means
from unicare.evaluate.report.results import Comparison

__all__ = ["CONFIDENCE", "SAMPLES", "Gap", "MeanFigure", "gap_of", "mean_figure", "means_by"]

SAMPLES = 1000
CONFIDENCE = 0.95


@dataclass(frozen=True)
class MeanFigure:
    """A mean over cases.

    Attributes:
        value: the mean, and its interval where there are two cases at least.
        sd: sample standard deviation; None for a single case.
        n: how many figures.
    """

    value: Estimate
    sd: float | None
    n: int


@dataclass(frozen=True)
class Gap:
    """In distribution against out of it.

    Attributes:
        inside: mean in distribution.
        outside: mean out of distribution.
        drop: inside minus outside, with its interval.
    """

    inside: MeanFigure
    outside: MeanFigure
    drop: Estimate

    @property
    def is_clear(self) -> bool:
        """Whether the interval of the drop leaves out 0."""
        low, high = self.drop.low, self.drop.high
        return low is not None and high is not None and (low > 0 or high < 0)


def mean_figure(comparisons: Sequence[Comparison], run: str, metric: str) -> MeanFigure | None:
    """A run's mean of a metric; None where it has no figure.

    The bootstrap draws cases (all structures of a case together) within centres.
    """
    known = _known(comparisons, run, metric)
    if not known:
        return None
    values = np.array([value for _, value in known])
    samples = _sampled_means([comparison for comparison, _ in known], values)
    value = estimate(float(values.mean()), samples, CONFIDENCE)
    sd = float(values.std(ddof=1)) if len(values) > 1 else None
    return MeanFigure(value, sd, len(values))


def _known(comparisons: Sequence[Comparison], run: str, metric: str) -> list[tuple[Comparison, float]]:
    return [(one, value) for one in comparisons if (value := one.figure(run, metric)) is not None]


def _sampled_means(
    comparisons: Sequence[Comparison], values: NDArray[np.float64], seed: int = 0
) -> NDArray[np.float64]:
    """Means of the bootstrap samples; none for a single case.

    Cases are drawn within their centres if each centre has two at least; else a centre's only case would be
    in every sample, and the interval would look surer than it is.
    """
    cases = [comparison.case for comparison in comparisons]
    if len(set(cases)) < 2:
        return np.empty(0)
    a_centre = Counter({comparison.case: comparison.centre for comparison in comparisons}.values())
    within = min(a_centre.values()) > 1
    strata = [comparison.centre if within else "" for comparison in comparisons]
    weights = _weights(tuple(strata), tuple(cases), seed)
    return weighted_means(values[None], weights)[:, 0]


@lru_cache(maxsize=2)
def _weights(strata: tuple[str, ...], cases: tuple[str, ...], seed: int) -> NDArray[np.float64]:
    """The samples of the same cases are drawn once for all runs and metrics."""
    return draw_weights(strata, cases, SAMPLES, seed)


def gap_of(comparisons: Sequence[Comparison], run: str, metric: str) -> Gap | None:
    """A run in distribution against out of it; None where it has figures on one side only."""
    sides = [[one for one in comparisons if one.is_ood is ood] for ood in (False, True)]
    inside, outside = (mean_figure(side, run, metric) for side in sides)
    if inside is None or outside is None or inside.value.value is None or outside.value.value is None:
        return None
    sampled = []
    for seed, side in enumerate(sides):
        known = _known(side, run, metric)
        sampled.append(
            _sampled_means([one for one, _ in known], np.array([value for _, value in known]), seed)
        )
    differences = sampled[0] - sampled[1] if sampled[0].size and sampled[1].size else np.empty(0)
    drop = estimate(inside.value.value - outside.value.value, differences, CONFIDENCE)
    return Gap(inside, outside, drop)


def means_by(
    groups: Mapping[str, Sequence[Comparison]], runs: Sequence[str], metric: str
) -> dict[str, dict[str, MeanFigure]]:
    """Group to run to its mean; runs without figures are left out."""
    return {
        group: {run: mean for run in runs if (mean := mean_figure(members, run, metric)) is not None}
        for group, members in groups.items()
    }
