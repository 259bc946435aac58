"""What two masks have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.metrics.rules import Figure, Rule, check_masks, empty_rule

__all__ = ["dice"]


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
    truth, prediction = check_masks(truth, prediction)
    truth_count, prediction_count = int(np.count_nonzero(truth)), int(np.count_nonzero(prediction))
    rule = empty_rule(truth_count, prediction_count)
    if rule is Rule.BOTH_EMPTY:
        return Figure(1.0, rule)
    if rule is not Rule.MEASURED:
        return Figure(0.0, rule)
    common = int(np.count_nonzero(truth & prediction))
    return Figure(2.0 * common / (truth_count + prediction_count), rule)
