"""How the slices of a DICOM series stack up, by their positions in the patient."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import GeometryError

__all__ = ["Slice", "stack_affine"]

_SAME_DIRECTION = 1e-3
_UNEVEN = 0.02  # of the usual distance between slices
_ROUNDING_MM = 0.02  # positions are often written with two decimals
_CROOKED_MM = 0.5


@dataclass(frozen=True, eq=False)
class Slice:
    """Where one image of a series lies.

    Attributes:
        path: its file.
        shape: rows and columns.
        position: (3,) centre of the first voxel, LPS mm.
        directions: (2, 3) unit vectors along a row and down a column, LPS.
        spacing_mm: distance between rows, and between columns.
        thickness_mm: SliceThickness, or None; used for a series of a single slice only.
    """

    path: Path
    shape: tuple[int, int]
    position: NDArray[np.float64]
    directions: NDArray[np.float64]
    spacing_mm: tuple[float, float]
    thickness_mm: float | None

    @property
    def normal(self) -> NDArray[np.float64]:
        """(3,) unit vector across the slice, LPS."""
        return np.cross(self.directions[0], self.directions[1])

    @property
    def height_mm(self) -> float:
        """Position along the normal."""
        return float(self.position @ self.normal)


def stack_affine(uid: str, slices: Sequence[Slice]) -> NDArray[np.float64]:
    """The affine (4, 4), column, row, slice index to LPS mm, of slices sorted by ``height_mm``.

    Args:
        uid: of the series, for messages.
        slices: at least one.

    Raises:
        GeometryError: slices are missing, doubled, unevenly spaced, not parallel or not alike.
    """
    first = slices[0]
    for one in slices[1:]:
        _check_alike(uid, first, one)
    positions = np.array([one.position for one in slices])
    if len(slices) == 1:
        if not first.thickness_mm or first.thickness_mm <= 0:
            raise GeometryError(
                f"series {uid}: a single slice of unknown thickness",
                found=f"SliceThickness {first.thickness_mm}",
                expected="a positive number, or at least two slices",
            )
        step = first.normal * first.thickness_mm
    else:
        _check_spacing(uid, slices)
        # a tilted gantry moves each slice sideways; the step from slice to slice has that in it
        step = (positions[-1] - positions[0]) / (len(slices) - 1)
    straight = positions[0] + np.arange(len(slices))[:, None] * step
    off_mm = np.linalg.norm(positions - straight, axis=1)
    if off_mm.max() > _CROOKED_MM:
        worst = int(off_mm.argmax())
        raise GeometryError(
            f"series {uid}: the slices don't lie on a straight line",
            found=f"{slices[worst].path.name} {off_mm[worst]:.2f} mm beside it",
        )
    affine = np.eye(4)
    affine[:3, 0] = first.directions[0] * first.spacing_mm[1]
    affine[:3, 1] = first.directions[1] * first.spacing_mm[0]
    affine[:3, 2] = step
    affine[:3, 3] = positions[0]
    return affine


def _check_alike(uid: str, first: Slice, other: Slice) -> None:
    if other.shape != first.shape:
        raise GeometryError(
            f"series {uid}: slices of different size",
            found=f"{other.shape} in {other.path.name}",
            expected=f"{first.shape} as in {first.path.name}",
        )
    if np.abs(other.directions - first.directions).max() > _SAME_DIRECTION:
        raise GeometryError(
            f"series {uid}: slices that aren't parallel",
            found=f"{other.directions.round(4).tolist()} in {other.path.name}",
            expected=f"{first.directions.round(4).tolist()} as in {first.path.name}",
            mend="leave out scouts, and give each stack a folder of its own",
        )
    if not np.allclose(other.spacing_mm, first.spacing_mm, rtol=1e-3):
        raise GeometryError(
            f"series {uid}: slices of different PixelSpacing",
            found=f"{other.spacing_mm} mm in {other.path.name}",
            expected=f"{first.spacing_mm} mm as in {first.path.name}",
        )


def _check_spacing(uid: str, slices: Sequence[Slice]) -> None:
    """Refuses doubled, missing and unevenly spaced slices, by position along the normal."""
    gaps = np.diff([one.height_mm for one in slices])
    usual = float(np.median(gaps))
    doubled = np.flatnonzero(gaps < _ROUNDING_MM)
    if doubled.size:
        pair = slices[doubled[0]], slices[doubled[0] + 1]
        raise GeometryError(
            f"series {uid}: {doubled.size} slices lie where another one lies",
            found=f"{pair[0].path.name} and {pair[1].path.name}, both {pair[0].height_mm:.2f} mm",
            expected="one image for each position",
            mend="give each phase or echo a folder of its own",
        )
    uneven = np.flatnonzero(np.abs(gaps - usual) > max(_ROUNDING_MM, _UNEVEN * usual))
    if uneven.size:
        places = "; ".join(
            f"{gaps[k]:.2f} mm between {slices[k].path.name} ({slices[k].height_mm:.2f} mm) "
            f"and {slices[k + 1].path.name} ({slices[k + 1].height_mm:.2f} mm)"
            for k in uneven[:5]
        )
        raise GeometryError(
            f"series {uid}: slices are missing or unevenly spaced",
            found=places + ("; …" if uneven.size > 5 else ""),
            expected=f"{usual:.2f} mm everywhere",
            mend="complete the series, or resample it to even spacing",
        )
