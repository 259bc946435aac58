"""The figures that MedPy would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.metrics.compat.definition import Counts, Masks, border_distances_mm, prepare_masks
from unicare.metrics.rules import Figure, Rule

__all__ = ["Medpy"]


@dataclass(frozen=True)
class Medpy:
    """``medpy.metric.binary``: dc, jc, precision, recall, hd, hd95, assd, each with its defaults.

    The 95th percentile is taken over the distances of both directions in one heap. Distances end in an error
    if a mask is empty (here nan), Dice is 0 if both are, IoU 1.
    """

    library: str = "MedPy 0.5.2"
    metrics: tuple[str, ...] = ("dice", "iou", "precision", "recall", "hausdorff_mm", "hd95_mm", "assd_mm")

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
        values = {**_overlap(masks.counts), **_distances(masks)}
        return {name: Figure(values[name], masks.counts.rule) for name in self.metrics}


def _overlap(counts: Counts) -> dict[str, float]:
    both = counts.truth + counts.prediction
    return {
        "dice": 2.0 * counts.common / both if both else 1.0,
        "iou": counts.common / counts.union if counts.union else 1.0,
        "precision": counts.common / counts.prediction if counts.prediction else 0.0,
        "recall": counts.common / counts.truth if counts.truth else 0.0,
    }


def _distances(masks: Masks) -> dict[str, float]:
    if masks.counts.rule is not Rule.MEASURED:
        return dict.fromkeys(("hausdorff_mm", "hd95_mm", "assd_mm"), math.nan)
    heap = np.concatenate(border_distances_mm(masks))
    return {
        "hausdorff_mm": float(heap.max()),
        "hd95_mm": float(np.percentile(heap, 95)),
        "assd_mm": float(heap.mean()),
    }
