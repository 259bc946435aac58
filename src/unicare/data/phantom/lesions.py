"""Scar, no-reflow and oedema of the myocardium, and scar of the left atrium's wall."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unicare.data.phantom.shapes import (
    Ellipsoid,
    Float,
    Grown,
    Intersection,
    Painted,
    Shell,
    Solid,
    rough,
    vector,
)
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.ventricles import LeftVentricle

__all__ = ["Infarct", "Sector", "atrial_scars", "draw_infarct", "infarct_shapes"]

# What each artery supplies, AHA's seventeen segments merged: middle angle (degrees from the septum, positive
# anterior), middle and half length (shares of the cavity's length, 0 at its centre, positive to the base).
_TERRITORIES = {
    "anterior descending": (42, -0.16, 0.42),
    "right": (-75, 0.08, 0.4),
    "circumflex": (178, 0.06, 0.4),
}


@dataclass(frozen=True)
class Sector:
    """A part of the wall of a left ventricle.

    Attributes:
        left: the ventricle.
        angle: middle angle in rad from the septum, positive anterior.
        half_angle: rad.
        basal_mm: middle along the axis.
        half_length_mm: along the axis.
        depth: outer and inner limit (2,) as shares of the wall from the cavity (0) to the outer surface (1).
        ripples: (W, 4) angular and axial frequency, phase and strength of the border's waviness.
    """

    left: LeftVentricle
    angle: float
    half_angle: float
    basal_mm: float
    half_length_mm: float
    depth: tuple[float, float]
    ripples: Float

    @property
    def bounds_mm(self) -> tuple[Float, Float]:
        """The ventricle's."""
        return self.left.outer.bounds_mm

    def reach_mm(self, directions: Float) -> Float:
        """As far as the ventricle at most."""
        return self.left.outer.reach_mm(directions)

    def distance_mm(self, points: Float) -> Float:
        """Negative inside; in the order of millimetres."""
        septal, anterior, basal = self.left.frame.coordinates(points)
        turn = np.arctan2(anterior, septal) - np.float32(self.angle)
        turn = np.abs((turn + np.float32(np.pi)) % np.float32(2 * np.pi) - np.float32(np.pi))
        away = np.hypot(turn / np.float32(self.half_angle), (basal - self.basal_mm) / self.half_length_mm)
        ripple = np.zeros_like(away)
        for turns, per_mm, phase, strength in self.ripples:
            ripple += strength * np.sin(turns * turn + per_mm * basal + phase)
        inner = self.left.cavity.distance_mm(points)
        outer = self.left.outer.distance_mm(points)
        share = inner / np.maximum(inner - outer, np.float32(0.5))
        # Towards its sides an infarct retreats to the inner layers.
        limit = np.float32(self.depth[1]) * np.sqrt(np.clip(1.25 - away * away, 0, 1)) + 0.35 * ripple
        sides = (away - 1 + ripple) * np.float32(self.half_angle * 25)
        layers = np.maximum(share - limit, np.float32(self.depth[0]) - share) * np.float32(8)
        return np.asarray(np.maximum(sides, layers), np.float32)


@dataclass(frozen=True)
class Infarct:
    """Where an infarct lies and how old it is."""

    angle: float
    half_angle: float
    basal: float
    half_length: float
    transmural: float
    acute: bool


def draw_infarct(rng: np.random.Generator) -> Infarct:
    """A random infarct in the territory of one coronary artery; the anterior descending's is commonest."""
    name = str(rng.choice(list(_TERRITORIES), p=(0.45, 0.33, 0.22)))
    angle, basal, half_length = _TERRITORIES[name]
    return Infarct(
        np.deg2rad(angle + rng.normal(0, 14)),
        float(rng.uniform(0.35, 1.15)),
        basal + float(rng.normal(0, 0.07)),
        half_length * float(rng.uniform(0.45, 1.15)),
        float(rng.choice((rng.uniform(0.25, 0.6), rng.uniform(0.6, 1.3)))),
        bool(rng.random() < 0.6),
    )


def infarct_shapes(rng: np.random.Generator, left: LeftVentricle, infarct: Infarct) -> list[Painted]:
    """Oedema (if acute), scar and no-reflow, in this order, all only over myocardium."""
    ripples = vector(
        np.stack(
            [
                rng.uniform(2, 9, 4),
                rng.uniform(-0.25, 0.25, 4),
                rng.uniform(0, 6.3, 4),
                rng.uniform(0.03, 0.13, 4),
            ],
            axis=1,
        )
    )
    scar = Sector(
        left,
        infarct.angle,
        infarct.half_angle,
        infarct.basal * left.length_mm,
        infarct.half_length * left.length_mm,
        (-0.1, infarct.transmural),
        ripples,
    )
    wall = frozenset({Tissue.MYOCARDIUM})
    shapes = []
    if infarct.acute:
        larger = float(rng.uniform(1.12, 1.5))
        oedema = replace(
            scar,
            half_angle=scar.half_angle * larger,
            half_length_mm=scar.half_length_mm * larger,
            depth=(-0.1, max(1.1, infarct.transmural)),
            ripples=ripples * vector((1, 1, 1, 0.7)),
        )
        shapes.append(Painted(oedema, Tissue.OEDEMA, wall))
    damaged = wall | {Tissue.OEDEMA}
    shapes.append(Painted(rough(scar, rng, 0.5, 9), Tissue.SCAR, damaged))
    if infarct.acute and infarct.transmural > 0.5 and rng.random() < 0.7:
        share = float(rng.uniform(0.35, 0.72))
        core = replace(
            scar,
            half_angle=scar.half_angle * share,
            half_length_mm=scar.half_length_mm * share,
            depth=(float(rng.uniform(0.02, 0.22)), infarct.transmural * float(rng.uniform(0.5, 0.75))),
        )
        shapes.append(Painted(rough(core, rng, 0.4, 8), Tissue.NO_REFLOW, frozenset({Tissue.SCAR})))
    return shapes


def atrial_scars(rng: np.random.Generator, body: Solid, wall_mm: float, roots_mm: Float) -> list[Painted]:
    """Patches of scar in the left atrium's wall, some round the mouths of veins, `roots_mm` (K, 3)."""
    wall = Shell(Grown(body, wall_mm), wall_mm + 0.5)
    low, high = body.bounds_mm
    shapes = []
    for index in range(int(rng.integers(2, 9))):
        at_vein = index < len(roots_mm) and rng.random() < 0.7
        centre = roots_mm[index] if at_vein else rng.uniform(low, high)
        patch = rough(Ellipsoid(centre, rng.uniform(6, 15, 3)), rng, 1.5, 9)
        solid = Intersection((wall, patch))
        shapes.append(Painted(solid, Tissue.SCAR_LA, frozenset({Tissue.WALL_LA})))
    return shapes
