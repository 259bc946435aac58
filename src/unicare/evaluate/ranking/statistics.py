"""How sure a figure or a ranking is: bootstrap over cases, percentile intervals, Kendall's tau."""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from unicare.evaluate.ranking.standings import Estimate, RankEstimate, Tau

__all__ = [
    "SAME",
    "competition_ranks",
    "draw_weights",
    "estimate",
    "kendall_tau",
    "percentiles",
    "rank_estimate",
    "tau_of",
    "weighted_means",
    "weighted_medians",
]

SAME = 1e-9
"""Figures nearer to each other than this are equal; the order of a sum must not decide a rank."""


def competition_ranks(goodness: NDArray[np.float64]) -> NDArray[np.int64]:
    """Ranks along the last axis, highest first, ties share the lowest number (1 1 3).

    Args:
        goodness: … × teams, higher is better, not nan; ``-inf`` for a team without a result: it comes last.

    Returns:
        … × teams, from 1.
    """
    better = goodness[..., None, :] > goodness[..., :, None] + SAME
    return np.asarray(1 + better.sum(axis=-1), dtype=np.int64)


def draw_weights(
    strata: Sequence[Hashable], units: Sequence[Hashable], samples: int, seed: int
) -> NDArray[np.float64]:
    """Bootstrap samples, as how often each of them holds each case.

    Inside every stratum as many units are drawn as it has, with replacement, so that every sample has the
    centres in their true proportions. A unit's cases (a patient's) are drawn together.

    Args:
        strata: of every case, for example its centre.
        units: of every case, for example its patient; a unit counts once in each stratum that it is in.
        samples: how many.
        seed: the same seed draws the same samples.

    Returns:
        samples × cases.
    """
    generator = np.random.default_rng(seed)
    weights = np.zeros((samples, len(strata)))
    members: dict[Hashable, dict[Hashable, list[int]]] = {}
    for case, (stratum, unit) in enumerate(zip(strata, units, strict=True)):
        members.setdefault(stratum, {}).setdefault(unit, []).append(case)
    for clusters in members.values():
        drawn = generator.multinomial(len(clusters), np.full(len(clusters), 1 / len(clusters)), size=samples)
        cases = [case for cluster in clusters.values() for case in cluster]
        owner = [index for index, cluster in enumerate(clusters.values()) for _ in cluster]
        weights[:, cases] = drawn[:, owner]
    return weights


def weighted_means(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Means over cases, for every sample and team.

    Args:
        values: teams × cases, no nan; infinite figures make every mean infinite that they are in.
        weights: samples × cases.

    Returns:
        samples × teams; nan where a sample holds none of the cases.
    """
    finite = np.isfinite(values)
    sums = weights @ np.where(finite, values, 0.0).T
    counts = weights.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        means: NDArray[np.float64] = np.where(counts > 0, sums / counts, np.nan)
    if not finite.all():
        for sign in (np.inf, -np.inf):
            held = weights @ (values == sign).T.astype(np.float64)
            means = np.where(held > 0, sign, means)
    return means


def weighted_medians(values: NDArray[np.float64], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Medians over cases, for every sample and team; as ``weighted_means``, weights are whole numbers."""
    samples, teams = weights.shape[0], values.shape[0]
    medians = np.full((samples, teams), np.nan)
    half = weights.sum(axis=1, keepdims=True) / 2
    drawn = half[:, 0] > 0
    for team in range(teams):
        order = np.argsort(values[team], kind="stable")
        running = np.cumsum(weights[:, order], axis=1)
        lower = values[team, order[np.argmax(running >= half, axis=1)]]
        upper = values[team, order[np.argmax(running > half, axis=1)]]
        middle = np.where(lower == upper, lower, lower / 2 + upper / 2)
        medians[drawn, team] = middle[drawn]
    return medians


def percentiles(
    samples: NDArray[np.float64], confidence: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both ends of the percentile interval along the first axis; they are values that were drawn.

    nan where no sample has a value.
    """
    outside = (1 - confidence) / 2
    nothing = np.isnan(samples).all(axis=0)
    filled = np.where(nothing, 0.0, samples)
    low = np.nanquantile(filled, outside, axis=0, method="lower")
    high = np.nanquantile(filled, 1 - outside, axis=0, method="higher")
    return np.where(nothing, np.nan, low), np.where(nothing, np.nan, high)


def estimate(value: float, samples: NDArray[np.float64], confidence: float) -> Estimate:
    """A figure with the interval of its samples; without samples, or for nan, just the figure."""
    if np.isnan(value):
        return Estimate(None)
    if not samples.size or np.isnan(samples).all():
        return Estimate(float(value))
    low, high = percentiles(samples, confidence)
    return Estimate(float(value), float(low), float(high))


def rank_estimate(rank: int, samples: NDArray[np.int64], confidence: float) -> RankEstimate:
    """A rank with the interval of its samples."""
    if not samples.size:
        return RankEstimate(int(rank))
    low, high = percentiles(samples.astype(np.float64), confidence)
    return RankEstimate(int(rank), int(low), int(high))


def kendall_tau(ranks: NDArray[np.int64], samples: NDArray[np.int64]) -> NDArray[np.float64]:
    """Kendall's tau-b of one ranking with each of many.

    Where one of two rankings is all ties, tau-b isn't defined: 1 if both are, else 0.

    Args:
        ranks: teams.
        samples: samples × teams.

    Returns:
        One tau for each sample.
    """
    first, second = np.triu_indices(len(ranks), k=1)
    full = np.sign(ranks[first] - ranks[second]).astype(np.float64)
    drawn = np.sign(samples[:, first] - samples[:, second]).astype(np.float64)
    untied_full, untied_drawn = np.sum(full**2), np.sum(drawn**2, axis=1)
    norm = np.sqrt(untied_full * untied_drawn)
    both_tied = (untied_full == 0) & (untied_drawn == 0)
    taus: NDArray[np.float64] = np.where(norm > 0, drawn @ full / np.where(norm > 0, norm, 1.0), both_tied)
    return taus


def tau_of(ranks: NDArray[np.int64], samples: NDArray[np.int64], confidence: float) -> Tau | None:
    """Mean and spread of tau over the samples; None for a single team or without samples."""
    if len(ranks) < 2 or not len(samples):
        return None
    taus = kendall_tau(ranks, samples)
    low, high = percentiles(taus, confidence)
    return Tau(float(taus.mean()), float(taus.std(ddof=1)) if len(taus) > 1 else 0.0, float(low), float(high))
