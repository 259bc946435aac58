"""What two masks have in common."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.metrics.rules import Figure, Rule, check_masks, check_spacing, empty_rule

__all__ = [
    "Overlap",
    "count_overlap",
    "dice",
    "generalised_dice",
    "iou",
    "precision",
    "recall",
    "truth_volume_ml",
    "volume_error_ml",
    "volume_ml",
]


@dataclass(frozen=True)
class Overlap:
    """The voxels of two masks, counted once: every figure of overlap and volume follows from them.

    Attributes:
        truth_voxels: how many the truth has.
        prediction_voxels: how many the prediction has.
        common_voxels: how many are in both.
    """

    truth_voxels: int
    prediction_voxels: int
    common_voxels: int

    @property
    def rule(self) -> Rule:
        """``measured``, or which mask is empty."""
        return empty_rule(self.truth_voxels, self.prediction_voxels)

    def dice(self) -> Figure:
        """Twice the common voxels over the sum of both masks' voxels."""
        return self._share(2 * self.common_voxels, self.truth_voxels + self.prediction_voxels)

    def iou(self) -> Figure:
        """The common voxels over those in either mask (Jaccard index)."""
        return self._share(
            self.common_voxels, self.truth_voxels + self.prediction_voxels - self.common_voxels
        )

    def precision(self) -> Figure:
        """The part of the prediction that is right."""
        return self._share(self.common_voxels, self.prediction_voxels)

    def recall(self) -> Figure:
        """The part of the truth that was found (sensitivity)."""
        return self._share(self.common_voxels, self.truth_voxels)

    def truth_volume_ml(self, spacing_mm: Sequence[float]) -> Figure:
        """Voxels of the truth times the volume of a voxel."""
        return Figure(self.truth_voxels * voxel_ml(spacing_mm), self.rule)

    def volume_ml(self, spacing_mm: Sequence[float]) -> Figure:
        """Voxels of the prediction times the volume of a voxel."""
        return Figure(self.prediction_voxels * voxel_ml(spacing_mm), self.rule)

    def volume_error_ml(self, spacing_mm: Sequence[float]) -> Figure:
        """Volume of the prediction less that of the truth: negative if too little was drawn."""
        return Figure((self.prediction_voxels - self.truth_voxels) * voxel_ml(spacing_mm), self.rule)

    def _share(self, part: int, whole: int) -> Figure:
        if self.rule is Rule.BOTH_EMPTY:
            return Figure(1.0, self.rule)
        return Figure(part / whole if self.rule is Rule.MEASURED else 0.0, self.rule)


def voxel_ml(spacing_mm: Sequence[float]) -> float:
    """The volume of one voxel."""
    return math.prod(float(step) for step in spacing_mm) / 1000.0


def count_overlap(truth: NDArray[Any], prediction: NDArray[Any]) -> Overlap:
    """Counts the voxels of two masks.

    Args:
        truth: mask of any shape; whatever isn't 0 is inside.
        prediction: mask of the same shape.

    Raises:
        GeometryError: the shapes differ.
    """
    truth, prediction = check_masks(truth, prediction)
    return Overlap(
        int(np.count_nonzero(truth)),
        int(np.count_nonzero(prediction)),
        int(np.count_nonzero(truth & prediction)),
    )


def dice(truth: NDArray[Any], prediction: NDArray[Any]) -> Figure:
    """Twice the common voxels over the sum of both masks' voxels (docs/metrics.md, v1).

    Args:
        truth: mask of any shape; whatever isn't 0 is inside.
        prediction: mask of the same shape.

    Returns:
        A number from 0 to 1. Both empty: 1. One empty: 0.

    Raises:
        GeometryError: the shapes differ.
    """
    return count_overlap(truth, prediction).dice()


def iou(truth: NDArray[Any], prediction: NDArray[Any]) -> Figure:
    """Like ``dice``, but the common voxels over those in either mask (Jaccard index)."""
    return count_overlap(truth, prediction).iou()


def precision(truth: NDArray[Any], prediction: NDArray[Any]) -> Figure:
    """Like ``dice``, but the part of the prediction that is right."""
    return count_overlap(truth, prediction).precision()


def recall(truth: NDArray[Any], prediction: NDArray[Any]) -> Figure:
    """Like ``dice``, but the part of the truth that was found."""
    return count_overlap(truth, prediction).recall()


def truth_volume_ml(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]) -> Figure:
    """The volume of the truth; the prediction only says which rule applies.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
    """
    check_spacing(spacing_mm, truth.ndim)
    return count_overlap(truth, prediction).truth_volume_ml(spacing_mm)


def volume_ml(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]) -> Figure:
    """The volume of the prediction; the truth only says which rule applies.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
    """
    check_spacing(spacing_mm, truth.ndim)
    return count_overlap(truth, prediction).volume_ml(spacing_mm)


def volume_error_ml(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]) -> Figure:
    """The volume of the prediction less that of the truth.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
    """
    check_spacing(spacing_mm, truth.ndim)
    return count_overlap(truth, prediction).volume_error_ml(spacing_mm)


def generalised_dice(structures: Iterable[Overlap]) -> Figure:
    """One Dice for several structures, small ones weighing as much as large ones.

    Twice the weighted sum of the common voxels over the weighted sum of both masks' voxels. The weight of a
    structure is 1 over the square of its voxels in the truth (Crum et al., IEEE TMI 2006, with the weights of
    Sudre et al., DLMIA 2017). Neither says what a structure weighs that the truth doesn't hold: here, as much
    as the heaviest one that it does hold.

    Args:
        structures: the counts of each structure, without background.

    Returns:
        A number from 0 to 1. All structures empty in both: 1. All empty in one of them: 0.
    """
    counts = tuple(structures)
    rule = empty_rule(sum(c.truth_voxels for c in counts), sum(c.prediction_voxels for c in counts))
    if rule is not Rule.MEASURED:
        return Figure(1.0 if rule is Rule.BOTH_EMPTY else 0.0, rule)
    heaviest = 1.0 / min(c.truth_voxels for c in counts if c.truth_voxels) ** 2
    weights = [1.0 / c.truth_voxels**2 if c.truth_voxels else heaviest for c in counts]
    common = sum(w * c.common_voxels for w, c in zip(weights, counts, strict=True))
    both = sum(w * (c.truth_voxels + c.prediction_voxels) for w, c in zip(weights, counts, strict=True))
    return Figure(2.0 * common / both, rule)
