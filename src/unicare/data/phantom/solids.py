"""Elementary solids: a signed distance in patient space and a box that holds it.

Distances are mm, negative inside, true in sign everywhere and roughly true in size near the surface. The
formulas are those of Inigo Quilez's articles on distance functions.
"""

# ruff: noqa: D102 (the protocol documents the methods once for all solids)

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

__all__ = [
    "Block",
    "Bounds",
    "Ellipsoid",
    "Float",
    "HalfSpace",
    "Loft",
    "Solid",
    "Tube",
    "box_of",
    "rotation",
    "tube",
    "vector",
]

Float = NDArray[np.float32]
Bounds = tuple[Float, Float]
"""Lower and upper corner (3,) in mm."""

_FAR_MM = 1e4
_TINY = np.float32(1e-6)
_MORE = np.float32(1.001)
"""Boxes are this much larger, so that rounding loses nothing."""
_TABLE_ROWS = 1024


class Solid(Protocol):
    """A signed distance in patient space."""

    @property
    def bounds_mm(self) -> Bounds:
        """Lower and upper corner (3,) of a box that holds the whole solid."""
        ...

    def reach_mm(self, directions: Float) -> Float:
        """The largest ``direction @ point`` (K,) of all points of the solid, for directions (K, 3)."""
        ...

    def distance_mm(self, points: Float) -> Float:
        """Signed distance (N,) mm of points (N, 3) mm; negative inside; exact only in sign."""
        ...


def vector(values: ArrayLike) -> Float:
    """`values` as 32-bit floats."""
    return np.asarray(values, dtype=np.float32)


def box_of(solid: Solid) -> Bounds:
    """The axis-aligned box around a solid, from its reach."""
    reach = solid.reach_mm(vector(np.concatenate([-np.eye(3), np.eye(3)])))
    return -reach[:3], reach[3:]


def rotation(degrees: ArrayLike) -> Float:
    """Rotation matrix (3, 3) of angles (3,) in degrees about x, then y, then z."""
    a, b, c = np.deg2rad(np.asarray(degrees, dtype=np.float64))
    x = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    y = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return vector(z @ y @ x)


@dataclass(frozen=True)
class Ellipsoid:
    """An ellipsoid: centre (3,) and radii (3,) in mm; the columns of `axes` (3, 3) are its axes."""

    centre_mm: ArrayLike
    radii_mm: ArrayLike
    axes: ArrayLike | None = None

    @cached_property
    def _frame(self) -> tuple[Float, Float, Float]:
        axes = np.eye(3) if self.axes is None else self.axes
        return vector(self.centre_mm), vector(self.radii_mm), vector(axes)

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        centre, radii, axes = self._frame
        half: Float = np.sqrt(((directions @ axes * radii) ** 2).sum(axis=1))
        return directions @ centre + half * _MORE

    def distance_mm(self, points: Float) -> Float:
        centre, radii, axes = self._frame
        scaled = (axes / radii).T @ points.T - ((axes / radii).T @ centre)[:, None]  # (3, N)
        near = np.sqrt(np.einsum("dn,dn->n", scaled, scaled))
        scaled /= radii[:, None]
        steep = np.sqrt(np.einsum("dn,dn->n", scaled, scaled))
        distance: Float = (near + _TINY) / (steep + _TINY / radii[0]) * (near - 1)
        return distance


@dataclass(frozen=True)
class Loft:
    """Superellipses along an axis: a body, a ventricle, a cone.

    Attributes:
        heights_mm: (K,) rising positions along the third column of `axes`, seen from `origin_mm`.
        radii_mm: (K, 2) half axes along the first and second column; both ends are flat.
        centres_mm: (K, 2) centres of the sections along the first and second column, or None for zero.
        origin_mm: (3,).
        axes: (3, 3) with orthonormal columns, or None for the patient's own.
        power: 2 for ellipses, more for boxier sections.
        smooth: interpolate by monotone cubics (True) or by straight lines.
    """

    heights_mm: ArrayLike
    radii_mm: ArrayLike
    centres_mm: ArrayLike | None = None
    origin_mm: ArrayLike = (0.0, 0.0, 0.0)
    axes: ArrayLike | None = None
    power: float = 2.0
    smooth: bool = True

    @cached_property
    def _frame(self) -> tuple[Float, Float]:
        return vector(self.origin_mm), vector(np.eye(3) if self.axes is None else self.axes)

    @cached_property
    def _table(self) -> tuple[float, float, Float]:
        """First height, rows per mm and the rows (4, R): centre, then radius, along both axes."""
        heights = np.asarray(self.heights_mm, dtype=np.float64)
        radii = np.asarray(self.radii_mm, dtype=np.float64)
        centres = np.zeros_like(radii) if self.centres_mm is None else np.asarray(self.centres_mm)
        values = np.concatenate([centres, radii], axis=1)
        fine = np.linspace(heights[0], heights[-1], _TABLE_ROWS)
        if self.smooth and len(heights) > 2:
            rows = PchipInterpolator(heights, values, axis=0)(fine)
        else:
            rows = np.stack([np.interp(fine, heights, column) for column in values.T], axis=1)
        rows[:, 2:] = np.maximum(rows[:, 2:], 1e-3)
        per_mm = (_TABLE_ROWS - 1) / (heights[-1] - heights[0])
        return float(heights[0]), float(per_mm), vector(rows.T)

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        start, per_mm, rows = self._table
        origin, axes = self._frame
        x, y, along = (directions @ axes).T[:, :, None]  # (K, 1) each
        centre_x, centre_y, radius_x, radius_y = rows[:, ::16]
        height = np.float32(start) + np.arange(0, _TABLE_ROWS, 16, dtype=np.float32) / np.float32(per_mm)
        side = np.hypot(x * radius_x, y * radius_y)
        if self.power > 2.0:
            side = np.abs(x * radius_x) + np.abs(y * radius_y)
        # Every sixteenth row stands for those between, so up to sixteen rows' height is missing.
        spare = np.linalg.norm(directions, axis=1) * np.float32(16 / per_mm)
        highest: Float = (x * centre_x + y * centre_y + side + along * height).max(axis=1)
        return np.asarray(directions @ origin + highest + spare, np.float32)

    def distance_mm(self, points: Float) -> Float:
        start, per_mm, rows = self._table
        origin, axes = self._frame
        x, y, height = axes.T @ points.T - (axes.T @ origin)[:, None]
        place = (height - np.float32(start)) * np.float32(per_mm)
        row = np.clip(np.rint(place), 0, _TABLE_ROWS - 1).astype(np.int32)
        radius_x, radius_y = rows[2].take(row), rows[3].take(row)
        x -= rows[0].take(row)
        y -= rows[1].take(row)
        x /= radius_x
        y /= radius_y
        if self.power == 2.0:
            near = np.sqrt(x * x + y * y)
            x /= radius_x
            y /= radius_y
            steep = np.sqrt(x * x + y * y)
            # The two tiny terms keep the ratio finite on the centre line.
            side = (near + _TINY) / (steep + _TINY / radius_x) * (near - 1)
        else:
            power = np.float32(self.power)
            near = (np.abs(x) ** power + np.abs(y) ** power) ** np.float32(1 / self.power)
            side = (near - 1) * np.minimum(radius_x, radius_y)
        end = np.abs(place - np.float32((_TABLE_ROWS - 1) / 2)) - np.float32((_TABLE_ROWS - 1) / 2)
        end /= np.float32(per_mm)
        distance: Float = np.minimum(np.maximum(side, end), 0)
        distance += np.hypot(np.maximum(side, 0), np.maximum(end, 0))
        return distance


@dataclass(frozen=True)
class Tube:
    """A chain of round cones through `path_mm` (K, 3) with `radii_mm` (K,); `tube` makes one."""

    path_mm: Float
    radii_mm: Float

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        length = np.linalg.norm(directions, axis=1)[:, None]
        reach: Float = (directions @ self.path_mm.T + length * (self.radii_mm * _MORE)).max(axis=1)
        return reach

    @cached_property
    def pieces(self) -> tuple[Tube, ...]:
        """Short tubes whose union is this one, so that their boxes are small; none where it is short."""
        if len(self.radii_mm) <= 4:
            return ()
        starts = range(0, len(self.radii_mm) - 1, 3)
        return tuple(Tube(self.path_mm[s : s + 4], self.radii_mm[s : s + 4]) for s in starts)

    def distance_mm(self, points: Float) -> Float:
        x, y, z = points.T
        best = np.full(len(points), _FAR_MM, dtype=np.float32)
        for start, step, radius, widening in zip(
            self.path_mm[:-1],
            np.diff(self.path_mm, axis=0),
            self.radii_mm,
            np.diff(self.radii_mm),
            strict=False,
        ):
            dx, dy, dz = x - start[0], y - start[1], z - start[2]
            along = (dx * step[0] + dy * step[1] + dz * step[2]) / np.maximum(step @ step, np.float32(1e-9))
            np.clip(along, 0, 1, out=along)
            dx -= along * step[0]
            dy -= along * step[1]
            dz -= along * step[2]
            distance = np.sqrt(dx * dx + dy * dy + dz * dz) - (radius + along * widening)
            np.minimum(best, distance, out=best)
        return best


def tube(through_mm: ArrayLike, radii_mm: ArrayLike, step_mm: float = 6.0) -> Tube:
    """A tube along a smooth curve.

    Args:
        through_mm: (K, 3) points that the curve passes through, K at least 2.
        radii_mm: (K,) or one number.
        step_mm: about how long each straight piece is.
    """
    through = np.asarray(through_mm, dtype=np.float64)
    radii = np.broadcast_to(np.asarray(radii_mm, dtype=np.float64), len(through))
    chord = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(through, axis=0), axis=1) + 1e-6)])
    place = np.linspace(0, chord[-1], max(2, round(chord[-1] / step_mm) + 1))
    slopes = np.gradient(through, chord, axis=0) if len(through) > 2 else None
    if slopes is None:
        path = np.stack([np.interp(place, chord, column) for column in through.T], axis=1)
    else:
        path = CubicHermiteSpline(chord, through, slopes, axis=0)(place)
    return Tube(vector(path), vector(np.interp(place, chord, radii)))


@dataclass(frozen=True)
class Block:
    """A box: centre (3,), half edges (3,) in mm along the columns of `axes`; edges rounded by `round_mm`."""

    centre_mm: ArrayLike
    half_mm: ArrayLike
    axes: ArrayLike | None = None
    round_mm: float = 0.0

    @cached_property
    def _frame(self) -> tuple[Float, Float, Float]:
        axes = np.eye(3) if self.axes is None else self.axes
        return vector(self.centre_mm), vector(self.half_mm), vector(axes)

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        centre, half, axes = self._frame
        reach: Float = directions @ centre + np.abs(directions @ axes) @ half * _MORE
        return reach

    def distance_mm(self, points: Float) -> Float:
        centre, half, axes = self._frame
        over = np.abs(axes.T @ points.T - (axes.T @ centre)[:, None])
        over -= (half - np.float32(self.round_mm))[:, None]
        outside = np.sqrt((np.maximum(over, 0) ** 2).sum(axis=0))
        distance: Float = outside + np.minimum(over.max(axis=0), 0) - np.float32(self.round_mm)
        return distance


@dataclass(frozen=True)
class HalfSpace:
    """Everything behind the plane through `point_mm` (3,); `normal` (3,) points outwards."""

    point_mm: ArrayLike
    normal: ArrayLike

    @property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        normal = vector(self.normal) / np.linalg.norm(vector(self.normal))
        length = np.linalg.norm(directions, axis=1)
        same = directions @ normal > 0.9999 * length
        reach = np.where(same, length * (vector(self.point_mm) @ normal + 0.5), _FAR_MM * length)
        return np.asarray(reach, np.float32)

    def distance_mm(self, points: Float) -> Float:
        normal = vector(self.normal) / np.linalg.norm(vector(self.normal))
        distance: Float = points @ normal - vector(self.point_mm) @ normal
        return distance
