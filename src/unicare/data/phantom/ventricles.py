"""Left and right ventricle in the frame of the left ventricle's long axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unicare.data.phantom.shapes import (
    Float,
    Grown,
    HalfSpace,
    Intersection,
    Loft,
    Solid,
    Tube,
    Union,
    rough,
    tube,
    vector,
)

__all__ = ["LeftVentricle", "LongAxis", "RightVentricle", "Thinning", "long_axis"]

# Where the profiles of ventricles are tabulated, as a share of the length: densely near the apex.
_LEVELS = np.array([0.0, 0.006, 0.02, 0.045, 0.08, 0.13, 0.2, 0.3, 0.42, 0.55, 0.68, 0.8, 0.9, 1.0, 1.1])


@dataclass(frozen=True)
class LongAxis:
    """The left ventricle's frame: the columns of `axes` point to septum, anterior wall and base."""

    axes: Float

    def point(self, septal: float, anterior: float, basal: float) -> Float:
        """A point (3,) RAS+ mm from its three coordinates in mm; the origin is the centre of the cavity."""
        return np.asarray(self.axes @ vector((septal, anterior, basal)), np.float32)

    def coordinates(self, points: Float) -> Float:
        """Septal, anterior and basal coordinates (3, N) mm of points (N, 3) mm."""
        return np.asarray(self.axes.T @ points.T, np.float32)


def long_axis(rng: np.random.Generator) -> LongAxis:
    """A frame as it lies in people: the apex left, anterior and inferior of the base."""
    azimuth = np.deg2rad(np.clip(rng.normal(47, 8), 25, 68))
    dip = np.deg2rad(np.clip(rng.normal(32, 9), 8, 58))
    roll = np.deg2rad(rng.normal(4, 9))
    septal = np.array([np.cos(azimuth), np.sin(azimuth), 0])
    anterior = np.array([-np.sin(azimuth) * np.sin(dip), np.cos(azimuth) * np.sin(dip), np.cos(dip)])
    basal = np.cross(septal, anterior)
    turned = np.cos(roll) * septal - np.sin(roll) * anterior
    return LongAxis(vector(np.stack([turned, np.cross(basal, turned), basal], axis=1)))


def _egg(
    levels: NDArray[np.float64], widest: float, roundness: float, narrowing: float
) -> NDArray[np.float64]:
    """Radius at `levels` (0 apex .. 1 base) of an egg of largest radius 1, cut off at its base."""
    below = np.clip((widest - levels) / widest, 0, 1)
    above = np.clip((levels - widest) / (1 - widest), 0, 2)
    return np.asarray(np.sqrt(np.clip(1 - below**roundness, 1e-6, None)) * (1 - narrowing * above**2))


@dataclass(frozen=True)
class Thinning:
    """Where an old infarct has thinned the wall, so that the cavity bulges.

    Attributes:
        angle: middle angle in rad from the septum, positive anterior.
        half_angle: rad.
        basal_mm: middle along the axis.
        half_length_mm: along the axis.
        by_mm: how much thinner the wall is in the middle.
    """

    angle: float
    half_angle: float
    basal_mm: float
    half_length_mm: float
    by_mm: float


@dataclass(frozen=True)
class _Bulging:
    """A cavity that reaches into the wall where that is thin."""

    cavity: Solid
    frame: LongAxis
    thin: Thinning

    @property
    def bounds_mm(self) -> tuple[Float, Float]:
        return Grown(self.cavity, self.thin.by_mm).bounds_mm

    def reach_mm(self, directions: Float) -> Float:
        return Grown(self.cavity, self.thin.by_mm).reach_mm(directions)

    def distance_mm(self, points: Float) -> Float:
        septal, anterior, basal = self.frame.coordinates(points)
        turn = np.arctan2(anterior, septal) - np.float32(self.thin.angle)
        turn = (turn + np.float32(np.pi)) % np.float32(2 * np.pi) - np.float32(np.pi)
        away = (turn / self.thin.half_angle) ** 2 + (
            (basal - self.thin.basal_mm) / self.thin.half_length_mm
        ) ** 2
        deeper = np.float32(self.thin.by_mm) * np.exp(-1.2 * away * away)
        return np.asarray(self.cavity.distance_mm(points) - deeper, np.float32)


@dataclass(frozen=True)
class LeftVentricle:
    """Sizes of a left ventricle; the solids follow from them.

    Attributes:
        frame: of the long axis.
        length_mm: of the cavity, apex to the plane of the mitral valve.
        radius_mm: of the cavity where it is widest.
        wall_mm: thickness of the wall at its thickest level.
        apex_mm: thickness of the wall at the apex.
        septum_mm: how much thicker the septum is than the opposite wall.
        widest: level at which the cavity is widest, 0 apex .. 1 base.
        roundness: 2 for an ellipse, more for a blunter apex.
        narrowing: by which share the base is narrower.
        flatness: by which share the cavity is narrower from septum to lateral wall.
        bend_mm: how far the apex lies off the axis, septal and anterior (2,).
        base_normal: (3,) of the plane of the valves, towards the atria.
        surface_seed: for the waviness of both surfaces.
        waviness_mm: its size.
        thin: where the wall is thinned by an old infarct, or None.
    """

    frame: LongAxis
    length_mm: float
    radius_mm: float
    wall_mm: float
    apex_mm: float
    septum_mm: float
    widest: float
    roundness: float
    narrowing: float
    flatness: float
    bend_mm: ArrayLike
    base_normal: Float
    surface_seed: int
    waviness_mm: float
    thin: Thinning | None = None

    def _loft(self, apex_mm: float, grown_mm: float, shift_mm: float) -> Loft:
        length = self.length_mm + apex_mm
        radius = self.radius_mm + grown_mm
        narrowing = self.narrowing * self.radius_mm / radius
        profile = radius * _egg(_LEVELS, self.widest, self.roundness, narrowing)
        heights = _LEVELS * length - self.length_mm / 2 - apex_mm
        oval = np.stack([profile * (1 - self.flatness), profile * (1 + self.flatness)], axis=1)
        bend = np.outer(np.clip(0.5 - _LEVELS, 0, None) ** 2 * 4, np.asarray(self.bend_mm))
        bend[:, 0] += shift_mm
        return Loft(heights, oval, bend, axes=self.frame.axes)

    def _closed(self, loft: Loft, above_mm: float, seed: int, thin: Thinning | None = None) -> Solid:
        wavy: Solid = rough(loft, np.random.default_rng(seed), self.waviness_mm, 32)
        if thin is not None:
            wavy = _Bulging(wavy, self.frame, thin)
        plane = HalfSpace(self.base_mm + self.base_normal * np.float32(above_mm), self.base_normal)
        return Intersection((wavy, plane), blend_mm=2.0)

    @property
    def base_mm(self) -> Float:
        """Where the long axis meets the plane of the valves (3,)."""
        return self.frame.point(0, 0, self.length_mm / 2)

    @cached_property
    def cavity(self) -> Solid:
        """Everything within the compact wall."""
        return self._closed(self._loft(0, 0, 0), 0.0, self.surface_seed, self.thin)

    @cached_property
    def outer(self) -> Solid:
        """Wall and cavity."""
        return self._closed(self.envelope, 2.0, self.surface_seed + 1)

    @cached_property
    def envelope(self) -> Loft:
        """The smooth form of the outer surface, which goes on beyond the valves."""
        return self._loft(self.apex_mm, self.wall_mm + self.septum_mm / 2, self.septum_mm / 2)

    def outer_radius_mm(self, basal: ArrayLike) -> NDArray[np.float64]:
        """Distance of the wall's outer surface from the axis at basal coordinates (K,) mm, round about."""
        levels = (np.asarray(basal, dtype=np.float64) + self.length_mm / 2 + self.apex_mm) / (
            self.length_mm + self.apex_mm
        )
        profile = _egg(np.clip(levels, 0, 1.1), self.widest, self.roundness, self.narrowing * 0.8)
        return np.asarray((self.radius_mm + self.wall_mm + self.septum_mm / 2) * profile)

    def on_surface(self, angle: ArrayLike, basal: ArrayLike, above_mm: float = 0.0) -> NDArray[np.float64]:
        """Points (K, 3) mm over the outer surface; `angle` in rad from the septum, positive anterior."""
        angles, heights = np.broadcast_arrays(np.asarray(angle, float), np.asarray(basal, float))
        radius = self.outer_radius_mm(heights) + above_mm
        septal = radius * (1 - self.flatness) * np.cos(angles) + self.septum_mm / 2
        anterior = radius * (1 + self.flatness) * np.sin(angles)
        return np.asarray(np.stack([septal, anterior, heights], axis=-1) @ self.frame.axes.T)


@dataclass(frozen=True)
class RightVentricle:
    """Sizes of a right ventricle, which lies as a crescent over the septum of `left`.

    Attributes:
        left: the left ventricle.
        width_mm: from septum to free wall at the base.
        wall_mm: thickness of the free wall.
        start: level of its apex, as a share of the left ventricle's length.
        base_mm: how much further to the apex its base lies than the left one's.
        height: half its extent along the septum, as a share of the left ventricle's outer radius.
        fullness: how quickly it widens from its apex; small is quick.
        lean_mm: how far its middle lies off the septum's, anterior at the base.
        outlet_mm: (3,) the centre of the pulmonary valve.
        outlet_radius_mm: radius of the outflow tract there.
        surface_seed: for the waviness of the free wall.
    """

    left: LeftVentricle
    width_mm: float
    wall_mm: float
    start: float
    base_mm: float
    height: float
    fullness: float
    lean_mm: float
    outlet_mm: Float
    outlet_radius_mm: float
    surface_seed: int

    @property
    def top_mm(self) -> float:
        """Basal coordinate of the plane of the tricuspid valve."""
        return self.left.length_mm / 2 - self.base_mm

    @cached_property
    def inflow(self) -> Loft:
        """Body and apex, without the outflow tract."""
        bottom = (self.start - 0.5) * self.left.length_mm
        heights = bottom + np.clip(_LEVELS, 0, 1)[:-1] * (self.top_mm - bottom)
        levels = _LEVELS[:-1]
        opening = np.sqrt(np.clip(1 - (1 - levels) ** 2, 1e-6, None))
        wall = self.left.outer_radius_mm(heights)
        width = self.width_mm * (1 - (1 - levels) ** 2) ** self.fullness * (0.8 + 0.2 * levels)
        outermost = wall + width
        along = (0.6 * width + 0.45 * wall) * np.clip(opening * 1.2, 0, 1)
        tangential = self.height * wall * opening * (0.82 + 0.24 * levels)
        lean = self.lean_mm * (levels - 0.4)
        centres = np.stack([outermost - along, lean], axis=1)
        return Loft(
            heights, np.stack([along, tangential], axis=1), centres, axes=self.left.frame.axes, power=2.2
        )

    def tricuspid_mm(self) -> Float:
        """Centre of the tricuspid valve (3,)."""
        septum = float(self.left.outer_radius_mm(self.top_mm))
        return self.left.frame.point(septum + 0.48 * self.width_mm, self.lean_mm * 0.6 - 4, self.top_mm)

    @cached_property
    def outflow(self) -> Tube:
        """From the body to the pulmonary valve."""
        frame, radius = self.left.frame, self.outlet_radius_mm
        septum = float(self.left.outer_radius_mm(0.0))
        low = frame.point(septum + 0.42 * self.width_mm, 0.25 * septum, -0.05 * self.left.length_mm)
        valve = frame.coordinates(self.outlet_mm[None])[:, 0]
        middle = frame.point(
            0.5 * valve[0] + 0.5 * (septum + 0.3 * self.width_mm), 0.8 * valve[1], 0.55 * valve[2]
        )
        return tube((low, middle, self.outlet_mm), (1.15 * radius, 1.15 * radius, radius))

    @cached_property
    def cavity(self) -> Solid:
        """Body, apex and outflow tract; the left ventricle is painted over it."""
        both = Union((self.inflow, self.outflow), blend_mm=10.0)
        return rough(both, np.random.default_rng(self.surface_seed), 0.9, 34)

    def insertions(self, basal_mm: float = 0.0) -> tuple[Float, Float]:
        """Where its free wall meets the left ventricle at a level: anterior and inferior point (3,)."""
        angles = np.linspace(0, np.pi, 181)
        points = []
        for side in (1, -1):
            rim = vector(self.left.on_surface(side * angles, basal_mm))
            beyond = np.flatnonzero(self.inflow.distance_mm(rim) > 0)
            points.append(rim[beyond[0] if len(beyond) else -1])
        return points[0], points[1]
