"""The figures that ITK would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from unicare.metrics.compat.definition import Masks, nearest_mm, prepare_masks
from unicare.metrics.rules import Figure, Rule

__all__ = ["Itk"]


@dataclass(frozen=True)
class Itk:
    """``HausdorffDistanceImageFilter``, and ``LabelOverlapMeasuresImageFilter`` asked for one label.

    The Hausdorff distance is measured from every voxel of a mask to the nearest voxel of the other mask,
    borders play no part. The filter ends in an error if a mask is empty (here nan); Dice and Jaccard are 0 if
    both are. Its "average Hausdorff distance" is a mean over whole masks and so no surface distance; it isn't
    offered.
    """

    library: str = "ITK 5.4 (SimpleITK 2.5.7)"
    metrics: tuple[str, ...] = ("dice", "iou", "hausdorff_mm")

    def measure(
        self,
        truth: NDArray[Any],
        prediction: NDArray[Any],
        spacing_mm: Sequence[float],
        *,
        tolerance_mm: float = 2.0,
    ) -> dict[str, Figure]:
        """See ``Definition``."""
        masks = prepare_masks(truth, prediction, spacing_mm)
        counts = masks.counts
        union, both = counts.union, counts.truth + counts.prediction
        return {
            "dice": Figure(2.0 * counts.common / both if both else 0.0, counts.rule),
            "iou": Figure(counts.common / union if union else 0.0, counts.rule),
            "hausdorff_mm": Figure(_hausdorff_mm(masks), counts.rule),
        }


def _hausdorff_mm(masks: Masks) -> float:
    if masks.counts.rule is not Rule.MEASURED:
        return math.nan
    truth, prediction = masks.truth, masks.prediction
    farthest = 0.0
    for mask, other in ((truth, prediction), (prediction, truth)):
        apart = mask & ~other
        if apart.any():
            farthest = max(farthest, float(nearest_mm(apart, other, masks.spacing_mm).max()))
    return farthest
