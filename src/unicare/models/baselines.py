"""Segmenters that know nothing of the image, to be beaten."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from unicare.core.case import Case
from unicare.core.prompt import CasePrompts
from unicare.models.base import Segmentation

__all__ = ["EllipseSegmenter"]


class EllipseSegmenter:
    """Fills the ellipse of every box (or of the points' extent); a later, smaller structure paints over."""

    def segment(
        self, case: Case, prompts: CasePrompts, masks: Mapping[int, NDArray[np.float32]] | None = None
    ) -> Segmentation:
        """Segments every prompted label; masks are not looked at."""
        grid = case.reference
        labels = np.zeros(grid.shape, dtype=np.int32)
        stack = np.moveaxis(labels, prompts.slice_axis, 0)
        for index, found in prompts.slices.items():
            boxes = {label: prompt.extent() for label, prompt in (found or {}).items()}
            sized = {label: box for label, box in boxes.items() if box is not None}
            areas = {label: (b.x1 - b.x0) * (b.y1 - b.y0) for label, b in sized.items()}
            for label in sorted(sized, key=lambda one: -areas[one]):
                box = sized[label]
                rows = (np.arange(box.x0, box.x1) + 0.5 - (box.x0 + box.x1) / 2) / ((box.x1 - box.x0) / 2)
                columns = (np.arange(box.y0, box.y1) + 0.5 - (box.y0 + box.y1) / 2) / ((box.y1 - box.y0) / 2)
                inside = rows[:, None] ** 2 + columns[None, :] ** 2 <= 1.0
                stack[index, box.x0 : box.x1, box.y0 : box.y1][inside] = label
        return Segmentation(grid, labels)
