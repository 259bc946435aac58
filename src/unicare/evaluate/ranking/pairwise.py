"""Which teams can be told apart: Wilcoxon signed-rank tests of all pairs, Holm's correction, groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from unicare.evaluate.ranking.statistics import SAME

__all__ = ["group_letters", "holm", "pairwise_p", "sampled_wins", "signed_rank_p", "wins"]

_EXACT_UP_TO = 50

_CHUNK = 100
"""Samples that are tested at a time: as many as a processor's cache holds."""

_BEYOND = 1e9
"""Stands for a figure that isn't finite: worse than any other, equal to its like."""


def signed_rank_p(differences: NDArray[np.float64]) -> float:
    """Two-sided p of Wilcoxon's signed-rank test; pairs without a difference are left out.

    1 where no pair differs. Exact up to 50 pairs, also with ties, where the normal approximation would find
    differences in five pairs; beyond, that approximation with the correction for ties.
    """
    untied = _rounded(differences)
    untied = untied[untied != 0]
    if not untied.size:
        return 1.0
    if untied.size > _EXACT_UP_TO:
        return float(stats.wilcoxon(untied, method="asymptotic").pvalue)
    return _exact_p(untied)


def _exact_p(untied: NDArray[np.float64]) -> float:
    """From the distribution of the signed-rank sum when every sign is as likely as its opposite."""
    ranks = np.rint(2 * stats.rankdata(np.abs(untied))).astype(np.int64)  # doubled, so that ties are whole
    chance = np.zeros(ranks.sum() + 1)
    chance[0] = 1.0
    for rank in ranks:
        shifted = np.zeros_like(chance)
        shifted[rank:] = chance[:-rank]
        chance = (chance + shifted) / 2
    found = ranks[untied > 0].sum()
    return float(min(1.0, 2 * min(chance[: found + 1].sum(), chance[found:].sum())))


def holm(p_values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm's step-down correction along the last axis; nan counts as no test.

    Source: S. Holm, A simple sequentially rejective multiple test procedure, Scand. J. Statist. 6 (1979).
    """
    order = np.argsort(p_values, axis=-1)  # nan last
    tests = np.sum(~np.isnan(p_values), axis=-1, keepdims=True)
    steps = np.arange(p_values.shape[-1])
    sorted_p = np.take_along_axis(p_values, order, axis=-1)
    scaled = np.where(np.isnan(sorted_p), -np.inf, sorted_p * np.maximum(tests - steps, 1))
    corrected = np.minimum(np.maximum.accumulate(scaled, axis=-1), 1.0)
    corrected = np.where(np.isnan(sorted_p), np.nan, corrected)
    result = np.empty_like(corrected)
    np.put_along_axis(result, order, corrected, axis=-1)
    return result


def pairwise_p(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Holm-corrected p of every pair of teams.

    Args:
        values: teams × patients, higher is better; ``-inf`` is worse than any number. A team of nothing but
            nan has no result and is not tested.

    Returns:
        teams × teams, symmetric, 1 on the diagonal; nan where there was no test, also for a team with itself
        if it has no result.
    """
    teams = len(values)
    first, second = np.triu_indices(teams, k=1)
    plain = np.array([np.nan] * len(first))
    for index, (one, other) in enumerate(zip(first, second, strict=True)):
        if not np.isnan(values[[one, other]]).any() and values.shape[1]:
            plain[index] = signed_rank_p(_finite(values[one]) - _finite(values[other]))
    matrix = np.diag(np.where(np.isnan(values).any(axis=1), np.nan, 1.0))
    matrix[first, second] = matrix[second, first] = holm(plain)
    return matrix


def wins(values: NDArray[np.float64], p_values: NDArray[np.float64], alpha: float) -> NDArray[np.int64]:
    """How many teams each team is significantly better than; -1 for a team without a result.

    Args:
        values: teams × patients, higher is better.
        p_values: of ``pairwise_p``.
        alpha: error rate.
    """
    teams = len(values)
    count = np.zeros(teams, dtype=np.int64)
    for one, other in combinations(range(teams), 2):
        if p_values[one, other] < alpha:
            count[one if _direction(_finite(values[one]) - _finite(values[other])) > 0 else other] += 1
    return np.where(np.isnan(values).all(axis=1), -1, count)


def sampled_wins(
    values: NDArray[np.float64], weights: NDArray[np.float64], alpha: float
) -> NDArray[np.int64]:
    """``wins`` for every bootstrap sample, by the normal approximation with the correction for ties.

    Args:
        values: teams × patients, higher is better.
        weights: samples × patients, how often each is in each sample.
        alpha: error rate, after Holm's correction inside every sample.

    Returns:
        samples × teams.
    """
    pairs = [
        _SignedRanks.of(_finite(values[one]) - _finite(values[other]))
        if not np.isnan(values[[one, other]]).any()
        else None
        for one, other in combinations(range(len(values)), 2)
    ]
    chunks = [
        _wins_in(np.ascontiguousarray(weights[start : start + _CHUNK].T), pairs, len(values), alpha)
        for start in range(0, len(weights), _CHUNK)
    ]
    count = np.vstack(chunks) if chunks else np.zeros((0, len(values)), dtype=np.int64)
    return np.where(np.isnan(values).all(axis=1), -1, count)


@dataclass(frozen=True, eq=False)
class _SignedRanks:
    """The pairs that differ, smallest difference first."""

    order: NDArray[np.int64]
    positive: NDArray[np.float64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, differences: NDArray[np.float64]) -> _SignedRanks:
        untied = _rounded(differences)
        kept = np.flatnonzero(untied)
        order = kept[np.argsort(np.abs(untied[kept]), kind="stable")]
        sizes = np.abs(untied[order])
        starts = np.flatnonzero(np.diff(sizes, prepend=-1.0) > 0)
        return cls(order, (untied[order] > 0).astype(np.float64), starts)

    def z(self, drawn_often: NDArray[np.float64]) -> NDArray[np.float64]:
        """The standardised signed-rank sum of every sample; 0 where no pair in it differs.

        Args:
            drawn_often: patients × samples.
        """
        if not self.order.size:
            return np.zeros(drawn_often.shape[1])
        drawn = drawn_often[self.order]
        positive = drawn * self.positive[:, None]
        if len(self.starts) < len(self.order):
            drawn, positive = (np.add.reduceat(part, self.starts, axis=0) for part in (drawn, positive))
        last = np.cumsum(drawn, axis=0)
        count = last[-1]
        rank_sum = np.einsum("ij,ij->j", last - (drawn - 1) / 2, positive)
        tied = np.einsum("ij,ij->j", drawn * drawn, drawn) - count
        variance = count * (count + 1) * (2 * count + 1) / 24 - tied / 48
        with np.errstate(invalid="ignore", divide="ignore"):
            z = (rank_sum - count * (count + 1) / 4) / np.sqrt(variance)
        return np.where(variance > 0, z, 0.0)


def _wins_in(
    drawn_often: NDArray[np.float64], pairs: Sequence[_SignedRanks | None], teams: int, alpha: float
) -> NDArray[np.int64]:
    """Samples × teams, for some of the samples: patients × samples."""
    samples = drawn_often.shape[1]
    z = np.full((samples, len(pairs)), np.nan)
    for index, pair in enumerate(pairs):
        if pair is not None:
            z[:, index] = pair.z(drawn_often)
    significant = holm(2 * stats.norm.sf(np.abs(z))) < alpha
    count = np.zeros((samples, teams), dtype=np.int64)
    for index, (one, other) in enumerate(combinations(range(teams), 2)):
        count[:, one] += significant[:, index] & (z[:, index] > 0)
        count[:, other] += significant[:, index] & (z[:, index] < 0)
    return count


def group_letters(
    p_values: NDArray[np.float64], order: Sequence[int], alpha: float
) -> tuple[tuple[str, ...], ...]:
    """Groups of teams that can't be told apart, as letters.

    A group is a largest possible set of teams no two of which differ significantly. Every pair that can't
    be told apart shares a group, and no pair that can does; so a team can be in several groups (a like b, b
    like c, but a not like c). A team without a result is in none.

    Args:
        p_values: teams × teams, of ``pairwise_p``.
        order: indices of the teams, best first; letters go along it.
        alpha: error rate.

    Returns:
        For each team (in the order of the matrix) its letters.
    """
    tested = [team for team in order if not np.isnan(p_values[team, team])]
    alike = p_values >= alpha
    groups: list[list[int]] = []
    for place, team in enumerate(tested):
        partners = [other for other in tested[place + 1 :] if alike[team, other]]
        if not partners and not any(team in group for group in groups):
            groups.append([team])
        for other in partners:
            if not any(team in group and other in group for group in groups):
                groups.append(_grown([team, other], tested, alike))
    letters = [_letter(index) for index in range(len(groups))]
    return tuple(
        tuple(letter for letter, group in zip(letters, groups, strict=True) if team in group)
        for team in range(len(p_values))
    )


def _grown(seed: list[int], teams: Sequence[int], alike: NDArray[np.bool_]) -> list[int]:
    group = list(seed)
    for team in teams:
        if team not in group and all(alike[team, member] for member in group):
            group.append(team)
    return group


def _letter(index: int) -> str:
    """Letters as columns of a spreadsheet have them: a to z, aa, ab."""
    above, last = divmod(index, 26)
    return (_letter(above - 1) if above else "") + chr(ord("a") + last)


def _finite(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(np.isneginf(values), -_BEYOND, values)


def _rounded(differences: NDArray[np.float64]) -> NDArray[np.float64]:
    """Differences that are only rounding of a sum are none."""
    return np.where(np.abs(differences) <= SAME, 0.0, differences)


def _direction(differences: NDArray[np.float64]) -> float:
    untied = _rounded(differences)
    untied = untied[untied != 0]
    return float(np.sum(np.sign(untied) * stats.rankdata(np.abs(untied))))
