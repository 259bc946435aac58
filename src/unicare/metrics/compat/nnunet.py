"""The figures that nnU-Net's evaluation would give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from unicare.metrics.compat.definition import prepare_masks
from unicare.metrics.rules import Figure

__all__ = ["NnUnet"]


@dataclass(frozen=True)
class NnUnet:
    """``nnunetv2.evaluation``: Dice and IoU of a label, no distances. Both empty: nan. One empty: 0.

    Its means leave the nan out. And it walks over the predictions, so that a case without one isn't counted
    at all; ``unicare evaluate`` counts it as empty, here as well.
    """

    library: str = "nnU-Net 2.8.1"
    metrics: tuple[str, ...] = ("dice", "iou")

    def measure(
        self,
        truth: NDArray[Any],
        prediction: NDArray[Any],
        spacing_mm: Sequence[float],
        *,
        tolerance_mm: float = 2.0,
    ) -> dict[str, Figure]:
        """See ``Definition``."""
        counts = prepare_masks(truth, prediction, spacing_mm).counts
        union, both = counts.union, counts.truth + counts.prediction
        return {
            "dice": Figure(2.0 * counts.common / both if both else math.nan, counts.rule),
            "iou": Figure(counts.common / union if union else math.nan, counts.rule),
        }
