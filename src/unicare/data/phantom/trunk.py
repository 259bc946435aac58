"""The trunk of a virtual patient: everything around the heart, in painting order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.abdomen import build_abdomen
from unicare.data.phantom.anatomy import Shape
from unicare.data.phantom.chest import build_chest
from unicare.data.phantom.lattice import Field, Lattice, LatticeShape, smooth_max, smooth_min
from unicare.data.phantom.skeleton import build_ribs, build_spine
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.torso import Torso, draw_habitus

__all__ = ["build_trunk"]

_TOP_MM, _BOTTOM_MM = 204.0, -268.0
_SKIN_MM = 2.0


def build_trunk(rng: np.random.Generator, landmarks: dict[str, NDArray[np.float32]]) -> list[Shape]:
    """A random trunk, from shoulders (200 mm above the heart) to the last lumbar vertebra (260 mm below).

    Args:
        rng: source of chance; the same state gives the same trunk.
        landmarks: points (3,) RAS+ mm of the heart that the trunk adapts to, all optional: ``lv_apex``,
            ``mitral_centre``, ``ra_centre``, ``rv_apex``; ``spine`` on the midline; ``aorta_descending`` and
            ``vena_cava_inferior``, where the heart's own vessels end.

    Returns:
        Shapes in painting order; the heart is painted over them.
    """
    torso = Torso(rng, draw_habitus(rng), landmarks)
    return [
        *_wall(rng, torso),
        *build_ribs(rng, torso),
        *_contents(torso),
        *build_chest(rng, torso),
        *build_abdomen(rng, torso, landmarks),
        *build_spine(rng, torso),
    ]


def _wall(rng: np.random.Generator, torso: Torso) -> list[Shape]:
    """Skin, the fat under it, and the muscles with the fat between their fibres."""
    reach = 185 * torso.habitus.width + 1.6 * torso.habitus.fat_mm + 0.5 * torso.habitus.visceral_mm + 15
    front = 110 * torso.habitus.depth + 1.9 * torso.habitus.fat_mm + torso.habitus.visceral_mm
    front += 1.2 * torso.habitus.breast_mm
    mid = torso.midline_mm
    back = float(torso.spine(np.zeros(1, np.float32))[1][0]) - 90 - torso.habitus.fat_mm
    lattice = Lattice.over((mid - reach, back, _BOTTOM_MM), (mid + reach, front, _TOP_MM), (5, 5, 7))
    polar = torso.polar(lattice)
    fat = torso.field(lattice, polar, "fat")
    breasts, gland = _breasts(rng, torso, lattice)
    fat = smooth_min(fat, breasts, 16)
    couch = torso.spine(np.zeros(1, np.float32))[1][0] - np.float32(62 * torso.habitus.depth)
    couch -= np.float32(0.35 * torso.habitus.fat_mm)
    _, y, _ = lattice.open_axes()
    fat = smooth_max(fat, couch - y, 30)
    muscle = np.maximum(torso.field(lattice, polar, "muscles"), fat + 1.5)
    streak = np.abs(lattice.noise(rng, 26) + 0.7 * lattice.noise(rng, 15)) * 5
    marbling = np.maximum(streak - float(rng.uniform(0.5, 1.8)), muscle + 4)
    shapes: list[Shape] = [
        LatticeShape.cut(Tissue.SKIN, lattice, fat),
        LatticeShape.cut(Tissue.FAT, lattice, fat + _SKIN_MM),
        LatticeShape.cut(Tissue.MUSCLE, lattice, muscle),
        LatticeShape.cut(Tissue.FAT, lattice, marbling),
    ]
    if torso.habitus.breast_mm:
        shapes.append(LatticeShape.cut(Tissue.MUSCLE, lattice, np.maximum(gland, -muscle + 3)))
    return shapes


def _breasts(rng: np.random.Generator, torso: Torso, lattice: Lattice) -> tuple[Field, Field]:
    size = torso.habitus.breast_mm
    outer, gland = lattice.empty(), lattice.empty()
    if not size:
        return outer, gland
    level = np.asarray([float(rng.uniform(-15, 10)) * torso.habitus.height], np.float32)
    wall, middle = torso.muscles(level)[:, 0], float(torso.axis_y(level)[0])
    share = float(rng.uniform(0.3, 0.75))
    for side in (1.0, -1.0):
        angle = side * float(rng.uniform(2.25, 2.5))
        radius = float(wall[round((angle + np.pi) / (2 * np.pi) * len(wall)) % len(wall)])
        outwards = np.asarray((np.sin(angle), -np.cos(angle), 0.0))
        foot = np.asarray((torso.midline_mm, middle, level[0])) + (radius - 0.35 * size) * outwards
        path = foot + np.asarray([(0, 0, 12), (side * 0.12 * size, 0.22 * size, -6)])
        lattice.tubes(path, (size, 0.8 * size), into=outer, stretch=(1.3, 0.9, 1.2))
        lattice.tubes(path + 0.2 * size * outwards, (share * size, 0.7 * share * size), into=gland)
    return outer, gland + 4 * lattice.noise(rng, 30) + 3 * lattice.noise(rng, 16)


def _contents(torso: Torso) -> list[Shape]:
    """The cavity of the chest and belly, filled with fat until the organs come."""
    reach = 150 * torso.habitus.width + 0.5 * torso.habitus.visceral_mm + 8
    front = 80 * torso.habitus.depth + torso.habitus.visceral_mm
    mid = torso.midline_mm
    lattice = Lattice.over((mid - reach, -175, _BOTTOM_MM), (mid + reach, front, _TOP_MM), (5, 5, 5))
    cavity = torso.field(lattice, torso.polar(lattice), "cavity")
    return [LatticeShape.cut(Tissue.FAT, lattice, cavity)]
