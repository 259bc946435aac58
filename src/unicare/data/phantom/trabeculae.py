"""What stands in the ventricles' cavities: trabeculae and papillary muscles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unicare.data.phantom.shapes import Float, Solid, rough, tube, vector
from unicare.data.phantom.ventricles import LeftVentricle, LongAxis

__all__ = ["Trabeculae", "papillary_muscles"]


@dataclass(frozen=True)
class Trabeculae:
    """Ridges along the inside of a ventricle.

    Attributes:
        cavity: that they stand in.
        frame: of the long axis, which they run along.
        depth_mm: how far they reach from the apical wall.
        fade_mm: basal coordinates between which they fade out (2,).
        waves: (W, 3) rad/mm.
        phases: (W,) rad.
        threshold: high for few, low for many.
        smooth_septum: how much less deep they are on the septal side of the axis, 0 for equally deep.
    """

    cavity: Solid
    frame: LongAxis
    depth_mm: float
    fade_mm: tuple[float, float]
    waves: Float
    phases: Float
    threshold: float
    smooth_septum: float = 0.0

    @classmethod
    def draw(
        cls,
        rng: np.random.Generator,
        cavity: Solid,
        frame: LongAxis,
        depth_mm: float,
        fade_mm: tuple[float, float],
        smooth_septum: float = 0.0,
    ) -> Trabeculae:
        """Random ridges 2 to 5 mm wide."""
        angle = rng.uniform(0, 2 * np.pi, 5)
        lengths = rng.uniform(5, 11, 5)
        across = np.stack([np.cos(angle), np.sin(angle), rng.normal(0, 0.3, 5)])
        waves = (frame.axes @ (across * 2 * np.pi / lengths)).T
        phases = rng.uniform(0, 2 * np.pi, 5)
        return cls(
            cavity, frame, depth_mm, fade_mm, vector(waves), vector(phases), float(rng.uniform(0.1, 0.9))
        )

    @property
    def bounds_mm(self) -> tuple[Float, Float]:
        """The cavity's."""
        return self.cavity.bounds_mm

    def reach_mm(self, directions: Float) -> Float:
        """As far as the cavity at most."""
        return self.cavity.reach_mm(directions)

    def distance_mm(self, points: Float) -> Float:
        """Negative within a ridge."""
        wall = self.cavity.distance_mm(points)
        basal = points @ self.frame.axes[:, 2]
        low, high = self.fade_mm
        reach = np.float32(self.depth_mm) * np.clip((high - basal) / np.float32(high - low), 0, 1)
        # The left ventricle's septum is smooth, its free wall is not.
        septal = points @ self.frame.axes[:, 0] / np.float32(25)
        reach *= np.clip(1 - np.float32(self.smooth_septum) * np.maximum(septal, 0), 0.25, 1)
        pattern = np.sin(points @ self.waves.T + self.phases).sum(axis=1)
        ridge = (np.float32(self.threshold) - pattern) * np.float32(1.2)
        return np.asarray(np.maximum(np.maximum(wall, -wall - reach), ridge), np.float32)


def papillary_muscles(rng: np.random.Generator, left: LeftVentricle, systole: float) -> list[Solid]:
    """Two groups of papillary muscles, each with one to three heads, rooted in the lower half of the wall."""
    muscles: list[Solid] = []
    wave = rng.integers(1 << 30)
    for middle_angle in (np.deg2rad(rng.normal(130, 10)), np.deg2rad(rng.normal(-122, 11))):
        heads = int(rng.choice((1, 2, 3), p=(0.25, 0.4, 0.35)))
        thick = left.radius_mm * float(rng.uniform(0.15, 0.27)) / heads**0.4 * (1 + 0.25 * systole)
        for _ in range(heads):
            angle = middle_angle + rng.normal(0, 0.24)
            levels = np.array([rng.uniform(-0.34, -0.24), -0.08, rng.uniform(0.08, 0.24)]) * left.length_mm
            inner = left.outer_radius_mm(levels) - left.wall_mm
            share = np.array([0.95, rng.uniform(0.7, 0.92), rng.uniform(0.52, 0.74)])
            radius = inner * share
            path = np.stack([radius * np.cos(angle), radius * np.sin(angle), levels], axis=1)
            solid = tube(path @ left.frame.axes.T, thick * np.array([0.9, 1.0, 0.5]), step_mm=5)
            muscles.append(rough(solid, np.random.default_rng(wave), 0.5, 10))
    return muscles
