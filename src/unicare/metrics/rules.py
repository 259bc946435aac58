"""What a figure is, and the rules for empty masks: definition v1, set here and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import GeometryError

__all__ = ["DEFINITION", "Figure", "Rule", "check_masks", "check_spacing", "diagonal_mm", "empty_rule"]

DEFINITION = "v1"
"""Version of the definitions in docs/metrics.md; it changes when a figure would."""


class Rule(StrEnum):
    """Which rule a figure came from."""

    MEASURED = "measured"
    BOTH_EMPTY = "both_empty"
    TRUTH_EMPTY = "truth_empty"
    PREDICTION_EMPTY = "prediction_empty"


@dataclass(frozen=True)
class Figure:
    """A number and the rule that it came from.

    Attributes:
        value: the number; its unit is in the name of the metric.
        rule: ``measured``, or the rule for empty masks that applied.
    """

    value: float
    rule: Rule


def empty_rule(truth_count: int, prediction_count: int) -> Rule:
    """The rule for two masks of so many voxels."""
    if truth_count and prediction_count:
        return Rule.MEASURED
    if truth_count:
        return Rule.PREDICTION_EMPTY
    return Rule.TRUTH_EMPTY if prediction_count else Rule.BOTH_EMPTY


def diagonal_mm(shape: Sequence[int], spacing_mm: Sequence[float]) -> float:
    """The physical diagonal of an image, from the outer edge of its first voxel to that of its last.

    It is longer than any distance between two voxel centres of the image, so that nothing found is never
    better than something found.
    """
    return float(np.linalg.norm(np.asarray(shape, dtype=float) * np.asarray(spacing_mm, dtype=float)))


def check_masks(truth: NDArray[Any], prediction: NDArray[Any]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Both masks as booleans; whatever isn't 0 is inside.

    Raises:
        GeometryError: their shapes differ.
    """
    if truth.shape != prediction.shape:
        raise GeometryError(
            "truth and prediction lie on different grids",
            found=f"a prediction of {prediction.shape} voxels",
            expected=f"{truth.shape} voxels like the truth",
        )
    return truth.astype(bool, copy=False), prediction.astype(bool, copy=False)


def check_spacing(spacing_mm: Sequence[float], axes: int) -> None:
    """Refuses spacings that can't be those of an image with so many axes.

    Raises:
        GeometryError: says what was found.
    """
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    if spacing.shape != (axes,) or not np.isfinite(spacing).all() or (spacing <= 0).any():
        raise GeometryError(
            "an impossible voxel spacing",
            found=f"{tuple(spacing_mm)} mm",
            expected=f"{axes} positive numbers",
        )
