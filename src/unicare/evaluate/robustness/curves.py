"""How a figure changes as the input gets worse: conditions, curves, their areas; pure functions.

What is stated here once: a curve's area is its trapezoid integral over the level divided by the range of
levels, so it has the figure's own unit and is the mean figure over the range. Intervals are percentile
bootstrap intervals over cases, the same resamples at every level.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError

__all__ = [
    "CLEAN",
    "KINDS",
    "Area",
    "Condition",
    "Curve",
    "Interval",
    "area_under_curve",
    "bootstrap_means",
    "estimate_curve",
    "estimate_mean",
    "expectation_under_bernoulli",
    "subset_name",
    "subsets_of",
]

KINDS = ("missing", "noise", "jitter", "points")
"""What may get worse: sequences are gone, or noisy; prompts are moved, or have few points."""

NOTHING_LEFT = "none"

_COVERAGE = 0.95


@dataclass(frozen=True)
class Condition:
    """One way in which the whole input is made worse.

    Attributes:
        kind: one of ``KINDS``, or ``clean``.
        level: what its curve counts along: sequences that are gone, noise as a share of the sequence's
            spread, movement as a share of the box, number of points.
        variant: the sequences that are left (``LGE+T2``), the noisy one (or ``all``), ``box`` or ``no box``.
    """

    kind: str
    level: float = 0.0
    variant: str = ""

    @property
    def key(self) -> str:
        """A name for it that files can have."""
        if self.kind == "clean":
            return self.kind
        parts = (self.kind, self.variant.replace(" ", "_"), f"{self.level:g}")
        return "-".join(part for part in parts if part)


CLEAN = Condition("clean")
"""The input as it is."""


@dataclass(frozen=True)
class Interval:
    """A mean over cases and how sure it is.

    Attributes:
        mean: over the cases.
        sd: sample standard deviation over the cases; None for a single case.
        low: lower end of the 95 % bootstrap interval over cases; None for a single case.
        high: its upper end.
        n: number of cases.
    """

    mean: float
    sd: float | None
    low: float | None
    high: float | None
    n: int


@dataclass(frozen=True)
class Area(Interval):
    """Area under a curve divided by its range of levels, the mean of the cases' own areas."""


@dataclass(frozen=True)
class Curve:
    """One figure along the levels of one kind.

    Attributes:
        kind: one of ``KINDS``.
        variant: as in ``Condition``; of ``missing``, what an input without any sequence counts as.
        structure: its name; ``all`` is the mean over the structures of each case.
        metric: as in ``metrics.catalogue``.
        levels: ascending.
        points: the figure at each level.
        area: of the curve.
    """

    kind: str
    variant: str
    structure: str
    metric: str
    levels: tuple[float, ...]
    points: tuple[Interval, ...]
    area: Area

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self)


def subsets_of(sequences: Sequence[str]) -> Iterator[frozenset[str]]:
    """Every combination of sequences that may be there, the empty one first, the full one last."""
    for size in range(len(sequences) + 1):
        yield from (frozenset(chosen) for chosen in combinations(sequences, size))


def subset_name(subset: frozenset[str]) -> str:
    """How a combination is written: ``LGE+T2``; ``none`` for the empty one."""
    return "+".join(sorted(subset)) or NOTHING_LEFT


def expectation_under_bernoulli(
    figures_by_subset: Mapping[frozenset[str], float], rate: float, *, at_least_one: bool = False
) -> float:
    """The figure to be expected when every sequence is missing with a probability, independently.

    Exact: Σ over subsets S of (1 − rate)^|S| · rate^(n − |S|) · figure(S), not a sample.

    Args:
        figures_by_subset: a figure for each of the 2ⁿ combinations of sequences that are there. The empty
            combination counts like any other: what ``evaluate`` gives for a case without a prediction (Dice
            0, Hausdorff distance the image's diagonal), because nothing can be predicted from no image.
        rate: probability that a sequence is missing, 0 to 1.
        at_least_one: the expectation given that at least one sequence is there, in place of that; the empty
            combination isn't needed then. At rate 1 it is the limit: the mean over single sequences.

    Raises:
        SettingsError: an impossible rate, or combinations without a figure.
    """
    if not 0.0 <= rate <= 1.0:
        raise SettingsError("rate of missing sequences", found=rate, expected="0 to 1")
    sequences = sorted(set().union(*figures_by_subset))
    wanted = [subset for subset in subsets_of(sequences) if subset or not at_least_one]
    lacking = [subset_name(subset) for subset in wanted if subset not in figures_by_subset]
    if lacking or not wanted:
        raise SettingsError(
            "figures of missing sequences",
            found=f"none for {', '.join(lacking)}" if lacking else "no sequence",
            expected="one for every combination of sequences",
        )
    weights = _subset_weights(len(sequences), rate, at_least_one)
    return math.fsum(weights[len(subset)] * figures_by_subset[subset] for subset in wanted)


def _subset_weights(count: int, rate: float, at_least_one: bool) -> list[float]:
    """Probability of each single subset by its size, of ``count`` sequences."""
    kept = 1.0 - rate
    if not at_least_one:
        return [kept**size * rate ** (count - size) for size in range(count + 1)]
    # 1 − rateⁿ = (1 − rate)(1 + rate + … ): divided out, so that nothing is 0/0 at rate 1
    whole = math.fsum(rate**power for power in range(count))
    return [0.0] + [kept ** (size - 1) * rate ** (count - size) / whole for size in range(1, count + 1)]


def area_under_curve(levels: Sequence[float], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Trapezoid integral over the levels, divided by their range.

    Args:
        levels: ascending.
        values: (levels,) or (levels, cases).

    Returns:
        One area, or one for each case, in the unit of the values. A single level gives its own value.

    Raises:
        SettingsError: levels that don't ascend, or not one value for each.
    """
    steps = np.diff(np.asarray(levels, dtype=np.float64))
    if len(levels) == 0 or len(levels) != len(values) or (steps <= 0).any():
        raise SettingsError(
            "levels of a curve", found=f"{list(levels)}, {len(values)} values", expected="ascending levels"
        )
    if len(levels) == 1:
        return np.asarray(values[0], dtype=np.float64)
    middles = (values[1:] + values[:-1]) / 2
    return np.asarray(np.tensordot(steps, middles, axes=1) / steps.sum(), dtype=np.float64)


def bootstrap_means(values: NDArray[np.float64], resamples: int = 1000, seed: int = 0) -> NDArray[np.float64]:
    """Means over cases drawn with replacement.

    Args:
        values: (…, cases).
        resamples: how many draws.
        seed: the same seed and number of cases draw the same cases.

    Returns:
        (…, resamples).
    """
    count = values.shape[-1]
    drawn = np.random.default_rng([seed, count]).integers(0, count, (resamples, count))
    return np.asarray(values[..., drawn].mean(axis=-1), dtype=np.float64)


def estimate_mean(values: NDArray[np.float64], resamples: int = 1000, seed: int = 0) -> Interval:
    """Mean over cases (cases,) with its interval.

    Raises:
        SettingsError: there is no case.
    """
    count = int(values.size)
    if count == 0:
        raise SettingsError("a mean over cases", found="no case", expected="at least one")
    if count == 1:
        return Interval(float(values[0]), None, None, None, 1)
    tails = [(1 - _COVERAGE) / 2, (1 + _COVERAGE) / 2]
    low, high = np.quantile(bootstrap_means(values, resamples, seed), tails).tolist()
    return Interval(math.fsum(values.tolist()) / count, float(values.std(ddof=1)), low, high, count)


def estimate_curve(
    condition: Condition,
    structure: str,
    metric: str,
    levels: Sequence[float],
    values: NDArray[np.float64],
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> Curve:
    """A curve with its intervals and its area.

    Args:
        condition: its kind and variant.
        structure: as in ``Curve``.
        metric: as in ``Curve``.
        levels: ascending.
        values: (levels, cases), the same cases at every level, so that levels are compared within cases.
        resamples: of the bootstrap.
        seed: of the bootstrap.

    Raises:
        SettingsError: no case, or levels that don't fit the values.
    """
    area = estimate_mean(np.atleast_1d(area_under_curve(levels, values)), resamples, seed)
    points = tuple(estimate_mean(row, resamples, seed) for row in values)
    return Curve(
        kind=condition.kind,
        variant=condition.variant,
        structure=structure,
        metric=metric,
        levels=tuple(float(level) for level in levels),
        points=points,
        area=Area(**asdict(area)),
    )
