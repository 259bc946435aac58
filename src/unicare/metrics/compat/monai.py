"""The figures that MONAI would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.metrics.compat.definition import Counts, Masks, border_distances_mm, prepare_masks
from unicare.metrics.rules import Figure, Rule

__all__ = ["Monai"]

_EMPTY = {
    Rule.BOTH_EMPTY: {"hausdorff_mm": math.nan, "hd95_mm": math.nan, "assd_mm": math.nan, "nsd": math.nan},
    # A percentile between two infinite distances is their difference, hence nan, not infinite.
    Rule.TRUTH_EMPTY: {"hausdorff_mm": math.inf, "hd95_mm": math.nan, "assd_mm": math.inf, "nsd": 0.0},
    Rule.PREDICTION_EMPTY: {"hausdorff_mm": math.inf, "hd95_mm": math.nan, "assd_mm": math.inf, "nsd": 0.0},
}


@dataclass(frozen=True)
class Monai:
    """``monai.metrics`` on the CPU with one foreground channel and the spacing given.

    compute_dice and compute_iou with ``ignore_empty`` (its default: nan where the truth is empty), precision
    and recall of the confusion matrix (nan where they would be 0/0), compute_hausdorff_distance with and
    without ``percentile=95``, compute_average_surface_distance with ``symmetric=True``, and
    compute_surface_dice without subvoxels. Figures come in single precision, and distances are rounded to it
    before anything is made of them.
    """

    library: str = "MONAI 1.6.1"
    metrics: tuple[str, ...] = (
        "dice",
        "iou",
        "precision",
        "recall",
        "hausdorff_mm",
        "hd95_mm",
        "assd_mm",
        "nsd",
    )

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
        values = {**_overlap(masks.counts), **_distances(masks, tolerance_mm)}
        return {name: Figure(float(np.float32(values[name])), masks.counts.rule) for name in self.metrics}


def _overlap(counts: Counts) -> dict[str, float]:
    measured = counts.truth > 0
    return {
        "dice": 2.0 * counts.common / (counts.truth + counts.prediction) if measured else math.nan,
        "iou": counts.common / counts.union if measured else math.nan,
        "precision": counts.common / counts.prediction if counts.prediction else math.nan,
        "recall": counts.common / counts.truth if measured else math.nan,
    }


def _distances(masks: Masks, tolerance_mm: float) -> dict[str, float]:
    if masks.counts.rule is not Rule.MEASURED:
        return dict(_EMPTY[masks.counts.rule])
    there, back = (distances.astype(np.float32) for distances in border_distances_mm(masks))
    both = np.concatenate((there, back))
    return {
        "hausdorff_mm": float(both.max()),
        "hd95_mm": max(_quantile(there, 0.95), _quantile(back, 0.95)),
        "assd_mm": float(both.mean(dtype=np.float64)),
        "nsd": float(np.count_nonzero(both <= np.float32(tolerance_mm)) / both.size),
    }


def _quantile(distances: NDArray[np.float32], fraction: float) -> float:
    """A quantile by linear interpolation in single precision, its rank included, as torch has it."""
    ordered = np.sort(distances)
    rank = np.float32(fraction) * np.float32(ordered.size - 1)
    below, above = ordered[int(rank)], ordered[math.ceil(rank)]
    weight = np.float32(rank - np.float32(int(rank)))
    if weight < 0.5:
        return float(below + weight * (above - below))
    return float(above - (above - below) * (np.float32(1) - weight))
