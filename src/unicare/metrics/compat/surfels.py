"""The surface of a mask in small pieces: one for every eight voxels that meet at a corner."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

__all__ = ["ALL_INSIDE", "areas_mm2", "codes"]

Corner = tuple[int, int, int]
Edge = frozenset[Corner]
Triangle = tuple[int, int, int]

ALL_INSIDE = 255
"""The code of eight voxels that are all inside; 0 is the one of eight outside."""

_CORNERS: tuple[Corner, ...] = tuple((a, b, c) for a, b, c in product((0, 1), repeat=3))


@dataclass(frozen=True, eq=False)
class _Triangles:
    """All triangles of all codes, as the vectors that stand on them with half their cross product's length.

    Attributes:
        code: which code each triangle belongs to.
        normal: its vector on a grid of unit spacing, axes (triangle, 3).
    """

    code: NDArray[np.intp]
    normal: NDArray[np.float64]


def codes(mask: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Which of the eight voxels around each inner corner of the grid are inside, one bit a voxel.

    Args:
        mask: with a rim of empty voxels, axes (P, L, S).

    Returns:
        One code for every 2 × 2 × 2 voxels: one shorter than the mask along each axis.
    """
    found = np.zeros([length - 1 for length in mask.shape], dtype=np.uint8)
    for bit, corner in enumerate(_CORNERS):
        voxels = tuple(slice(c, length - 1 + c) for c, length in zip(corner, mask.shape, strict=True))
        found |= mask[voxels].astype(np.uint8) << np.uint8(bit)
    return found


def areas_mm2(spacing_mm: Sequence[float]) -> NDArray[np.float64]:
    """Area of the surface inside the cube between eight voxel centres, for each of the 256 codes.

    The surface is that of marching cubes (Lorensen and Cline, SIGGRAPH 1987): it goes through the middles of
    the cube's edges between a voxel inside and one outside. Where a face of the cube leaves a choice, the
    rarer kind of voxels is cut off one by one (four against four: the ones inside). A loop of more than three
    points isn't flat and has several ways to be cut into triangles; the one of the largest area on a cube is
    meant, and ties don't matter, their areas are equal for every spacing.

    Args:
        spacing_mm: along the three axes.
    """
    triangles = _triangles()
    spacing = np.asarray(spacing_mm, dtype=np.float64)
    # Stretching the axes stretches a cross product by the product of the other two.
    stretched = triangles.normal * (np.prod(spacing) / spacing)
    areas = np.bincount(triangles.code, weights=np.linalg.norm(stretched, axis=1), minlength=256)
    return areas.astype(np.float64)


@cache
def _triangles() -> _Triangles:
    code: list[int] = []
    normal: list[NDArray[np.float64]] = []
    for pattern in range(1, ALL_INSIDE):
        inside = {corner for bit, corner in enumerate(_CORNERS) if pattern >> bit & 1}
        rarer = inside if len(inside) <= 4 else set(_CORNERS) - inside
        for loop in _loops(rarer):
            vectors = max(_cuts(loop), key=lambda some: round(float(np.linalg.norm(some, axis=1).sum()), 9))
            normal.extend(vectors)
            code.extend([pattern] * len(vectors))
    return _Triangles(np.array(code, dtype=np.intp), np.array(normal))


def _loops(inside: set[Corner]) -> Iterator[NDArray[np.float64]]:
    """The closed lines in which the surface meets the cube's faces, as points, axes (point, 3)."""
    neighbours = _lines(inside)
    left = set(neighbours)
    while left:
        edge: Edge | None = min(left, key=sorted)
        loop: list[Edge] = []
        while edge is not None:
            loop.append(edge)
            left.discard(edge)
            edge = next((other for other in neighbours[edge] if other in left), None)
        yield np.array([np.mean(sorted(edge), axis=0) for edge in loop])


def _lines(inside: set[Corner]) -> dict[Edge, list[Edge]]:
    """Every edge of the cube that the surface crosses, and the two edges that it goes on to."""
    neighbours: dict[Edge, list[Edge]] = {}
    for face in _faces():
        crossed = [
            frozenset((a, b))
            for a, b in zip(face, face[1:] + face[:1], strict=True)
            if (a in inside) != (b in inside)
        ]
        # Four crossed edges: two lines, each around one corner that is inside.
        pairs = (
            [crossed]
            if len(crossed) == 2
            else [
                [edge for edge in crossed if corner in edge]
                for corner in face
                if corner in inside and crossed
            ]
        )
        for pair in pairs:
            if len(pair) == 2:
                neighbours.setdefault(pair[0], []).append(pair[1])
                neighbours.setdefault(pair[1], []).append(pair[0])
    return neighbours


def _faces() -> Iterator[list[Corner]]:
    """The four corners of each face of the cube, going round."""
    for axis, side in product(range(3), (0, 1)):
        face = []
        for first, second in ((0, 0), (0, 1), (1, 1), (1, 0)):
            corner = [first, second]
            corner.insert(axis, side)
            face.append((corner[0], corner[1], corner[2]))
        yield face


def _cuts(loop: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Every way to cut a loop into triangles: the vectors on the triangles, axes (triangle, 3)."""
    for triangles in _triangulations(tuple(range(len(loop)))):
        corners = loop[np.array(triangles)]
        yield 0.5 * np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _triangulations(points: tuple[int, ...]) -> Iterator[tuple[Triangle, ...]]:
    """Every way to cut a polygon into triangles; none is needed for two points."""
    if len(points) < 3:
        yield ()
        return
    for k in range(1, len(points) - 1):
        middle = (points[0], points[k], points[-1])
        for left, right in product(_triangulations(points[: k + 1]), _triangulations(points[k:])):
            yield (*left, middle, *right)
