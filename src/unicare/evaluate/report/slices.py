"""How slices of a PLS volume are shown, and which of them tell a structure's story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.volume import Volume

__all__ = ["SliceErrors", "View", "slice_errors", "telling_slices", "view_of"]

_APART_MM = 8.0
"""Closer slices look alike."""


@dataclass(frozen=True)
class View:
    """How slices along one axis of a PLS volume are laid on the page, as radiologists do.

    Posterior is down and the patient's left on the right; slices that hold the S axis have superior up.

    Attributes:
        slice_axis: the axis that slices are counted along.
        rows: axis of the volume that runs down the page.
        columns: axis of the volume that runs to the right.
        upside_down: whether rows are shown from last to first.
        letters: where the page's left, top, right and bottom lie in the patient.
    """

    slice_axis: int
    rows: int
    columns: int
    upside_down: bool
    letters: tuple[str, str, str, str]

    def take(self, data: NDArray[Any], index: int) -> NDArray[Any]:
        """One slice (rows, columns) of an array (P, L, S), the right way up."""
        flat: NDArray[Any] = data.take(index, axis=self.slice_axis)
        if self.rows > self.columns:
            flat = flat.T
        return flat[::-1] if self.upside_down else flat

    def to_page(self, x: float, y: float, row_count: int) -> tuple[float, float]:
        """Column and row on the page of a voxel edge (x, y), given along the in-plane axes in PLS order."""
        row, column = (y, x) if self.rows > self.columns else (x, y)
        return column, (row_count - row if self.upside_down else row)

    def spacing_mm(self, volume: Volume) -> tuple[float, float]:
        """Distance between rows and between columns."""
        return volume.spacing_mm[self.rows], volume.spacing_mm[self.columns]


_VIEWS = {
    0: View(0, rows=2, columns=1, upside_down=True, letters=("R", "S", "L", "I")),
    1: View(1, rows=2, columns=0, upside_down=True, letters=("A", "S", "P", "I")),
    2: View(2, rows=0, columns=1, upside_down=False, letters=("R", "A", "L", "P")),
}


def view_of(slice_axis: int) -> View:
    """The view of slices along an axis of a PLS volume."""
    return _VIEWS[slice_axis]


@dataclass(frozen=True)
class SliceErrors:
    """How far one prediction is off, slice by slice.

    Attributes:
        wrong: voxels that only truth or only prediction holds (slices).
        held: voxels of truth and prediction, counted twice where they agree (slices).
    """

    wrong: NDArray[np.int64]
    held: NDArray[np.int64]

    def dice(self, index: int) -> float | None:
        """Of one slice; None where it holds nothing."""
        held = int(self.held[index])
        return None if held == 0 else (held - int(self.wrong[index])) / held


def slice_errors(truth: NDArray[np.bool_], prediction: NDArray[np.bool_], slice_axis: int) -> SliceErrors:
    """Counts a structure's wrong voxels on every slice.

    Args:
        truth: mask (P, L, S).
        prediction: mask (P, L, S).
        slice_axis: the axis that slices are counted along.
    """
    others = tuple(axis for axis in range(3) if axis != slice_axis)
    wrong = np.count_nonzero(truth != prediction, axis=others)
    held = np.count_nonzero(truth, axis=others) + np.count_nonzero(prediction, axis=others)
    return SliceErrors(np.asarray(wrong, dtype=np.int64), np.asarray(held, dtype=np.int64))


def telling_slices(errors: Sequence[SliceErrors], most: int, spacing_mm: float) -> list[int]:
    """The slices on which predictions went wrong, at some distance from each other.

    Each prediction in turn gives the slice with most of its wrong voxels that isn't close to one already
    chosen. Where nothing is wrong, the slice that holds most is shown.

    Args:
        errors: one for each prediction, the one that matters most first.
        most: how many slices at most.
        spacing_mm: between slices.

    Returns:
        Indices from first to last slice; none where no slice holds anything.
    """
    apart = max(1, round(_APART_MM / spacing_mm))
    chosen: list[int] = []
    left = [error.wrong.copy() for error in errors]
    while len(chosen) < most and any(wrong.any() for wrong in left):
        for wrong in left:
            if wrong.any() and len(chosen) < most:
                index = int(wrong.argmax())
                chosen.append(index)
                for other in left:
                    other[max(0, index - apart + 1) : index + apart] = 0
    if not chosen and errors and errors[0].held.any():
        chosen = [int(errors[0].held.argmax())]
    return sorted(chosen)
