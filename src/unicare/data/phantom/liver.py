"""Livers of every size and form, with their vessels and lesions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.anatomy import Shape
from unicare.data.phantom.branching import Branch, grow_tree
from unicare.data.phantom.lattice import (
    ClippedShape,
    Field,
    Lattice,
    LatticeShape,
    sized,
    smooth_max,
    smooth_min,
)
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.torso import Torso

__all__ = ["LiverForm", "build_liver", "draw_liver", "liver_field"]

_SMALLEST_ML, _LARGEST_ML = 800.0, 2700.0
_VESSEL_STEP_MM = 2.2


@dataclass(frozen=True)
class LiverForm:
    """What makes one liver differ from the next.

    Attributes:
        top_mm: highest point of the diaphragm above it, S coordinate.
        size: factor of all lengths.
        left_reach_mm: how far the left lobe reaches beyond the midline; about 100 touches the spleen.
        left_thick: factor of the thickness of the left lobe.
        riedel_mm: how far a tongue of the right lobe hangs down, 0 for none.
        caudate: size of the caudate lobe, 1 is average.
        slant: unit normal (3,) of the visceral face, pointing away from the liver.
        nodular_mm: height of the nodules of a cirrhotic surface, 0 for none.
        waviness_mm: height of the slow waves of the surface.
        fissure_mm: half width of the fissure of the round ligament, 0 for none.
    """

    top_mm: float
    size: float
    left_reach_mm: float
    left_thick: float
    riedel_mm: float
    caudate: float
    slant: NDArray[np.float32]
    nodular_mm: float
    waviness_mm: float
    fissure_mm: float


def draw_liver(rng: np.random.Generator, torso: Torso, top_mm: float) -> LiverForm:
    """A random form; a cirrhotic liver is small on the right, large in the caudate and left lobe."""
    cirrhosis = rng.random() < 0.22
    slant = np.asarray((-0.42, -0.36, -0.8)) + rng.normal(0, 0.14, 3)
    size = float(np.clip(rng.normal(1.0, 0.14), 0.70, 1.3)) * torso.habitus.width**0.5
    return LiverForm(
        top_mm=top_mm,
        size=size * (0.88 if cirrhosis else 1.0),
        left_reach_mm=float(rng.uniform(95, 135) if rng.random() < 0.25 else rng.uniform(0, 90)),
        left_thick=float(rng.uniform(0.75, 1.25)) * (1.15 if cirrhosis else 1.0),
        riedel_mm=float(rng.uniform(45, 100)) if rng.random() < 0.15 else 0.0,
        caudate=float(rng.uniform(0.7, 1.2)) * (1.35 if cirrhosis else 1.0),
        slant=np.asarray(slant / np.linalg.norm(slant), np.float32),
        nodular_mm=float(rng.uniform(1.5, 3.2)) if cirrhosis else 0.0,
        waviness_mm=float(rng.uniform(2.0, 6.0)),
        fissure_mm=float(rng.uniform(1.5, 5.0)) if rng.random() < 0.75 else 0.0,
    )


def liver_field(
    rng: np.random.Generator, form: LiverForm, torso: Torso, lattice: Lattice, room: Field
) -> Field:
    """The liver on a lattice, kept to the room that its neighbours leave.

    Args:
        rng: source of chance for the surface.
        form: which liver.
        torso: the body it lies in.
        lattice: where the field is wanted.
        room: negative where a liver may be (X, Y, Z) mm.

    Returns:
        The field (X, Y, Z); the volume is kept between 0.8 and 2.7 litres.
    """
    body = _lobes(form, torso, lattice)
    body += form.waviness_mm * lattice.noise(rng, 75) + 0.4 * form.waviness_mm * lattice.noise(rng, 36)
    if form.nodular_mm:
        body += form.nodular_mm * lattice.noise(rng, 20)
    clefts = _clefts(form, torso, lattice)
    body = smooth_max(body, -clefts, 4)
    return sized(body, room, lattice, (_SMALLEST_ML, _LARGEST_ML))


def _lobes(form: LiverForm, torso: Torso, lattice: Lattice) -> Field:
    x, y, z = lattice.open_axes()
    mid, wide, size, top = torso.midline_mm, torso.habitus.width, form.size, form.top_mm
    deep = torso.habitus.depth
    radii = np.asarray((84 * wide, 98 * deep, 104), np.float32) * np.float32(size)
    centre = (mid + 76 * wide, -28.0, top - 80 * size)
    square = sum(((c - m) / r) ** 2 for c, m, r in zip((x, y, z), centre, radii, strict=True))
    right = (np.sqrt(np.asarray(square, np.float32)) - 1) * np.float32(70 * size)
    nx, ny, nz = form.slant
    face = nx * (x - mid - 42 * wide) + ny * (y + 12) + nz * (z - (top - 98 * size))
    right = smooth_max(right, face, 22)
    thick = form.left_thick * size
    reach = form.left_reach_mm * wide
    radii_left = np.asarray((46, 37, 28, 13)) * thick
    left_xy = np.asarray(
        [
            (mid + 48 * wide, 8),
            (mid + 5, 18 * deep),
            (mid - 0.5 * reach, 16 * deep),
            (mid - reach, 8 * deep - 0.25 * reach),
        ]
    )
    ceiling = torso.dome_mm(left_xy[:, 0], left_xy[:, 1])
    left_path = np.column_stack([left_xy, ceiling - (0.85, 0.85, 0.8, 0.9) * radii_left - 3])
    left = lattice.tubes(left_path, radii_left, stretch=(1.0, 1.05, 0.95))
    field = smooth_min(right, left, 26)
    caudate = [(mid + 20, -40 * deep, top - 58 * size), (mid + 14, -40 * deep, top - 92 * size)]
    field = smooth_min(field, lattice.tubes(caudate, (15 * form.caudate, 17 * form.caudate)), 12)
    if form.riedel_mm:
        low = top - 118 * size
        tongue = [(mid + 98 * wide, -8, low), (mid + 106 * wide, 2, low - form.riedel_mm)]
        field = smooth_min(field, lattice.tubes(tongue, (40 * size, 17), stretch=(0.8, 1.2, 1)), 18)
    return np.asarray(field, np.float32)


def _clefts(form: LiverForm, torso: Torso, lattice: Lattice) -> Field:
    """The porta hepatis and the fissures for the round and the venous ligament."""
    mid, size, top = torso.midline_mm, form.size, form.top_mm
    porta = [
        (mid + 18, -16, top - 100 * size),
        (mid + 44, -12, top - 96 * size),
        (mid + 60, -12, top - 92 * size),
    ]
    field = lattice.tubes(porta, (10.0, 9.0, 4.0))
    venous = [(mid + 8, -18, top - 96 * size), (mid + 4, -34, top - 70 * size)]
    lattice.tubes(venous, 1.2 + form.fissure_mm, into=field, stretch=(2.2, 1, 1))
    if form.fissure_mm:
        x, y, z = lattice.open_axes()
        tilt = x - (mid + 6) - 0.18 * (y - 20)
        wedge = np.abs(tilt) - form.fissure_mm - np.clip((top - 86 * size - z) * 0.12, -4, 9)
        deep = np.maximum(z - (top - 84 * size) - 0.3 * (y - 30), -22 - y)
        field = np.minimum(field, np.maximum(wedge, deep))
    return np.asarray(field, np.float32)


def build_liver(
    rng: np.random.Generator,
    form: LiverForm,
    torso: Torso,
    shape: LatticeShape,
    cava_mm: NDArray[np.float32],
) -> list[Shape]:
    """A liver with portal and hepatic veins and, at times, lesions, in painting order.

    Args:
        rng: source of chance.
        form: which liver.
        torso: the body it lies in.
        shape: the liver itself.
        cava_mm: where the hepatic veins meet the vena cava (3,).
    """
    lower, upper = shape.bounds_mm
    lattice = Lattice.over(lower, upper, _VESSEL_STEP_MM)
    field = lattice.empty()
    for path, radii in _veins(rng, form, torso, shape, cava_mm):
        lattice.tubes(path, radii, into=field)
    shapes: list[Shape] = [shape]
    if rng.random() < 0.4:
        shapes.append(ClippedShape(_lesions(rng, lattice, shape), shape))
    shapes.append(ClippedShape(LatticeShape.cut(Tissue.LIVER_VESSEL, lattice, field), shape))
    return shapes


def _veins(
    rng: np.random.Generator, form: LiverForm, torso: Torso, shape: LatticeShape, cava_mm: NDArray[np.float32]
) -> list[Branch]:
    branches: list[Branch] = []
    wide = float(rng.uniform(0.75, 1.25))
    for aim in ((1.0, -0.15, -0.5), (0.55, 0.75, -0.45), (-0.55, 0.8, -0.35)):
        jitter = np.asarray(aim) + rng.normal(0, 0.15, 3)
        branches += grow_tree(rng, cava_mm + 4 * jitter, jitter, (5.5 * wide, 1.3), 46.0 * form.size, shape)
    porta = np.asarray((torso.midline_mm + 34, -12, form.top_mm - 94 * form.size), np.float32)
    for aim in ((1.0, -0.1, 0.25), (0.8, 0.6, 0.1), (-0.45, 0.8, 0.45), (0.9, -0.6, -0.2)):
        jitter = np.asarray(aim) + rng.normal(0, 0.15, 3)
        branches += grow_tree(rng, porta, jitter, (6.0 * wide, 1.3), 34.0 * form.size, shape)
    return branches


def _lesions(rng: np.random.Generator, lattice: Lattice, shape: LatticeShape) -> LatticeShape:
    lower, upper = shape.bounds_mm
    candidates = rng.uniform(lower, upper, (200, 3)).astype(np.float32)
    centres = candidates[shape.inside(candidates)][: int(rng.integers(1, 7))]
    field = lattice.empty()
    for centre in centres:
        radius = float(np.exp(rng.uniform(np.log(4), np.log(30))))
        lattice.tubes([centre, centre + rng.normal(0, 0.35 * radius, 3)], radius, into=field)
    rough = float(rng.uniform(0.5, 3.0))
    return LatticeShape.cut(Tissue.LIVER_LESION, lattice, field + rough * lattice.noise(rng, 18))
