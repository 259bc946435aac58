"""How slices of a PLS volume are shown, and which of them tell a structure's story."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.volume import Volume

__all__ = ["SliceScore", "View", "best_median_worst", "score_slices", "view_of"]


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
class SliceScore:
    """Dice of one label on one slice.

    Attributes:
        case: the case's id.
        label: the structure's value.
        slice_axis: the axis that slices are counted along.
        index: the slice.
        dice: of truth and prediction on this slice.
        voxels: how many voxels truth and prediction have there together.
    """

    case: str
    label: int
    slice_axis: int
    index: int
    dice: float
    voxels: int


def score_slices(
    case: str, truth: NDArray[Any], prediction: NDArray[Any], label: int, slice_axis: int
) -> list[SliceScore]:
    """Dice of a label on every slice where truth or prediction holds it."""
    others = tuple(axis for axis in range(3) if axis != slice_axis)
    in_truth, in_prediction = truth == label, prediction == label
    common = np.count_nonzero(in_truth & in_prediction, axis=others)
    total = np.count_nonzero(in_truth, axis=others) + np.count_nonzero(in_prediction, axis=others)
    return [
        SliceScore(case, label, slice_axis, int(i), float(2 * common[i] / total[i]), int(total[i]))
        for i in np.flatnonzero(total)
    ]


def best_median_worst(scores: Iterable[SliceScore]) -> list[tuple[str, SliceScore]]:
    """Up to three slices with the words for them; where Dice ties, the larger one is shown."""
    ranked: Sequence[SliceScore] = sorted(scores, key=lambda score: (-score.dice, -score.voxels))
    if not ranked:
        return []
    worst = max((score for score in ranked if score.dice == ranked[-1].dice), key=lambda score: score.voxels)
    chosen = [("best", ranked[0]), ("median", ranked[len(ranked) // 2]), ("worst", worst)]
    return list({score: (word, score) for word, score in chosen}.values())
