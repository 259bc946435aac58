"""Lungs, airways, the vessels of the lungs, the oesophagus and the fat between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.anatomy import Shape
from unicare.data.phantom.branching import Branch, grow_tree
from unicare.data.phantom.lattice import ClippedShape, Field, Lattice, LatticeShape, smooth_max, smooth_min
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.torso import Torso

__all__ = ["build_chest"]

_STEP_MM = 4.0
_VESSEL_STEP_MM = 2.2


def build_chest(rng: np.random.Generator, torso: Torso) -> list[Shape]:
    """What fills the rib cage but for the heart, in painting order."""
    lattice = Lattice.over((torso.midline_mm - 160, -175, -175), (torso.midline_mm + 160, 100, 205), _STEP_MM)
    polar = torso.polar(lattice)
    cavity = torso.field(lattice, polar, "cavity")
    _, _, z = lattice.open_axes()
    above = torso.diaphragm(lattice) - z
    between = _mediastinum(rng, lattice, torso)
    shapes: list[Shape] = []
    vessels: list[Shape] = []
    carina = np.asarray((torso.midline_mm + 2, -45, 78 * torso.habitus.height), np.float32)
    carina[1] = float(torso.spine(carina[2:])[1][0]) + 46
    bronchi = []
    for side in (1.0, -1.0):
        lung = _lung(lattice, torso, side, (cavity, above, between))
        shape = LatticeShape.cut(Tissue.LUNG, lattice, lung)
        shapes.append(shape)
        hilum = carina + np.asarray((side * 34 - 2, -4, -26 if side > 0 else -20), np.float32)
        bronchi.append(
            np.stack(
                [carina, carina + (hilum - carina) * 0.5, hilum, hilum + np.asarray((side * 14, -5, -14))]
            )
        )
        vessels.append(_lung_vessels(rng, shape, hilum, side))
    return [*shapes, *vessels, *_airways(rng, torso, carina, bronchi), *_oesophagus(rng, torso)]


def _mediastinum(rng: np.random.Generator, lattice: Lattice, torso: Torso) -> Field:
    """Heart, great vessels, spine and the fat around them: what the lungs leave free."""
    mid, size = torso.midline_mm, torso.habitus.height
    heart = lattice.tubes(torso.heart_mm[:2], torso.heart_radii_mm[:2])
    heart = smooth_min(heart, lattice.tubes(torso.heart_mm[2:], torso.heart_radii_mm[2:]), 15)
    heights = np.linspace(40, 200, 5) * size
    spine_x, spine_y = torso.spine(np.asarray(heights, np.float32))
    front = np.asarray((-18, -14, -22, -30, -36), np.float32)
    middle = np.stack([np.full(5, mid) - 2, front, heights], 1)
    upper = lattice.tubes(
        middle, np.asarray((36, 33, 30, 27, 24)) * rng.uniform(0.85, 1.15), stretch=(1, 1.1, 1)
    )
    behind = np.stack([spine_x - 6, spine_y + 18, heights], 1)
    upper = lattice.tubes(behind, 26.0, into=upper)
    down = np.asarray(np.linspace(-150, 40, 6), np.float32) * np.float32(size)
    spine_x, spine_y = torso.spine(down)
    back = lattice.tubes(np.stack([spine_x - 5, spine_y + 12, down], 1), 25.0)
    back = lattice.tubes(np.stack([spine_x, spine_y - 22, down], 1), 19.0, into=back)
    strip = float(rng.uniform(3, 9))
    join = np.asarray([(mid, 30, 75 * size), (mid - 2, 52, 30 * size), (mid - 8, 52, -20)], np.float32)
    ahead = lattice.tubes(join, (strip, strip * 1.6, strip * 2.4), stretch=(1, 3, 1))
    cava = lattice.tubes([(mid + 14, -22, -60), (mid + 14, -20, 10)], 17.0)
    total = smooth_min(smooth_min(heart, upper, 22), smooth_min(back, ahead, 10), 14)
    return smooth_min(total, cava, 10) + 1.5 * lattice.noise(rng, 45)


def _lung(lattice: Lattice, torso: Torso, side: float, parts: tuple[Field, Field, Field]) -> Field:
    cavity, above, between = parts
    x, _, _ = lattice.open_axes()
    half = np.float32(2) - np.float32(side) * (x - np.float32(torso.midline_mm))
    field = smooth_max(cavity + 2.5, above + 1.5, 6)
    field = smooth_max(field, -between, 6)
    return np.asarray(np.maximum(field, half), np.float32)


def _lung_vessels(
    rng: np.random.Generator, lung: LatticeShape, hilum: NDArray[np.float32], side: float
) -> Shape:
    lower, upper = lung.bounds_mm
    lattice = Lattice.over(lower, upper, _VESSEL_STEP_MM)
    field = lattice.empty()
    branches: list[Branch] = []
    for _ in range(int(rng.integers(15, 21))):
        aim = rng.normal(0, 1, 3) * (0.7, 1.0, 1.1) + (0.7 * side, -0.1, -0.2)
        start = hilum + rng.normal(0, 6, 3) + (side * 12, -3, -6)
        size = float(rng.uniform(3.5, 7.0))
        branches += grow_tree(rng, start, aim, (size, 1.25), 25.0, lung)
    for path, radii in branches:
        lattice.tubes(path, radii, into=field)
    field = np.maximum(field, -40.0)
    return ClippedShape(LatticeShape.cut(Tissue.LUNG_VESSEL, lattice, field), lung)


def _airways(
    rng: np.random.Generator, torso: Torso, carina: NDArray[np.float32], bronchi: list[NDArray[np.float32]]
) -> list[Shape]:
    radius = float(rng.uniform(7.0, 9.5))
    top = np.asarray([205 * torso.habitus.height], np.float32)
    throat = (torso.midline_mm, float(torso.spine(top)[1][0]) + 36, float(top[0]))
    trachea = np.stack([carina, (carina + throat) / 2 + rng.normal(0, 2, 3), throat])
    paths = [trachea, *bronchi]
    lower = np.min(np.concatenate(paths), 0) - 16
    lattice = Lattice.over(lower, np.max(np.concatenate(paths), 0) + 16, 2.5)
    field = lattice.tubes(trachea, radius)
    for path in bronchi:
        lattice.tubes(path, np.asarray((0.85, 0.72, 0.62, 0.5)) * radius, into=field)
    return [
        LatticeShape.cut(Tissue.MUSCLE, lattice, field - 2.0),
        LatticeShape.cut(Tissue.AIRWAY, lattice, field),
    ]


def _oesophagus(rng: np.random.Generator, torso: Torso) -> list[Shape]:
    heights = np.asarray((205, 140, 80, 30, -15, -50, -72), np.float32) * np.float32(torso.habitus.height)
    x, y = torso.spine(heights)
    aside = np.asarray((-2, -4, -5, -4, -10, -20, -38)) + rng.normal(0, 1.5, 7)
    path = np.stack([x + aside, y + np.asarray((18, 20, 23, 24, 26, 36, 46)), heights], 1)
    lattice = Lattice.over(path.min(0) - 16, path.max(0) + 16, 2.5)
    field = lattice.tubes(path, float(rng.uniform(5.5, 8.0)), stretch=(1.25, 0.8, 1)) + 0.7 * lattice.noise(
        rng, 25
    )
    shapes: list[Shape] = [LatticeShape.cut(Tissue.OESOPHAGUS, lattice, field)]
    if rng.random() < 0.5:
        gap = field + float(rng.uniform(3.2, 4.2)) + 1.4 * lattice.noise(rng, 30)
        shapes.append(LatticeShape.cut(Tissue.AIRWAY, lattice, gap))
    return shapes
