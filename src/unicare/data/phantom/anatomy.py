"""One virtual patient: shapes in patient space, painted in order, smoothly deformed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
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

_MANY_POINTS = 60_000
"""From here on a shape is worth splitting into its pieces, which have smaller boxes."""


class Shape(Protocol):
    """An implicit shape in patient space.

    A shape may also have ``only_over`` (a frozen set of tissues: it replaces no others) and ``pieces``
    (shapes that paint the same together).
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
    window = _window(painted.bounds_mm, inverse, margin, labels.shape)
    if window is None:
        return
    part = labels[window]
    pieces = getattr(painted, "pieces", ()) if part.size > _MANY_POINTS else ()
    if pieces:
        for piece in pieces:
            _paint(piece, labels, points, inverse, margin)
        return
    inside = painted.inside(points[(slice(None), *window)].reshape(3, -1).T).reshape(part.shape)
    only_over = getattr(painted, "only_over", None)
    if only_over is not None:
        replaced = np.zeros(256, np.bool_)
        replaced[list(only_over)] = True
        inside &= replaced[part]
    part[inside] = painted.tissue


def _window(
    bounds_mm: tuple[Points, Points],
    inverse: NDArray[np.float64],
    margin: tuple[Points, Points],
    shape: tuple[int, ...],
) -> tuple[slice, slice, slice] | None:
    """The part of the grid that can lie in a box, or None."""
    low, high = bounds_mm[0] - margin[0], bounds_mm[1] + margin[1]
    corners = np.array(list(product(*zip(low, high, strict=True)))) @ inverse[:3, :3].T + inverse[:3, 3]
    first = np.clip(np.floor(corners.min(axis=0)), 0, None).astype(int)
    last = np.minimum(np.ceil(corners.max(axis=0)) + 1, shape).astype(int)
    if (first >= last).any():
        return None
    x, y, z = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    return x, y, z
