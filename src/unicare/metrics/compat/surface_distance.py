"""The figures that DeepMind's surface-distance would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unicare.metrics.compat.definition import Masks, prepare_masks
from unicare.metrics.compat.surfels import ALL_INSIDE, areas_mm2, codes
from unicare.metrics.rules import Figure, Rule

__all__ = ["SurfaceDistance"]

_EMPTY = {
    Rule.BOTH_EMPTY: {"dice": math.nan, "hausdorff_mm": math.inf, "hd95_mm": math.inf, "nsd": math.nan},
    Rule.TRUTH_EMPTY: {"dice": 0.0, "hausdorff_mm": math.inf, "hd95_mm": math.inf, "nsd": 0.0},
    Rule.PREDICTION_EMPTY: {"dice": 0.0, "hausdorff_mm": math.inf, "hd95_mm": math.inf, "nsd": 0.0},
}


@dataclass(frozen=True)
class SurfaceDistance:
    """compute_dice_coefficient, compute_robust_hausdorff (100 and 95), and the surface Dice at a tolerance.

    Surfaces run between voxels. Distances go from the middle of one 2 × 2 × 2 neighbourhood that holds a
    piece of surface to the nearest that holds one of the other mask; each counts with its piece's area. A
    percentile is the first distance at which that share of the area is reached, without interpolation. The
    library gives two directed averages; ``assd_mm`` is their mean.
    """

    library: str = "surface-distance 0.1"
    metrics: tuple[str, ...] = ("dice", "hausdorff_mm", "hd95_mm", "assd_mm", "nsd")

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
        rule = masks.counts.rule
        if rule is Rule.MEASURED:
            values = _measured(masks, tolerance_mm)
        else:
            # An infinite average there, none (0/0) back: their mean is nan.
            values = {**_EMPTY[rule], "assd_mm": math.nan}
        return {name: Figure(float(values[name]), rule) for name in self.metrics}


@dataclass(frozen=True, eq=False)
class _Surface:
    """Distances from the pieces of one surface to another one, rising, and the area of each piece in mm²."""

    distances_mm: NDArray[np.float64]
    areas_mm2: NDArray[np.float64]

    def percentile_mm(self, percent: float) -> float:
        share = np.cumsum(self.areas_mm2) / np.sum(self.areas_mm2)
        reached = int(np.searchsorted(share, percent / 100.0))
        return float(self.distances_mm[min(reached, self.distances_mm.size - 1)])

    def average_mm(self) -> float:
        return float(np.sum(self.distances_mm * self.areas_mm2) / np.sum(self.areas_mm2))

    def area_within_mm2(self, tolerance_mm: float) -> float:
        return float(np.sum(self.areas_mm2[self.distances_mm <= tolerance_mm]))


def _measured(masks: Masks, tolerance_mm: float) -> dict[str, float]:
    there, back = _surfaces(masks)
    within = there.area_within_mm2(tolerance_mm) + back.area_within_mm2(tolerance_mm)
    counts = masks.counts
    return {
        "dice": 2.0 * counts.common / (counts.truth + counts.prediction),
        "hausdorff_mm": max(there.percentile_mm(100), back.percentile_mm(100)),
        "hd95_mm": max(there.percentile_mm(95), back.percentile_mm(95)),
        "assd_mm": (there.average_mm() + back.average_mm()) / 2,
        "nsd": within / float(np.sum(there.areas_mm2) + np.sum(back.areas_mm2)),
    }


def _surfaces(masks: Masks) -> tuple[_Surface, _Surface]:
    areas = areas_mm2(masks.spacing_mm)
    truth, prediction = codes(masks.truth), codes(masks.prediction)
    return (
        _surface(truth, prediction, areas, masks.spacing_mm),
        _surface(prediction, truth, areas, masks.spacing_mm),
    )


def _surface(
    start: NDArray[np.uint8],
    goal: NDArray[np.uint8],
    areas: NDArray[np.float64],
    spacing_mm: Sequence[float],
) -> _Surface:
    cut = (start != 0) & (start != ALL_INSIDE)
    # The dense transform, like the library's: a percentile falls on a step, and its ties are to fall alike.
    nearest = ndimage.distance_transform_edt((goal == 0) | (goal == ALL_INSIDE), sampling=spacing_mm)
    distances, sizes = nearest[cut], areas[start[cut]]
    order = np.lexsort((sizes, distances))
    return _Surface(distances[order], sizes[order])
