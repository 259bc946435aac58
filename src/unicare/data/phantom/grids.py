"""Where a scanner lays its slices through a patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from nibabel import orientations
from numpy.typing import ArrayLike, NDArray

from unicare.data.phantom.tissues import Tissue

__all__ = ["Painter", "SliceGrid", "axial_grid", "extent_mm", "reorient", "sample_slices"]

Affine = NDArray[np.float64]

_COARSE_MM = 6.0


class Painter(Protocol):
    """Anything that knows the tissue at every point of a patient."""

    def tissues(self, affine: Affine, shape: tuple[int, int, int]) -> NDArray[np.uint8]:
        """Tissue ids on a grid (4, 4) voxel index to RAS+ mm."""
        ...


@dataclass(frozen=True, eq=False)
class SliceGrid:
    """A stack of slices along axis 2.

    Attributes:
        affine: (4, 4), voxel index to RAS+ mm.
        shape: rows, columns, slices.
        thin: how many thinner layers are averaged to one slice; odd, so one of them lies at its centre.
    """

    affine: Affine
    shape: tuple[int, int, int]
    thin: int = 1

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Between voxel centres along each axis."""
        lengths = np.linalg.norm(self.affine[:3, :3], axis=0)
        return (float(lengths[0]), float(lengths[1]), float(lengths[2]))

    def moved(self, shift_mm: ArrayLike) -> SliceGrid:
        """The same grid elsewhere."""
        affine = self.affine.copy()
        affine[:3, 3] += np.asarray(shift_mm, dtype=np.float64)
        return SliceGrid(affine, self.shape, self.thin)


def axial_grid(
    centre_mm: Sequence[float],
    spacing_mm: Sequence[float],
    shape: tuple[int, int, int],
    tilt_deg: float = 0.0,
) -> SliceGrid:
    """Slices across the body around a point; axes run to the left, to the back and up.

    Args:
        centre_mm: (3,) RAS+.
        spacing_mm: along left, back, up.
        shape: of the grid.
        tilt_deg: about the left-right axis.
    """
    angle = np.deg2rad(tilt_deg)
    turn = np.array([[1, 0, 0], [0, np.cos(angle), -np.sin(angle)], [0, np.sin(angle), np.cos(angle)]])
    affine = np.eye(4)
    affine[:3, :3] = (turn @ np.diag([-1.0, -1.0, 1.0])) * np.asarray(spacing_mm)
    affine[:3, 3] = np.asarray(centre_mm) - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return SliceGrid(affine, shape, thin_layers(spacing_mm[2], spacing_mm[0]))


def thin_layers(slice_mm: float, in_plane_mm: float) -> int:
    """How many layers a slice needs so that averaging them looks like its thickness: 1, 3 or 5."""
    ratio = slice_mm / in_plane_mm
    return 1 if ratio < 1.9 else 3 if ratio < 6 else 5


def sample_slices(
    patient: Painter, grid: SliceGrid, shifts_mm: NDArray[np.float64] | None = None
) -> NDArray[np.uint8]:
    """Tissues of all thin layers of a stack.

    Args:
        patient: knows the tissue everywhere.
        grid: the stack.
        shifts_mm: (slices, 3) RAS+, how far the patient's breath has moved each slice; None: not at all.

    Returns:
        (rows, columns, slices × grid.thin).
    """
    rows, columns, slices = grid.shape
    fine = grid.affine.copy()
    step = grid.affine[:3, 2]
    fine[:3, 2] = step / grid.thin
    fine[:3, 3] -= step * (grid.thin - 1) / (2 * grid.thin)
    if shifts_mm is None:
        return patient.tissues(fine, (rows, columns, slices * grid.thin))
    layers = []
    for index, shift in enumerate(shifts_mm):
        here = fine.copy()
        here[:3, 3] += step * index + shift
        layers.append(patient.tissues(here, (rows, columns, grid.thin)))
    return np.concatenate(layers, axis=2)


def extent_mm(
    patient: Painter, tissues: Sequence[Tissue], centre_mm: Sequence[float], reach_mm: float
) -> NDArray[np.float64]:
    """Lowest and highest corner (2, 3) RAS+ mm of some tissues near a point, to a few mm."""
    count = int(2 * reach_mm / _COARSE_MM)
    affine = np.diag([_COARSE_MM, _COARSE_MM, _COARSE_MM, 1.0])
    affine[:3, 3] = np.asarray(centre_mm) - reach_mm
    found = np.argwhere(np.isin(patient.tissues(affine, (count, count, count)), list(tissues)))
    if not len(found):
        return np.array([centre_mm, centre_mm], dtype=np.float64)
    return np.asarray(np.array([found.min(axis=0), found.max(axis=0)]) * _COARSE_MM + affine[:3, 3])


def reorient(array: NDArray[Any], affine: Affine, axes: str) -> tuple[NDArray[Any], Affine]:
    """Turns an array into another order of axes, the same voxels at the same places.

    Args:
        array: 3D.
        affine: (4, 4), voxel index to RAS+ mm.
        axes: where each axis runs to, such as ``LPS``; the closest such order for oblique grids.
    """
    turn = orientations.ornt_transform(
        orientations.io_orientation(affine), orientations.axcodes2ornt(tuple(axes))
    )
    turned = orientations.apply_orientation(array, turn)
    return np.ascontiguousarray(turned), affine @ orientations.inv_ornt_aff(turn, array.shape)
