"""One virtual patient: shapes in patient space, painted in order, smoothly deformed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.warp import SmoothWarp

__all__ = ["Anatomy", "Shape", "Warp"]

Points = NDArray[np.float32]
"""(N, 3) RAS+ mm; the origin is the centre of the left ventricular cavity."""

Warp = Callable[[Points], Points]
"""Patient space (N, 3) mm to the undeformed space of the shapes (N, 3) mm."""

_MANY_POINTS = 12_000
"""From here on a shape is worth splitting into its pieces, which have smaller boxes."""


_CHUNK = 1 << 14


class Shape(Protocol):
    """An implicit shape in patient space.

    A shape may also have ``only_over`` (a frozen set of tissues: it replaces no others), ``pieces`` (shapes
    that paint the same together), ``reach_mm`` (as a `Solid`: tighter than its box on oblique grids) and
    ``paint`` (several tissues at once, as `Layered`).
    """

    @property
    def tissue(self) -> Tissue:
        """What it is made of."""
        ...

    @property
    def bounds_mm(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lower and upper corner (3,) of a box that holds the whole shape."""
        ...

    def inside(self, points: Points) -> NDArray[np.bool_]:
        """Whether each of the points (N, 3) mm lies inside, (N,)."""
        ...


@dataclass(frozen=True)
class Anatomy:
    """A virtual patient; later shapes paint over earlier ones.

    Attributes:
        shapes: in painting order, the outermost first.
        warp: the smooth deformation, or None.
        landmarks_mm: named points (3,) in the undeformed space, such as ``lv_apex``, ``mitral_centre``.
    """

    shapes: Sequence[Shape]
    warp: Warp | None
    landmarks_mm: dict[str, NDArray[np.float32]]

    def tissues(self, affine: NDArray[np.float64], shape: tuple[int, int, int]) -> NDArray[np.uint8]:
        """Tissue ids on a grid; the same point of the patient has the same tissue on every grid.

        Args:
            affine: (4, 4) from voxel indices to RAS+ mm, of any obliqueness.
            shape: of the grid, (X, Y, Z).

        Returns:
            (X, Y, Z) ids of `Tissue`.
        """
        affine = np.asarray(affine, dtype=np.float64)
        points = self._positions(affine, shape)  # (3, X, Y, Z)
        labels = np.full(shape, Tissue.AIR, np.uint8)
        margin = self._margin_mm(affine, points)
        inverse = np.asarray(np.linalg.inv(affine), np.float64)
        for painted in self.shapes:
            _paint(painted, labels, points, inverse, margin)
        return labels

    def _positions(self, affine: NDArray[np.float64], shape: tuple[int, int, int]) -> Points:
        if isinstance(self.warp, SmoothWarp):
            return self.warp.on_grid(affine, shape)
        still = SmoothWarp(np.zeros((1, 3)), np.zeros(1), np.zeros((1, 3))).on_grid(affine, shape)
        if self.warp is None:
            return still
        return np.ascontiguousarray(self.warp(still.reshape(3, -1).T).T).reshape(3, *shape)

    def _margin_mm(self, affine: NDArray[np.float64], points: Points) -> tuple[Points, Points]:
        """How far below and above a shape's box, (3,) each, lie voxels that the warp carries into it."""
        if self.warp is None:
            return np.zeros(3, np.float32), np.zeros(3, np.float32)
        if isinstance(self.warp, SmoothWarp):
            return self.warp.reach_mm, self.warp.reach_mm
        grid = np.indices(points.shape[1:]).reshape(3, -1)
        moved = points.reshape(3, -1) - (affine[:3, :3] @ grid + affine[:3, 3:])
        return moved.max(axis=1).clip(0), (-moved.min(axis=1)).clip(0)


def _paint(
    painted: Shape,
    labels: NDArray[np.uint8],
    points: Points,
    inverse: NDArray[np.float64],
    margin: tuple[Points, Points],
) -> None:
    """Paints one shape where its box meets the grid."""
    window = _window(painted, inverse, margin, labels.shape)
    if window is None:
        return
    part = labels[window]
    pieces = getattr(painted, "pieces", ()) if part.size > _MANY_POINTS else ()
    if pieces:
        for piece in pieces:
            _paint(piece, labels, points, inverse, margin)
        return
    where = points[(slice(None), *window)].reshape(3, -1)  # a copy, contiguous along the voxels
    only_over = getattr(painted, "only_over", None)
    if only_over is None:
        part[...] = _painted(painted, where.T, part.ravel()).reshape(part.shape)
        return
    replaced = np.zeros(256, np.bool_)
    replaced[list(only_over)] = True
    chosen = replaced[part]
    part[chosen] = _painted(painted, where[:, chosen.ravel()].T, part[chosen])


def _painted(shape: Shape, points: Points, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Labels (N,) after painting, chunk by chunk, so that all that is in between stays in the cache."""
    paint: Callable[[Points, NDArray[np.uint8]], NDArray[np.uint8]] | None = getattr(shape, "paint", None)
    painted = labels.copy()
    for start in range(0, len(labels), _CHUNK):
        chunk = points[start : start + _CHUNK]
        part = painted[start : start + _CHUNK]
        if paint is not None:
            part[:] = paint(chunk, part)
        else:
            part[shape.inside(chunk)] = shape.tissue
    return painted


def _window(
    painted: Shape, inverse: NDArray[np.float64], margin: tuple[Points, Points], shape: tuple[int, ...]
) -> tuple[slice, slice, slice] | None:
    """The part of the grid that can lie in a shape, or None."""
    rows = np.concatenate([-inverse[:3, :3], inverse[:3, :3]])  # how voxel indices grow, down and up
    reach_mm: Callable[[Points], Points] | None = getattr(painted, "reach_mm", None)
    if reach_mm is not None:
        reach = reach_mm(np.asarray(rows, np.float32)).astype(np.float64)
    else:
        low, high = painted.bounds_mm
        reach = np.maximum(rows, 0) @ high + np.minimum(rows, 0) @ low
    reach += np.maximum(rows, 0) @ margin[1] - np.minimum(rows, 0) @ margin[0]
    first = np.clip(np.floor(inverse[:3, 3] - reach[:3]), 0, None).astype(int)
    last = np.minimum(np.ceil(inverse[:3, 3] + reach[3:]) + 1, shape).astype(int)
    if (first >= last).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return x, y, z
