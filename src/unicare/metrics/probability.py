"""How good probabilities are: Brier score, calibration, and the distribution of the volume."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics.rules import Figure, Rule, check_spacing, empty_rule

__all__ = [
    "MARGIN_MM",
    "Reliability",
    "brier",
    "crps",
    "crps_volume_ml",
    "expected_calibration_error",
    "near_truth",
    "reliability",
    "volumes_from_probability_ml",
]

MARGIN_MM = 20.0
"""How far around the truth voxels are asked for their probability."""


@dataclass(frozen=True, eq=False)
class Reliability:
    """What was said and what came true, bin by bin; the bins are of equal width over 0 to 1.

    Attributes:
        counts: voxels in each bin; a bin holds its upper edge, the first one holds 0 as well.
        said: sum of the probabilities in each bin.
        true: how many of these voxels lie in the truth.
    """

    counts: NDArray[np.int64]
    said: NDArray[np.float64]
    true: NDArray[np.int64]

    def __add__(self, other: Reliability) -> Reliability:
        """Both groups of voxels together, for a diagram over cases.

        Raises:
            SettingsError: they have different numbers of bins.
        """
        if self.counts.size != other.counts.size:
            raise SettingsError(
                "tables of reliability with different bins",
                found=f"{self.counts.size} and {other.counts.size}",
                expected="the same number",
            )
        return Reliability(self.counts + other.counts, self.said + other.said, self.true + other.true)

    def expected_calibration_error(self) -> float:
        """Mean over the voxels of |fraction that came true - mean probability| of their bin."""
        total = int(self.counts.sum())
        return float(np.abs(self.true - self.said).sum() / total) if total else 0.0


def brier(
    truth: NDArray[Any],
    probability: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    margin_mm: float | None = MARGIN_MM,
) -> Figure:
    """Mean squared difference between the probability and the truth (0 or 1) over the voxels near the truth.

    Args:
        truth: mask; whatever isn't 0 is inside.
        probability: of being inside, 0 to 1, on the same grid.
        spacing_mm: distance between voxel centres along each axis.
        margin_mm: see ``near_truth``.

    Returns:
        0 (certain and right) to 1 (certain and wrong). It is measured also where a mask is empty; the rule
        says which one is: the truth, or the prediction, which is empty where no probability reaches 0.5.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
        SettingsError: probabilities or a margin that can't be.

    Source: G. W. Brier, Verification of forecasts expressed in terms of probability, Monthly Weather Review
    78, 1950.
    """
    inside, said = _near(truth, probability, spacing_mm, margin_mm)
    return Figure(float(np.mean((said - inside) ** 2)), _rule(truth, probability))


def expected_calibration_error(
    truth: NDArray[Any],
    probability: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    bins: int = 10,
    margin_mm: float | None = MARGIN_MM,
) -> Figure:
    """How far probabilities are from the frequencies with which they come true, near the truth.

    The voxels are put into bins of equal width by their probability of being inside; each voxel counts with
    the difference between its bin's mean probability and the fraction of the bin that truly is inside.

    Args:
        truth: mask; whatever isn't 0 is inside.
        probability: of being inside, 0 to 1, on the same grid.
        spacing_mm: distance between voxel centres along each axis.
        bins: how many.
        margin_mm: see ``near_truth``.

    Returns:
        0 (what is said comes true as often as it is said) to 1. Rules as for ``brier``.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
        SettingsError: probabilities, bins or a margin that can't be.

    Source: M. P. Naeini and others, Obtaining well calibrated probabilities using Bayesian binning, AAAI
        2015.
    """
    table = reliability(truth, probability, spacing_mm, bins=bins, margin_mm=margin_mm)
    return Figure(table.expected_calibration_error(), _rule(truth, probability))


def reliability(
    truth: NDArray[Any],
    probability: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    bins: int = 10,
    margin_mm: float | None = MARGIN_MM,
) -> Reliability:
    """The table behind ``expected_calibration_error``; tables of several cases can be added."""
    if bins < 1:
        raise SettingsError("an impossible number of bins", found=bins, expected="1 or more")
    inside, said = _near(truth, probability, spacing_mm, margin_mm)
    which = np.clip(np.ceil(said * bins).astype(np.intp) - 1, 0, bins - 1)
    return Reliability(
        counts=np.bincount(which, minlength=bins).astype(np.int64),
        said=np.bincount(which, weights=said, minlength=bins).astype(np.float64),
        true=np.bincount(which[inside], minlength=bins).astype(np.int64),
    )


def near_truth(
    truth: NDArray[Any], spacing_mm: Sequence[float], margin_mm: float | None = MARGIN_MM
) -> NDArray[np.bool_]:
    """The voxels whose probabilities are judged: those within a margin of the truth, the truth included.

    Over a whole image nearly every voxel is easy background, and the figures say more about the field of view
    than about the model. The choice depends on the truth alone, so that no forecast can choose its own
    voxels. False alarms further away are left to precision and to the distances, which they hit hardest.

    Args:
        truth: mask; whatever isn't 0 is inside.
        spacing_mm: distance between voxel centres along each axis.
        margin_mm: greatest distance from the truth; None for the whole image.

    Returns:
        A mask of the same shape: all of the image if the truth is empty or the margin None.
    """
    truth = truth != 0
    check_spacing(spacing_mm, truth.ndim)
    if margin_mm is None or not truth.any():
        return np.ones(truth.shape, dtype=bool)
    if not margin_mm >= 0:
        raise SettingsError("an impossible margin", found=f"{margin_mm} mm", expected="0 or more, or None")
    spacing = np.asarray(spacing_mm, dtype=float)
    filled = np.argwhere(truth)
    reach = np.floor(margin_mm / spacing).astype(int) + 1
    lowest = np.maximum(filled.min(axis=0) - reach, 0)
    highest = np.minimum(filled.max(axis=0) + 1 + reach, truth.shape)
    box = tuple(slice(int(a), int(b)) for a, b in zip(lowest, highest, strict=True))
    distance_mm = edt.edt(
        np.ascontiguousarray(~truth[box]), anisotropy=tuple(spacing.tolist()), black_border=False
    )
    near = np.zeros(truth.shape, dtype=bool)
    # The distance transform is in single precision: a voxel exactly at the margin belongs to it.
    near[box] = distance_mm <= margin_mm * (1 + 1e-6)
    return near


def volumes_from_probability_ml(
    probability: NDArray[Any], spacing_mm: Sequence[float], *, levels: int = 100
) -> NDArray[np.float64]:
    """Volumes that one map of probabilities stands for, as if each of them were a draw.

    The map is cut at ``levels`` thresholds in the middles of equal parts of 0 to 1, and each cut (where the
    probability reaches the threshold) has a volume. Their mean is the sum of all probabilities times the
    voxel's volume, to within the width of a level. Voxels are taken to err together, as they do at a blurred
    border: the spread is the widest that the map allows. Draws that are independent from voxel to voxel would
    have nearly none.

    Args:
        probability: of being inside, 0 to 1.
        spacing_mm: distance between voxel centres along each axis.
        levels: how many volumes.

    Returns:
        ``levels`` volumes in ml, from the largest to the smallest.
    """
    probability = _checked(probability)
    check_spacing(spacing_mm, probability.ndim)
    if levels < 1:
        raise SettingsError("an impossible number of levels", found=levels, expected="1 or more")
    thresholds = (np.arange(levels) + 0.5) / levels
    reached = np.searchsorted(thresholds, probability[probability > 0], side="right")
    voxels = np.bincount(reached, minlength=levels + 1)[::-1].cumsum()[::-1][1:]
    return voxels * _voxel_ml(spacing_mm)


def crps_volume_ml(truth: NDArray[Any], volumes_ml: Sequence[float], spacing_mm: Sequence[float]) -> Figure:
    """CRPS of a predicted distribution of the volume, in ml: how far it is from the true volume.

    Args:
        truth: mask; whatever isn't 0 is inside.
        volumes_ml: draws from the distribution: the volumes of an ensemble's members, or those of
            ``volumes_from_probability_ml``.
        spacing_mm: distance between voxel centres along each axis.

    Returns:
        0 is best. For a single volume it is the absolute volume error. The rule says which is empty: the
        truth, or the prediction, which is empty where every volume is 0.
    """
    check_spacing(spacing_mm, truth.ndim)
    count = int(np.count_nonzero(truth))
    drawn = np.asarray(volumes_ml, dtype=float)
    return Figure(crps(drawn, count * _voxel_ml(spacing_mm)), empty_rule(count, int(np.count_nonzero(drawn))))


def crps(samples: Sequence[float] | NDArray[np.float64], observed: float) -> float:
    """Continuous ranked probability score of the empirical distribution of samples: E|X-y| - E|X-X'|/2.

    It is the exact integral of (F(x) - [x ≥ y])² for the step function F of the samples. With few samples it
    is not corrected for their number, so an ensemble of five and one of fifty aren't quite comparable.

    Args:
        samples: draws, in any order.
        observed: what came true, in the same unit.

    Raises:
        SettingsError: there are no samples, or numbers that aren't finite.

    Source: T. Gneiting and A. E. Raftery, Strictly proper scoring rules, prediction, and estimation, Journal
    of the American Statistical Association 102, 2007.
    """
    drawn = np.sort(np.asarray(samples, dtype=float).ravel())
    if not drawn.size or not np.isfinite(drawn).all() or not np.isfinite(observed):
        raise SettingsError(
            "a CRPS needs draws", found=f"{drawn.size} draws, {observed}", expected="one or more, all finite"
        )
    n = drawn.size
    # The sum of |X-X'| over all pairs of sorted numbers: each one is the larger of i pairs, the smaller of
    # n-1-i.
    apart = 2.0 * float(np.dot(2.0 * np.arange(n) - (n - 1), drawn)) / n**2
    return max(0.0, float(np.abs(drawn - observed).mean()) - apart / 2)


def _near(
    truth: NDArray[Any], probability: NDArray[Any], spacing_mm: Sequence[float], margin_mm: float | None
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Whether each voxel near the truth is inside, and its probability; both flat."""
    if truth.shape != probability.shape:
        raise GeometryError(
            "truth and probabilities lie on different grids",
            found=f"probabilities of {probability.shape} voxels",
            expected=f"{truth.shape} voxels like the truth",
        )
    near = near_truth(truth, spacing_mm, margin_mm)
    return truth[near] != 0, _checked(probability)[near].astype(np.float64)


def _checked(probability: NDArray[Any]) -> NDArray[Any]:
    if probability.size and not (probability.min() >= 0 and probability.max() <= 1):
        raise SettingsError(
            "these are no probabilities",
            found=f"values from {probability.min()} to {probability.max()}",
            expected="0 to 1",
            mend="turn logits into probabilities with a sigmoid",
        )
    return probability


def _rule(truth: NDArray[Any], probability: NDArray[Any]) -> Rule:
    return empty_rule(int(np.count_nonzero(truth)), int(np.count_nonzero(probability >= 0.5)))


def _voxel_ml(spacing_mm: Sequence[float]) -> float:
    return float(np.prod(np.asarray(spacing_mm, dtype=float))) / 1000.0
