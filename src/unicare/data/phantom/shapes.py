"""Solids combined, and the way they are painted.

All that is needed to build a part of a virtual patient comes from here: the elementary solids of `solids.py`,
their combinations, and `Painted`, which gives a solid its tissue and so makes it a `Shape` of `anatomy.py`.
"""

# ruff: noqa: D102 (the protocol `Solid` documents the methods once for all solids)

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.solids import (
    Block,
    Bounds,
    Ellipsoid,
    Float,
    HalfSpace,
    Loft,
    Solid,
    Tube,
    box_of,
    rotation,
    tube,
    vector,
)
from unicare.data.phantom.tissues import Tissue

__all__ = [
    "Block",
    "Difference",
    "Ellipsoid",
    "Float",
    "Grown",
    "HalfSpace",
    "Intersection",
    "Layered",
    "Loft",
    "Painted",
    "Rough",
    "Shell",
    "Solid",
    "Tube",
    "Union",
    "rotation",
    "rough",
    "tube",
    "vector",
]


def _blend(nearer: Float, further: Float, blend_mm: float) -> Float:
    """Rounded minimum (Quilez's polynomial)."""
    if blend_mm <= 0:
        return np.minimum(nearer, further)
    width = np.float32(blend_mm)
    overlap = np.maximum(width - np.abs(nearer - further), 0)
    blended: Float = np.minimum(nearer, further) - overlap * overlap / (4 * width)
    return blended


@dataclass(frozen=True)
class Union:
    """Everything in any of the solids; grooves between them are filled over `blend_mm`."""

    solids: Sequence[Solid]
    blend_mm: float = 0.0

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        reaches = np.stack([solid.reach_mm(directions) for solid in self.solids])
        spare = np.float32(self.blend_mm * len(self.solids) / 4)
        highest: Float = reaches.max(axis=0) + spare * np.linalg.norm(directions, axis=1)
        return highest

    @cached_property
    def pieces(self) -> tuple[Solid, ...]:
        """The parts, where nothing is blended."""
        return tuple(self.solids) if self.blend_mm <= 0 else ()

    def distance_mm(self, points: Float) -> Float:
        best = self.solids[0].distance_mm(points)
        for solid in self.solids[1:]:
            best = _blend(best, solid.distance_mm(points), self.blend_mm)
        return best


@dataclass(frozen=True)
class Intersection:
    """What all the solids share; edges are rounded over `blend_mm`."""

    solids: Sequence[Solid]
    blend_mm: float = 0.0

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        lowest: Float = np.stack([solid.reach_mm(directions) for solid in self.solids]).min(axis=0)
        return lowest

    def distance_mm(self, points: Float) -> Float:
        worst = -self.solids[0].distance_mm(points)
        for solid in self.solids[1:]:
            worst = _blend(worst, -solid.distance_mm(points), self.blend_mm)
        return -worst


@dataclass(frozen=True)
class Difference:
    """The `solid` without what is in `cut`."""

    solid: Solid
    cut: Solid
    blend_mm: float = 0.0

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        return self.solid.reach_mm(directions)

    def distance_mm(self, points: Float) -> Float:
        return -_blend(-self.solid.distance_mm(points), self.cut.distance_mm(points), self.blend_mm)


@dataclass(frozen=True)
class Grown:
    """The solid made thicker by `by_mm` all round (thinner where negative)."""

    solid: Solid
    by_mm: float

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        # Distances of stretched solids are only roughly true: the surface may move further than by_mm.
        spare = np.float32(1.5 * max(self.by_mm, 0.0))
        reach: Float = self.solid.reach_mm(directions) + spare * np.linalg.norm(directions, axis=1)
        return reach

    @cached_property
    def pieces(self) -> tuple[Solid, ...]:
        """The grown parts of the solid, where it has any."""
        return tuple(Grown(part, self.by_mm) for part in getattr(self.solid, "pieces", ()))

    def distance_mm(self, points: Float) -> Float:
        return self.solid.distance_mm(points) - np.float32(self.by_mm)


@dataclass(frozen=True)
class Shell:
    """The outermost `thickness_mm` of a solid, inwards from its surface."""

    solid: Solid
    thickness_mm: float

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        return self.solid.reach_mm(directions)

    def distance_mm(self, points: Float) -> Float:
        half = np.float32(self.thickness_mm / 2)
        distance: Float = np.abs(self.solid.distance_mm(points) + half) - half
        return distance


@dataclass(frozen=True)
class Rough:
    """A solid whose surface waves: sinusoids of `amplitudes_mm` (W,) along `waves` (W, 3) in rad/mm."""

    solid: Solid
    waves: Float
    phases: Float
    amplitudes_mm: Float

    @cached_property
    def bounds_mm(self) -> Bounds:
        return box_of(self)

    def reach_mm(self, directions: Float) -> Float:
        spare = np.float32(1.5) * np.abs(self.amplitudes_mm).sum()
        reach: Float = self.solid.reach_mm(directions) + spare * np.linalg.norm(directions, axis=1)
        return reach

    @cached_property
    def pieces(self) -> tuple[Solid, ...]:
        """The roughened parts of the solid, where it has any."""
        parts = getattr(self.solid, "pieces", ())
        return tuple(Rough(part, self.waves, self.phases, self.amplitudes_mm) for part in parts)

    def distance_mm(self, points: Float) -> Float:
        distance = self.solid.distance_mm(points)
        for wave, phase, amplitude in zip(self.waves, self.phases, self.amplitudes_mm, strict=True):
            distance += amplitude * np.sin(points @ wave + phase)
        return distance


def rough(
    solid: Solid, rng: np.random.Generator, amplitude_mm: float, wavelength_mm: float, waves: int = 4
) -> Rough:
    """`solid` with a random wavy surface; `amplitude_mm` is about the standard deviation of the surface."""
    directions = rng.normal(size=(waves, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths = wavelength_mm * rng.uniform(0.6, 1.6, size=(waves, 1))
    amplitudes = rng.uniform(0.6, 1.3, size=waves) * amplitude_mm * np.sqrt(2 / waves)
    return Rough(
        solid,
        vector(directions * 2 * np.pi / lengths),
        vector(rng.uniform(0, 2 * np.pi, size=waves)),
        vector(amplitudes),
    )


@dataclass(frozen=True)
class Painted:
    """A solid made of one tissue: a `Shape` of `anatomy.py`.

    Attributes:
        solid: what.
        tissue: made of what.
        only_over: the tissues that it replaces, or None for all.
    """

    solid: Solid
    tissue: Tissue
    only_over: frozenset[Tissue] | None = None

    @property
    def bounds_mm(self) -> Bounds:
        return self.solid.bounds_mm

    def reach_mm(self, directions: Float) -> Float:
        return self.solid.reach_mm(directions)

    @cached_property
    def pieces(self) -> tuple[Painted, ...]:
        """Shapes that paint the same together and have smaller boxes; empty where there are none."""
        parts = getattr(self.solid, "pieces", ())
        return tuple(Painted(part, self.tissue, self.only_over) for part in parts)

    def inside(self, points: Float) -> NDArray[np.bool_]:
        """Whether each of the points (N, 3) mm lies inside, (N,)."""
        return self.solid.distance_mm(points) < 0


@dataclass(frozen=True)
class Layered:
    """A solid with coats, whose distance is paid for once.

    Attributes:
        solid: the innermost surface.
        layers: how far out each layer reaches from that surface (mm) and its tissue, the outermost first.
        only_over: the tissues that it replaces, or None for all.
    """

    solid: Solid
    layers: Sequence[tuple[float, Tissue]]
    only_over: frozenset[Tissue] | None = None

    @property
    def tissue(self) -> Tissue:
        """What the core is made of."""
        return self.layers[-1][1]

    @cached_property
    def _whole(self) -> Grown:
        return Grown(self.solid, self.layers[0][0])

    @property
    def bounds_mm(self) -> Bounds:
        return self._whole.bounds_mm

    def reach_mm(self, directions: Float) -> Float:
        return self._whole.reach_mm(directions)

    def inside(self, points: Float) -> NDArray[np.bool_]:
        """Whether each of the points (N, 3) mm lies in any layer, (N,)."""
        return self._whole.distance_mm(points) < 0

    def paint(self, points: Float, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Tissue ids (N,) of points (N, 3) mm that were `labels` (N,) before."""
        distance = self.solid.distance_mm(points)
        painted = labels.copy()
        for outwards, tissue in self.layers:
            painted[distance < outwards] = tissue
        return painted
