"""What another library's definition of the figures has to say, and the two masks as all of them start."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from unicare.core.errors import GeometryError
from unicare.metrics.rules import Figure, Rule, check_masks, check_spacing, empty_rule
from unicare.metrics.surface import joint_box

__all__ = ["Counts", "Definition", "Masks", "border_distances_mm", "nearest_mm", "prepare_masks"]


class Definition(Protocol):
    """The figures of one structure by the definition of another library.

    Attributes:
        library: its name and the version that it was compared with.
        metrics: names in the catalogue of those figures that the library offers.
    """

    @property
    def library(self) -> str: ...  # noqa: D102

    @property
    def metrics(self) -> tuple[str, ...]: ...  # noqa: D102

    def measure(
        self,
        truth: NDArray[Any],
        prediction: NDArray[Any],
        spacing_mm: Sequence[float],
        *,
        tolerance_mm: float = 2.0,
    ) -> dict[str, Figure]:
        """Every figure that the library offers, as it would say it.

        Args:
            truth: mask in 3D; whatever isn't 0 is inside.
            prediction: mask on the same grid.
            spacing_mm: distance between voxel centres along each axis.
            tolerance_mm: of the normalised surface Dice, where the library has one.

        Returns:
            Name of the metric to its figure. The value is nan or infinite where the library says so, and nan
            where it ends in an error; the rule says which mask is empty.

        Raises:
            GeometryError: the shapes differ, aren't 3D, or the spacing doesn't fit them.
        """
        ...


@dataclass(frozen=True)
class Counts:
    """Voxels of the truth, of the prediction, and of both."""

    truth: int
    prediction: int
    common: int

    @property
    def union(self) -> int:
        """Voxels that are in either."""
        return self.truth + self.prediction - self.common

    @property
    def rule(self) -> Rule:
        """Which mask is empty, if one is."""
        return empty_rule(self.truth, self.prediction)


@dataclass(frozen=True, eq=False)
class Masks:
    """Two masks cut to the box around both, with a rim of one empty voxel on every side.

    The rim is where the image ends as well: no library asked here gives a voxel at the image's edge a
    neighbour.
    """

    truth: NDArray[np.bool_]
    prediction: NDArray[np.bool_]
    spacing_mm: tuple[float, ...]
    counts: Counts


def prepare_masks(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]) -> Masks:
    """Checks, cuts and counts two masks.

    Raises:
        GeometryError: the shapes differ, aren't 3D, or the spacing doesn't fit them.
    """
    truth, prediction = check_masks(truth, prediction)
    if truth.ndim != 3:
        raise GeometryError(
            "other libraries' figures are compared in 3D", found=f"{truth.ndim} axes", expected="3"
        )
    check_spacing(spacing_mm, truth.ndim)
    box = joint_box(truth, prediction)
    truth, prediction = truth[box], prediction[box]
    counts = Counts(
        truth=int(np.count_nonzero(truth)),
        prediction=int(np.count_nonzero(prediction)),
        common=int(np.count_nonzero(truth & prediction)),
    )
    spacing = tuple(float(step) for step in spacing_mm)
    return Masks(np.pad(truth, 1), np.pad(prediction, 1), spacing, counts)


def border_distances_mm(masks: Masks) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances from the prediction's border voxels to the truth's and back; neither mask may be empty.

    A border voxel has a face neighbour outside the mask. Unlike in definition v1 an image's single slice is
    no exception: all of a mask in it is border.
    """
    truth, prediction = _border(masks.truth), _border(masks.prediction)
    return (
        nearest_mm(prediction, truth, masks.spacing_mm),
        nearest_mm(truth, prediction, masks.spacing_mm),
    )


def nearest_mm(
    start: NDArray[np.bool_], goal: NDArray[np.bool_], spacing_mm: Sequence[float]
) -> NDArray[np.float64]:
    """Distance from every voxel of ``start`` to the nearest one of ``goal``; neither may be empty."""
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    tree = cKDTree(np.argwhere(goal) * spacing, leafsize=32, balanced_tree=False, compact_nodes=False)
    distances: NDArray[np.float64] = tree.query(np.argwhere(start) * spacing)[0]
    return distances


def _border(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    inside: NDArray[np.bool_] = ndimage.binary_erosion(mask)
    return mask & ~inside
