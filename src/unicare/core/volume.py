"""A 3D image in PLS axes that remembers the file it came from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from nibabel import orientations
from numpy.typing import NDArray

from unicare.core.errors import GeometryError

__all__ = ["FileGeometry", "Volume", "spacing_from_affine"]

_PLS = orientations.axcodes2ornt(("P", "L", "S"))


@dataclass(frozen=True, eq=False)
class FileGeometry:
    """Shape, affine and axis order of a volume as its file has it.

    Attributes:
        shape: voxels along the file's three axes.
        affine: (4, 4), file voxel index to RAS+ millimetres.
        header: the file's own header, so that what is written lies in the same place for every reader
            (sform, qform and their codes to the bit); None when there was no NIfTI file.
    """

    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    header: Any = None

    def to_pls(self) -> NDArray[np.float64]:
        """The orientation transform (3, 2) of nibabel that takes file axes to PLS axes."""
        turn: NDArray[np.float64] = orientations.ornt_transform(
            orientations.io_orientation(self.affine), _PLS
        )
        return turn

    def from_pls(self) -> NDArray[np.float64]:
        """The orientation transform (3, 2) that takes PLS axes back to file axes."""
        turn: NDArray[np.float64] = orientations.ornt_transform(
            _PLS, orientations.io_orientation(self.affine)
        )
        return turn


def spacing_from_affine(affine: NDArray[np.float64]) -> tuple[float, float, float]:
    """Distance in mm between neighbouring voxel centres along each axis of an affine (4, 4)."""
    with np.errstate(over="ignore"):  # a length beyond any number is infinite, which callers refuse
        lengths = np.linalg.norm(np.asarray(affine, dtype=np.float64)[:3, :3], axis=0)
    return (float(lengths[0]), float(lengths[1]), float(lengths[2]))


@dataclass(frozen=True, eq=False)
class Volume:
    """A scalar image on a regular grid, held in PLS axes.

    Axis 0 runs towards Posterior, axis 1 towards Left, axis 2 towards Superior (the closest such order for
    oblique files), as the challenge's prompts count.

    Attributes:
        data: (P, L, S) voxel values.
        affine: (4, 4), PLS voxel index to RAS+ millimetres.
        file: the geometry to go back to when something is written.
    """

    data: NDArray[Any]
    affine: NDArray[np.float64]
    file: FileGeometry

    @classmethod
    def from_file_axes(cls, data: NDArray[Any], affine: NDArray[np.float64]) -> Volume:
        """Makes a volume from an array in a file's own axis order.

        Args:
            data: 3D array in file axes.
            affine: (4, 4), file voxel index to RAS+ mm.

        Raises:
            GeometryError: the array isn't 3D, or the affine isn't finite and invertible.
        """
        affine = np.asarray(affine, dtype=np.float64)
        if data.ndim != 3:
            raise GeometryError("not a volume", found=f"{data.ndim} axes {data.shape}", expected="3 axes")
        check_affine(affine)
        file = FileGeometry((data.shape[0], data.shape[1], data.shape[2]), affine)
        turn = file.to_pls()
        return cls(
            data=orientations.apply_orientation(data, turn),
            affine=affine @ orientations.inv_ornt_aff(turn, data.shape),
            file=file,
        )

    def to_file_axes(self, data: NDArray[Any]) -> NDArray[Any]:
        """Turns an array (P, L, S) on this volume's grid into the file's own axis order."""
        if data.shape != self.shape:
            raise GeometryError("an array on another grid", found=data.shape, expected=f"{self.shape}")
        turned: NDArray[Any] = orientations.apply_orientation(data, self.file.from_pls())
        return turned

    def with_data(self, data: NDArray[Any]) -> Volume:
        """Another array (P, L, S) on the same grid."""
        if data.shape != self.shape:
            raise GeometryError("an array on another grid", found=data.shape, expected=f"{self.shape}")
        return replace(self, data=data)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels along P, L, S."""
        return (self.data.shape[0], self.data.shape[1], self.data.shape[2])

    @property
    def spacing_mm(self) -> tuple[float, float, float]:
        """Distance between voxel centres along P, L, S."""
        return spacing_from_affine(self.affine)

    @property
    def voxel_ml(self) -> float:
        """Volume of one voxel in millilitres."""
        return float(abs(np.linalg.det(self.affine[:3, :3])) / 1000.0)

    @property
    def acquisition_axis(self) -> int | None:
        """The axis of a stack of thick slices: its spacing is over twice both others; else None."""
        spacing = np.array(self.spacing_mm)
        axis = int(np.argmax(spacing))
        others = np.delete(spacing, axis)
        return axis if spacing[axis] > 2.0 * others.max() else None


def check_affine(affine: NDArray[np.float64]) -> None:
    """Refuses affines that aren't finite and invertible.

    Raises:
        GeometryError: says what is wrong with it.
    """
    if affine.shape != (4, 4) or not np.isfinite(affine).all():
        raise GeometryError("the affine isn't a finite 4×4 matrix", found=affine.tolist())
    spacing = spacing_from_affine(affine)
    if min(spacing) <= 1e-6:
        raise GeometryError(
            "the voxel spacing is zero along an axis",
            found=f"{spacing} mm",
            expected="three positive spacings",
        )
    unit = affine[:3, :3] / np.array(spacing)
    if abs(np.linalg.det(unit)) < 1e-4:
        raise GeometryError(
            "the affine is singular: two image axes point the same way",
            found=np.round(affine[:3, :3], 4).tolist(),
            expected="three independent axes",
        )
