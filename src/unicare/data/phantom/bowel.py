"""Stomach and bowel with what they hold."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.anatomy import Shape
from unicare.data.phantom.lattice import Field, Lattice, LatticeShape
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.torso import Torso

__all__ = ["build_colon", "build_small_bowel", "build_stomach", "stomach_field"]


def stomach_field(rng: np.random.Generator, torso: Torso, lattice: Lattice) -> Field:
    """The stomach on a lattice (X, Y, Z), from empty to full.

    Args:
        rng: source of chance.
        torso: the body it lies in.
        lattice: where the field is wanted.
    """
    mid, wide, deep = torso.midline_mm, torso.habitus.width, torso.habitus.depth
    full = float(rng.uniform(0.6, 1.2))
    low = float(rng.uniform(-15, 25))
    radii = np.asarray((36, 38, 33, 25, 19, 11)) * (0.35 + 0.65 * full)
    top = np.asarray([mid - 66 * wide, -40 * deep, 0.0])
    top_mm = float(torso.dome_mm(top[:1], top[1:2])[0])
    top[2] = top_mm - 0.8 * radii[0]
    path = [
        tuple(top),
        (mid - 72 * wide, -22 * deep, top_mm - 55),
        (mid - 62 * wide, 14 * deep, top_mm - 82 - low),
        (mid - 30 * wide, 34 * deep, top_mm - 105 - low),
        (mid + 8, 26 * deep, top_mm - 100 - 0.5 * low),
        (mid + 30, 6 * deep, top_mm - 92),
    ]
    field = lattice.tubes(path, radii, stretch=(1, 1, 1.05))
    return np.asarray(field + 3.0 * lattice.noise(rng, 55) + 1.2 * lattice.noise(rng, 24), np.float32)


def build_stomach(rng: np.random.Generator, lattice: Lattice, field: Field) -> list[Shape]:
    """Wall, content, and gas, which rises to the front of a patient who lies on the back."""
    lumen = field + float(rng.uniform(3.0, 5.5)) + 1.3 * lattice.noise(rng, 16)
    return [
        LatticeShape.cut(Tissue.STOMACH_WALL, lattice, field),
        LatticeShape.cut(_liquid(rng), lattice, lumen),
        LatticeShape.cut(Tissue.AIR, lattice, _gas(rng, lattice, lumen)),
    ]


def _liquid(rng: np.random.Generator) -> Tissue:
    return Tissue.STOMACH_CONTENT if rng.random() < 0.7 else Tissue.FLUID


def _gas(rng: np.random.Generator, lattice: Lattice, lumen: Field) -> Field:
    """What lies above a level that leaves a random share of the lumen to gas."""
    _, y, _ = lattice.open_axes()
    depths = np.broadcast_to(y, lumen.shape)[lumen < 0]
    if not depths.size:
        return lumen
    level = np.quantile(depths, 1 - 0.6 * rng.random() ** 1.5)
    return np.asarray(np.maximum(lumen, np.float32(level) - y), np.float32)


def build_colon(rng: np.random.Generator, torso: Torso, lattice: Lattice, room: Field) -> list[Shape]:
    """Large bowel, its haustra, stool and gas, within the room that the other organs leave."""
    front = 0.72
    place = torso.place
    droop = float(rng.uniform(0, 45))
    corners = np.stack(
        [
            place(1.75, 0.72, -258),
            place(1.55, 0.80, -215),
            place(1.65, 0.78, -172),
            place(2.3, front, -158 - 0.3 * droop),
            place(2.85, front, -165 - droop),
            place(-2.8, front, -160 - droop),
            place(-2.1, front, -135 - 0.4 * droop),
            place(-1.55, 0.82, -108),
            place(-1.35, 0.85, -150),
            place(-1.4, 0.85, -210),
            place(-1.5, 0.82, -262),
        ]
    )
    corners += rng.normal(0, 6, corners.shape)
    path = _along(corners, 110)
    haustra = 1 + 0.2 * np.sin(np.arange(len(path)) * rng.uniform(0.9, 1.4)) * rng.uniform(0.4, 1.0)
    width = np.interp(np.arange(len(path)), (0, 40, 80, 110), (24, 20, 17, 12)) * rng.uniform(0.75, 1.25)
    field = lattice.tubes(path, np.asarray(haustra * width, np.float32)) + 1.5 * lattice.noise(rng, 22)
    field = np.maximum(field, room)
    lumen = field + 2.2
    stool = 3 * lattice.noise(rng, 70) + 2 * lattice.noise(rng, 14) + float(rng.normal(0, 2))
    bubbles = 1.6 - lattice.noise(rng, 9.0) - 0.5 * lattice.noise(rng, 50)
    _, y, _ = lattice.open_axes()
    gas = 4 * lattice.noise(rng, 80) - (y - np.float32(10)) * 0.05 + float(rng.uniform(0, 5))
    return [
        LatticeShape.cut(Tissue.BOWEL, lattice, field),
        LatticeShape.cut(Tissue.STOMACH_CONTENT, lattice, np.maximum(lumen, stool)),
        LatticeShape.cut(Tissue.AIR, lattice, np.maximum(lumen, np.minimum(gas, 3 * bubbles))),
    ]


def build_small_bowel(rng: np.random.Generator, torso: Torso, lattice: Lattice, room: Field) -> list[Shape]:
    """Loops that wander through the middle of the belly, some filled, some collapsed."""
    size = torso.habitus.height
    middle = np.asarray(
        (torso.midline_mm, float(torso.axis_y(np.asarray([-200.0], np.float32))[0]) + 12, -205 * size)
    )
    middle[1] += 0.35 * torso.habitus.visceral_mm
    spread = np.asarray((72 * torso.habitus.width, 34 + 0.3 * torso.habitus.visceral_mm, 62))
    corners = [middle + rng.uniform(-1, 1, 3) * spread]
    for _ in range(round(115 - 0.7 * torso.habitus.visceral_mm)):
        pull = (middle - corners[-1]) / spread
        step = rng.normal(0, 1, 3) + 0.55 * pull * np.abs(pull)
        corners.append(corners[-1] + 30 * step / (np.linalg.norm(step) + 1e-6))
    path = _along(np.stack(corners), 3 * len(corners))
    width = (
        11.5 * rng.uniform(0.8, 1.3) * (1 + 0.25 * np.sin(np.arange(len(path)) * 0.13 + rng.uniform(0, 6)))
    )
    field = lattice.tubes(path, np.asarray(width, np.float32)) + 1.0 * lattice.noise(rng, 15)
    field = np.maximum(field, room)
    filled = np.maximum(field + 2.5, 3 * lattice.noise(rng, 60) + float(rng.normal(0.5, 2)))
    gas = np.maximum(field + 2.5, 3 * lattice.noise(rng, 40) + float(rng.uniform(2, 6)))
    return [
        LatticeShape.cut(Tissue.BOWEL, lattice, field),
        LatticeShape.cut(Tissue.FLUID if rng.random() < 0.5 else Tissue.STOMACH_CONTENT, lattice, filled),
        LatticeShape.cut(Tissue.AIR, lattice, gas),
    ]


def _along(corners: NDArray[np.floating], count: int) -> NDArray[np.float32]:
    """A smooth path (count, 3) through corners (K, 3), Catmull-Rom."""
    padded = np.concatenate([2 * corners[:1] - corners[1:2], corners, 2 * corners[-1:] - corners[-2:-1]])
    position = np.linspace(0, len(corners) - 1 - 1e-6, count)
    k = position.astype(int)
    t = (position - k)[:, None]
    a, b, c, d = (padded[k + n] for n in range(4))
    path = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.asarray(path, np.float32)
