"""Implicit shapes held as a field on a coarse lattice: any form at the price of one look-up per point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unicare.data.phantom.tissues import Tissue

__all__ = ["FAR_MM", "ClippedShape", "Field", "Lattice", "LatticeShape", "sized", "smooth_max", "smooth_min"]

Field = NDArray[np.float32]
"""(X, Y, Z) roughly millimetres from a surface, negative inside."""

FAR_MM = 60.0
"""The value of a field where nothing is near."""

_CHUNK = 1 << 15
_OUTSIDE, _WITHIN, _MIXED = 0, 1, 2


@dataclass(frozen=True)
class Lattice:
    """A coarse axis-aligned lattice of points in patient space.

    Attributes:
        origin_mm: the first point (3,).
        step_mm: distance of neighbours (3,).
        shape: number of points along R, A, S.
    """

    origin_mm: NDArray[np.float32]
    step_mm: NDArray[np.float32]
    shape: tuple[int, int, int]

    @classmethod
    def over(cls, lower_mm: ArrayLike, upper_mm: ArrayLike, step_mm: ArrayLike) -> Lattice:
        """The lattice that covers the box from ``lower_mm`` to ``upper_mm`` (3,)."""
        lower = np.asarray(lower_mm, np.float32)
        step = np.broadcast_to(np.asarray(step_mm, np.float32), (3,))
        counts = np.ceil((np.asarray(upper_mm, np.float32) - lower) / step).astype(int) + 1
        return cls(lower, step, (int(counts[0]), int(counts[1]), int(counts[2])))

    def axis(self, axis: int) -> NDArray[np.float32]:
        """Coordinates of the points along one axis (n,) mm."""
        return np.asarray(
            self.origin_mm[axis] + self.step_mm[axis] * np.arange(self.shape[axis], dtype=np.float32),
            np.float32,
        )

    def open_axes(self) -> tuple[Field, Field, Field]:
        """Coordinates (X, 1, 1), (1, Y, 1), (1, 1, Z) mm, to be broadcast."""
        return (
            self.axis(0)[:, None, None],
            self.axis(1)[None, :, None],
            self.axis(2)[None, None, :],
        )

    def empty(self) -> Field:
        """A field with nothing inside."""
        return np.full(self.shape, FAR_MM, np.float32)

    def noise(self, rng: np.random.Generator, wavelength_mm: float) -> Field:
        """Smooth random field of about unit deviation, a cubic B-spline over random knots."""
        weights = [_spline_weights(self.axis(axis), wavelength_mm / 2) for axis in range(3)]
        knots = rng.standard_normal([w.shape[1] for w in weights]).astype(np.float32)
        for weight in weights:
            knots = np.tensordot(knots, weight, axes=(0, 1))
        return np.ascontiguousarray(knots / 0.33, np.float32)

    def tubes(
        self,
        path_mm: ArrayLike,
        radii_mm: ArrayLike,
        into: Field | None = None,
        stretch: Sequence[float] = (1.0, 1.0, 1.0),
    ) -> Field:
        """Field of round cones strung along a path.

        Args:
            path_mm: points (K, 3).
            radii_mm: one radius per point, or one for all.
            into: a field that is joined, in place.
            stretch: factors along R, A, S by which the cross-section is longer than its radius.

        Returns:
            The field of the union.
        """
        path = np.atleast_2d(np.asarray(path_mm, np.float32))
        radii = np.broadcast_to(np.asarray(radii_mm, np.float32), (len(path),))
        field = self.empty() if into is None else into
        scale = np.asarray(stretch, np.float32)
        last = max(len(path) - 1, 1)
        for k in range(last):
            n = min(k + 1, len(path) - 1)
            self._cone(field, (path[k], path[n]), (float(radii[k]), float(radii[n])), scale)
        return field

    def _cone(
        self,
        field: Field,
        ends: tuple[NDArray[np.float32], NDArray[np.float32]],
        radii: tuple[float, float],
        scale: NDArray[np.float32],
    ) -> None:
        reach = max(radii) * scale + 2.5 * self.step_mm.max() + 0.6 * max(radii)
        low = (np.minimum(*ends) - reach - self.origin_mm) / self.step_mm
        high = (np.maximum(*ends) + reach - self.origin_mm) / self.step_mm
        window = tuple(
            slice(max(int(a), 0), max(min(int(b) + 2, n), 0))
            for a, b, n in zip(low.tolist(), high.tolist(), self.shape, strict=True)
        )
        if any(part.stop <= part.start for part in window):
            return
        offsets = [
            (
                np.arange(part.start, part.stop, dtype=np.float32) * self.step_mm[k]
                + (self.origin_mm[k] - ends[0][k])
            )
            / scale[k]
            for k, part in enumerate(window)
        ]
        x, y, z = offsets[0][:, None, None], offsets[1][None, :, None], offsets[2][None, None, :]
        along = (ends[1] - ends[0]) / scale
        square = float(along @ along)
        distance: Field
        if square < 1e-6:
            distance = np.sqrt(x * x + y * y + z * z) - np.float32(radii[0])
        else:
            t = (x * along[0] + y * along[1]) / square + z * (along[2] / square)
            np.minimum(np.maximum(t, 0, out=t), 1, out=t)
            distance = np.sqrt((x - t * along[0]) ** 2 + (y - t * along[1]) ** 2 + (z - t * along[2]) ** 2)
            distance -= np.float32(radii[0]) + t * np.float32(radii[1] - radii[0])
        np.minimum(field[window], distance, out=field[window])


def _spline_weights(coordinates: NDArray[np.float32], knot_mm: float) -> NDArray[np.float32]:
    """Cubic B-spline weights (n, knots) of equally spaced knots."""
    position = (coordinates - coordinates[0]) / knot_mm
    knots = np.arange(-1, int(position[-1]) + 3)
    distance = np.abs(position[:, None] - knots[None, :])
    inner = 2 / 3 - distance**2 + distance**3 / 2
    outer = np.clip(2 - distance, 0, None) ** 3 / 6
    return np.asarray(np.where(distance < 1, inner, outer).astype(np.float32), np.float32)


def smooth_min(a: Field, b: Field, blend_mm: float) -> Field:
    """Union of two fields, the crease filled over ``blend_mm`` (polynomial smooth minimum of I. Quilez)."""
    h = np.clip(blend_mm - np.abs(a - b), 0, None)
    return np.asarray(np.minimum(a, b) - h * h * np.float32(0.25 / blend_mm), np.float32)


def smooth_max(a: Field, b: Field, blend_mm: float) -> Field:
    """Intersection of two fields, the edge rounded over ``blend_mm``."""
    h = np.clip(blend_mm - np.abs(a - b), 0, None)
    return np.asarray(np.maximum(a, b) + h * h * np.float32(0.25 / blend_mm), np.float32)


def sized(body: Field, room: Field, lattice: Lattice, limits_ml: tuple[float, float]) -> Field:
    """A body within a room, swollen or shrunk in small steps until its volume keeps to the limits.

    Args:
        body: field of the body's own form (X, Y, Z).
        room: negative where it may be (X, Y, Z).
        lattice: what both are known on.
        limits_ml: least and greatest volume.
    """
    cell_ml = float(np.prod(lattice.step_mm)) / 1000
    field = smooth_max(body, room, 5)
    for _ in range(12):
        volume = float((field < 0).sum()) * cell_ml
        if limits_ml[0] <= volume <= limits_ml[1]:
            break
        body = body + np.float32(3.0 if volume > limits_ml[1] else -3.0)
        field = smooth_max(body, room, 5)
    return field


@dataclass(frozen=True)
class LatticeShape:
    """Where a field, interpolated linearly between lattice points, is negative.

    Cells of the lattice whose corners agree need one look-up per point; only points in the others are
    interpolated.

    Attributes:
        tissue: what it is made of.
        lattice: where the field is known.
        field: (X, Y, Z), positive on its outer two layers.
        cells: (X, Y, Z) per cell, named by its lower corner: outside, within, or mixed.
    """

    tissue: Tissue
    lattice: Lattice
    field: Field
    cells: NDArray[np.uint8]

    @classmethod
    def cut(cls, tissue: Tissue, lattice: Lattice, field: NDArray[np.floating[Any]]) -> LatticeShape:
        """The shape of a field, cropped to what it needs."""
        field = np.asarray(field, np.float32)
        negative = field < 0
        window = []
        pads = []
        origin = lattice.origin_mm.astype(np.float32).copy()
        for axis in range(3):
            others = tuple(k for k in range(3) if k != axis)
            found = np.flatnonzero(negative.any(axis=others))
            first, last = (int(found[0]), int(found[-1])) if found.size else (0, 0)
            lower, upper = first - 2, last + 3
            window.append(slice(max(lower, 0), min(upper, field.shape[axis])))
            pads.append((max(-lower, 0), max(upper - field.shape[axis], 0)))
            origin[axis] += lower * lattice.step_mm[axis]
        cropped = np.pad(field[tuple(window)], pads, constant_values=1.0)
        shape = (cropped.shape[0], cropped.shape[1], cropped.shape[2])
        cropped = np.ascontiguousarray(cropped)
        return cls(tissue, Lattice(origin, lattice.step_mm, shape), cropped, _classify(cropped < 0))

    @property
    def bounds_mm(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lower and upper corner (3,) of a box that holds the whole shape."""
        step = self.lattice.step_mm
        lower = self.lattice.origin_mm + step
        return lower, lower + step * (np.asarray(self.lattice.shape, np.float32) - 3)

    def inside(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each of the points (N, 3) mm lies inside, (N,)."""
        answer = np.empty(len(points), np.bool_)
        for start in range(0, len(points), _CHUNK):
            answer[start : start + _CHUNK] = self._inside(points[start : start + _CHUNK])
        return answer

    def _inside(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        fractions = []
        flat = np.zeros(len(points), np.int32)
        for axis in range(3):
            position = (points[:, axis] - self.lattice.origin_mm[axis]) * (1 / self.lattice.step_mm[axis])
            np.clip(position, 0, self.lattice.shape[axis] - 1.001, out=position)
            index = position.astype(np.int32)
            flat *= self.lattice.shape[axis]
            flat += index
            fractions.append(position)
        state = self.cells.ravel().take(flat)
        answer: NDArray[np.bool_] = state == _WITHIN
        mixed = np.flatnonzero(state == _MIXED)
        if mixed.size:
            part = [f.take(mixed) for f in fractions]
            answer[mixed] = self._interpolate([f - np.floor(f) for f in part], flat.take(mixed)) < 0
        return answer

    def _interpolate(self, fractions: list[Field], flat: NDArray[np.int32]) -> Field:
        values = self.field.ravel()
        row, plane = self.lattice.shape[2], self.lattice.shape[1] * self.lattice.shape[2]
        fx, fy, fz = fractions

        def along_z(base: NDArray[np.int32]) -> Field:
            low = values.take(base)
            low += (values.take(base + 1) - low) * fz
            return low

        near = along_z(flat)
        near += (along_z(flat + row) - near) * fy
        far = along_z(flat + plane)
        far += (along_z(flat + (plane + row)) - far) * fy
        near += (far - near) * fx
        return near


def _classify(negative: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """State of each cell from its eight corners; the last layer along each axis holds no cell."""
    every, some = negative, negative
    for axis in range(3):
        lower = tuple(slice(0, -1) if k == axis else slice(None) for k in range(3))
        upper = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
        every, some = every[lower] & every[upper], some[lower] | some[upper]
    cells = np.zeros(negative.shape, np.uint8)
    cells[:-1, :-1, :-1] = np.where(every, _WITHIN, np.where(some, _MIXED, _OUTSIDE))
    return cells


@dataclass(frozen=True)
class ClippedShape:
    """A shape as far as it lies inside another.

    Attributes:
        shape: what is clipped; its tissue and bounds are kept.
        limit: what it has to lie inside.
    """

    shape: LatticeShape
    limit: LatticeShape

    @property
    def tissue(self) -> Tissue:
        """What it is made of."""
        return self.shape.tissue

    @property
    def bounds_mm(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lower and upper corner (3,) of a box that holds the whole shape."""
        return self.shape.bounds_mm

    def inside(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether each of the points (N, 3) mm lies inside, (N,)."""
        answer = self.shape.inside(points)
        found = np.flatnonzero(answer)
        answer[found] = self.limit.inside(points[found])
        return answer
