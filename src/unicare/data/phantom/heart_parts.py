"""What a heart is like, and its parts drawn from that."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from unicare.data.phantom.atria import Atrium, left_atrium, right_atrium
from unicare.data.phantom.lesions import Infarct, draw_infarct
from unicare.data.phantom.shapes import Float, vector
from unicare.data.phantom.ventricles import LeftVentricle, LongAxis, RightVentricle, Thinning, long_axis
from unicare.data.phantom.vessels import Aorta, PulmonaryArtery, aorta, pulmonary_artery

__all__ = ["HeartOptions", "HeartParts", "draw_parts", "sample_heart_options"]


@dataclass(frozen=True)
class HeartOptions:
    """What a heart is like, before chance fills in the rest.

    Attributes:
        size: factor of all lengths; 0.82 a small woman, 1.15 a large man.
        systole: 0 end of diastole .. 1 end of systole.
        left_dilation: factor of the left ventricle's width, 1.4 in a failing heart.
        wall_mm: thickness of the left ventricle's wall at the end of diastole.
        septum_mm: how much thicker its septum is.
        right_dilation: factor of the right ventricle's width.
        left_atrial_dilation: factor of the left atrium's lengths.
        right_atrial_dilation: factor of the right atrium's lengths.
        trabeculae_mm: depth of the left ventricle's trabeculae.
        fat_mm: thickness of the fat on the heart.
        infarct: with scar, and oedema and no-reflow if it is fresh.
        atrial_scar: with scar in the left atrium's wall.
    """

    size: float = 1.0
    systole: float = 0.0
    left_dilation: float = 1.0
    wall_mm: float = 9.0
    septum_mm: float = 1.0
    right_dilation: float = 1.0
    left_atrial_dilation: float = 1.0
    right_atrial_dilation: float = 1.0
    trabeculae_mm: float = 4.0
    fat_mm: float = 3.0
    infarct: bool = False
    atrial_scar: bool = False


def sample_heart_options(rng: np.random.Generator) -> HeartOptions:
    """A random heart, healthy or ill, at a random moment of its beat."""
    kind = rng.choice(
        ("healthy", "dilated", "hypertrophic", "right", "infarcted"), p=(0.38, 0.15, 0.15, 0.1, 0.22)
    )
    dilation = {"dilated": rng.uniform(1.15, 1.5), "hypertrophic": rng.uniform(0.78, 0.98)}.get(kind, 1.0)
    wall = {"dilated": rng.uniform(5.5, 9), "hypertrophic": rng.uniform(11, 17)}.get(
        kind, rng.uniform(6.5, 10.5)
    )
    return HeartOptions(
        size=float(np.clip(rng.normal(0.98, 0.085), 0.78, 1.2)),
        systole=float(rng.choice((0.0, rng.uniform(0, 1), 1.0), p=(0.45, 0.3, 0.25))),
        left_dilation=float(dilation * rng.uniform(0.92, 1.12)),
        wall_mm=float(wall),
        septum_mm=float(rng.uniform(0, 8) if kind == "hypertrophic" else rng.uniform(-0.5, 2.0)),
        right_dilation=float(rng.uniform(1.2, 1.75) if kind == "right" else rng.uniform(0.8, 1.2)),
        left_atrial_dilation=float(np.clip(np.exp(rng.normal(0.03, 0.15)), 0.75, 1.4)),
        right_atrial_dilation=float(np.exp(rng.normal(0.04 + 0.12 * (kind == "right"), 0.12))),
        trabeculae_mm=float(rng.uniform(1, 7)),
        fat_mm=float(rng.uniform(0.5, 6)),
        infarct=bool(kind == "infarcted" or rng.random() < 0.15),
        atrial_scar=bool(rng.random() < 0.25),
    )


@dataclass(frozen=True)
class HeartParts:
    """The parts that painting needs; centres of valves are (3,) RAS+ mm."""

    frame: LongAxis
    left: LeftVentricle
    right: RightVentricle
    left_atrium: Atrium
    right_atrium: Atrium
    aorta: Aorta
    pulmonary: PulmonaryArtery
    mitral_mm: Float
    aortic_mm: Float
    tricuspid_mm: Float
    aortic_radius_mm: float
    mitral_radius_mm: float
    midline_mm: float
    infarct: Infarct | None


def _draw_left(rng: np.random.Generator, frame: LongAxis, options: HeartOptions) -> LeftVentricle:
    squeeze = options.systole * float(rng.uniform(0.22, 0.38))
    if options.left_dilation > 1.15:
        squeeze *= 0.45
    length = 82 * options.size * options.left_dilation**0.4 * float(rng.uniform(0.9, 1.1))
    tilt = rng.normal(0, (0.08, 0.09))
    normal = frame.axes @ vector((tilt[0], 0.08 + tilt[1], 1.0))
    wall = options.wall_mm * options.size**0.5 * (1 + 1.5 * squeeze)
    return LeftVentricle(
        frame=frame,
        length_mm=length * (1 - 0.5 * squeeze),
        radius_mm=24.5
        * options.size
        * options.left_dilation
        * (1 - squeeze)
        * float(rng.uniform(0.94, 1.06)),
        wall_mm=wall,
        apex_mm=wall * float(rng.uniform(0.4, 0.85)),
        septum_mm=options.septum_mm,
        widest=float(rng.uniform(0.58, 0.74)),
        roundness=float(rng.uniform(1.8, 2.6) + 0.5 * (options.left_dilation - 1)),
        narrowing=float(rng.uniform(0.06, 0.2)),
        # A right ventricle under load flattens the septum.
        flatness=float(rng.normal(0.01, 0.045) + 0.12 * max(options.right_dilation - 1.2, 0)),
        bend_mm=rng.normal(0, 2.5, 2),
        base_normal=vector(normal / np.linalg.norm(normal)),
        surface_seed=int(rng.integers(1 << 30)),
        waviness_mm=float(rng.uniform(0.3, 1.1)),
    )


def _thinned(rng: np.random.Generator, left: LeftVentricle, infarct: Infarct | None) -> LeftVentricle:
    """The ventricle after the infarct has healed: large old ones leave a thin wall."""
    if infarct is None or infarct.acute or infarct.transmural < 0.5:
        return left
    by_mm = left.wall_mm * float(rng.uniform(0.15, 0.6))
    length = left.length_mm
    place = (infarct.angle, infarct.half_angle, infarct.basal * length, infarct.half_length * length)
    return replace(left, thin=Thinning(*place, by_mm))


def _draw_right(rng: np.random.Generator, left: LeftVentricle, options: HeartOptions) -> RightVentricle:
    size, squeeze = options.size, 1 - 0.22 * options.systole
    resting = (22.0 * size + options.wall_mm) / max(float(left.outer_radius_mm(0.0)), 1.0)
    outlet = left.frame.point(
        float(rng.normal(14, 3)) * size,
        float(left.outer_radius_mm(0.3 * left.length_mm)) + float(rng.uniform(6, 11)) * size,
        0.5 * left.length_mm - float(rng.uniform(8, 16)) * size,
    )
    return RightVentricle(
        left=left,
        width_mm=float(rng.uniform(27, 38)) * size * options.right_dilation * squeeze,
        wall_mm=float(rng.uniform(2.0, 3.6)) * (1 + 0.3 * options.systole),
        start=float(rng.uniform(0.0, 0.18)),
        base_mm=float(rng.uniform(3, 9)) * size,
        height=float(rng.uniform(0.95, 1.18))
        * options.right_dilation**0.5
        * float(np.clip(resting, 0.95, 1.15)),
        fullness=float(rng.uniform(0.55, 0.95)),
        lean_mm=float(rng.normal(2, 4)),
        outlet_mm=outlet,
        outlet_radius_mm=float(rng.uniform(10.5, 13.5)) * size * options.right_dilation**0.4,
        surface_seed=int(rng.integers(1 << 30)),
    )


def draw_parts(rng: np.random.Generator, options: HeartOptions) -> HeartParts:
    """Chambers and vessels that fit each other."""
    frame = long_axis(rng)
    # Of its own chance, so that the rest of the heart is the same with and without it.
    fate = np.random.default_rng(int(rng.integers(1 << 30)))
    infarct = draw_infarct(fate) if options.infarct else None
    left = _thinned(fate, _draw_left(rng, frame, options), infarct)
    right = _draw_right(rng, left, options)
    midline = float(rng.normal(38, 3)) * options.size**0.5
    base_radius = left.radius_mm * (1 - left.narrowing)
    mitral_radius = float(np.clip(0.64 * base_radius, 11, 18) * rng.uniform(0.92, 1.08))
    aortic_radius = float(rng.uniform(9.8, 12.5)) * options.size
    mitral = left.base_mm + frame.point(-0.24 * base_radius, -0.27 * base_radius, 0)
    aortic = left.base_mm + frame.point(0.41 * base_radius, 0.46 * base_radius, 3)
    tricuspid = right.tricuspid_mm()
    left_size = options.size * options.left_atrial_dilation * (1 + 0.1 * options.systole)
    right_size = options.size * options.right_atrial_dilation * (1 + 0.1 * options.systole)
    wall = float(rng.uniform(1.2, 2.6))
    arteries = aorta(rng, aortic, aortic_radius, midline, options.size)
    basal = frame.axes[:, 2]
    return HeartParts(
        frame=frame,
        left=left,
        right=right,
        left_atrium=left_atrium(rng, mitral, left.base_normal, mitral_radius, left_size, wall),
        right_atrium=right_atrium(rng, tricuspid, basal, 15 * options.size, right_size, wall),
        aorta=arteries,
        pulmonary=pulmonary_artery(rng, right.outlet_mm, right.outlet_radius_mm, arteries, options.size),
        mitral_mm=mitral,
        aortic_mm=aortic,
        tricuspid_mm=tricuspid,
        aortic_radius_mm=aortic_radius,
        mitral_radius_mm=mitral_radius,
        midline_mm=midline,
        infarct=infarct,
    )
