"""Where several labels claim a voxel: the more probable wins, a part wins over what it is a part of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unicare.core.region import Crop

__all__ = ["Merge"]


class Merge:
    """A label map that answers are painted on, one label after the other.

    Args:
        shape: (P, L, S) of the volume.
        slice_axis: the axis that slices are counted along.
    """

    def __init__(self, shape: tuple[int, int, int], slice_axis: int) -> None:
        # each slice in one piece: they are painted one by one, and strided voxels would miss the cache
        height, width = (n for axis, n in enumerate(shape) if axis != slice_axis)
        self._label_stack = np.zeros((shape[slice_axis], height, width), dtype=np.int32)
        self._winning_stack = np.zeros(self._label_stack.shape, dtype=np.float32)
        self.labels = np.moveaxis(self._label_stack, 0, slice_axis)

    def paint(
        self,
        label: int,
        crop: Crop,
        logits: NDArray[np.float32],
        over: frozenset[int] = frozenset(),
    ) -> None:
        """Gives a label every voxel whose logit is positive and higher than those of the labels before.

        Args:
            label: value to write.
            crop: where the logits lie.
            logits: (D, rows, columns).
            over: labels that this one is a part of and always wins over; paint them first.
        """
        place = (
            slice(crop.slices.start, crop.slices.stop),
            slice(crop.window.x0, crop.window.x1),
            slice(crop.window.y0, crop.window.y1),
        )
        labels, winning = self._label_stack[place], self._winning_stack[place]
        won = logits > winning
        for parent in over:
            won |= (logits > 0) & (labels == parent)
        np.copyto(labels, label, where=won)
        np.copyto(winning, logits, where=won)
