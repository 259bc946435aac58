"""The great arteries and the coronary arteries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from unicare.data.phantom.shapes import Ellipsoid, Float, Painted, Solid, Tube, Union, tube, vector
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.ventricles import LeftVentricle, RightVentricle

__all__ = ["Aorta", "PulmonaryArtery", "aorta", "coronary_arteries", "pulmonary_artery"]


@dataclass(frozen=True)
class Aorta:
    """The aorta from its valve to behind the diaphragm.

    Attributes:
        ascending: sinuses and ascending part.
        arch: arch and its branches.
        descending: down to `end_mm`.
        middle_mm: (3,) the middle of the ascending part.
        radius_mm: of the ascending part.
        end_mm: (3,) where the descending part ends.
    """

    ascending: Solid
    arch: Solid
    descending: Tube
    middle_mm: Float
    radius_mm: float
    end_mm: Float


def _bent(rng: np.random.Generator, path: ArrayLike, spread_mm: float) -> Float:
    points = np.asarray(path, float).copy()
    points[1:] += rng.normal(0, spread_mm, points[1:].shape)
    return vector(points)


def aorta(
    rng: np.random.Generator, valve_mm: Float, radius_mm: float, midline_mm: float, size: float
) -> Aorta:
    """An aorta that rises from its valve, arches to the left and runs down left of the spine.

    Args:
        rng: source of chance.
        valve_mm: centre of the aortic valve (3,).
        radius_mm: of the annulus.
        midline_mm: R coordinate of the spine.
        size: factor of all lengths.
    """
    wide = radius_mm * float(rng.uniform(1.1, 1.45))
    rise = _bent(rng, valve_mm + np.array([(0, 0, 0), (8, 5, 18), (14, 8, 40), (12, 3, 60)]) * size, 1.5)
    root = tube(rise, (radius_mm, 1.15 * radius_mm, wide, wide), 5)
    upwards = (rise[1] - rise[0]) / np.linalg.norm(rise[1] - rise[0])
    first, second = np.linalg.svd(upwards[None])[2][1:]
    turn = rng.uniform(0, 2 * np.pi)
    sinuses: list[Solid] = [root]
    for angle in turn + np.array([0, 2, 4]) * np.pi / 3:
        aside = np.cos(angle) * first + np.sin(angle) * second
        centre = rise[0] + upwards * 0.75 * radius_mm + aside * 0.55 * radius_mm
        sinuses.append(Ellipsoid(centre, np.array([0.8, 0.8, 0.8]) * radius_mm))
    down_x, down_y = midline_mm - rng.uniform(14, 25), -76 * size**0.3 + rng.normal(0, 4)
    top = rise[-1]
    height = rng.uniform(19, 30) * size
    leave = np.array([down_x, down_y, top[2] + 2])
    crest = np.array([0.55 * top[0] + 0.45 * leave[0], 0.55 * top[1] + 0.45 * leave[1], top[2] + height])
    before, after = 0.72 * top + 0.28 * crest, 0.35 * leave + 0.65 * crest
    before[2], after[2] = top[2] + 0.62 * height, top[2] + 0.85 * height
    narrow = wide * float(rng.uniform(0.66, 0.85))
    arch = tube((top, before, crest, after, leave), np.linspace(wide, 1.05 * narrow, 5), 5)
    end = np.array([midline_mm - 14, down_y - 2, -95 * size])
    middle = np.array([down_x, down_y - 2, 0.0])
    descending = tube(_bent(rng, np.stack([leave, (down_x, down_y, 40), middle, end]), 2.0), narrow, 9)
    branches = _arch_branches(rng, vector([before, crest, after]), narrow, midline_mm)
    return Aorta(Union(sinuses), Union((arch, *branches)), descending, rise[2], wide, descending.path_mm[-1])


def _arch_branches(rng: np.random.Generator, roots: Float, radius_mm: float, midline_mm: float) -> list[Tube]:
    tips = ((24, 12, 44), (-12, 8, 46), (-34, 4, 42))
    branches = []
    for root, (right, ahead, up), share in zip(roots, tips, (0.52, 0.33, 0.4), strict=True):
        tip = np.array([midline_mm + right, root[1] + ahead, root[2] + up]) + rng.normal(0, 4, 3)
        middle = 0.5 * (root + tip) + np.array([0, 0, 6.0])
        branches.append(tube((root, middle, tip), share * radius_mm * rng.uniform(0.9, 1.15)))
    return branches


@dataclass(frozen=True)
class PulmonaryArtery:
    """Trunk, right and left branch with their first divisions."""

    trunk: Tube
    branches: Union


def pulmonary_artery(
    rng: np.random.Generator, valve_mm: Float, radius_mm: float, behind: Aorta, size: float
) -> PulmonaryArtery:
    """A pulmonary artery whose right branch runs behind the ascending aorta `behind`."""
    wide = radius_mm * float(rng.uniform(1.0, 1.3))
    away = behind.radius_mm + 11 * size
    fork = np.array(
        [behind.middle_mm[0] - 20 * size, behind.middle_mm[1] - 12 * size, behind.middle_mm[2] + 4]
    )
    middle = 0.5 * (valve_mm + fork) + np.array([-5, 5, 5]) * size
    trunk = tube((valve_mm, middle, fork), (radius_mm, wide, 0.95 * wide), 5)
    right = fork + np.array(
        [
            (0, 0, 0),
            (20 * size, -away + 12 * size, -1),
            (40 * size, -away + 8 * size, -4),
            (62 * size, -away, -10),
        ]
    )
    left = fork + np.array([(0, 0, 0), (-12, -14, 4), (-22, -30, 3), (-28, -44, -8)]) * size
    parts: list[Solid] = []
    for path, share in ((_bent(rng, right, 1.5), 0.74), (_bent(rng, left, 1.5), 0.74)):
        parts.append(tube(path, wide * share * np.array([1.15, 1.0, 0.9, 0.72]), 5))
        ahead = path[-1] - path[-2]
        for _ in range(3):
            tip = path[-1] + ahead * rng.uniform(0.5, 1.1) + rng.normal(0, 1, 3) * (6, 8, 14)
            parts.append(tube((path[-1], tip), (wide * 0.45, wide * 0.2), 8))
    return PulmonaryArtery(trunk, Union(parts))


def coronary_arteries(rng: np.random.Generator, left: LeftVentricle, right: RightVentricle) -> list[Painted]:
    """Anterior and posterior descending, circumflex and right coronary artery on the heart's surface."""
    base, apex = 0.46 * left.length_mm, -0.36 * left.length_mm
    front, back = np.deg2rad(rng.normal(63, 6)), np.deg2rad(rng.normal(-68, 7))
    heights = np.linspace(base, apex, 8)
    wiggle = np.cumsum(rng.normal(0, 0.05, 8))
    above = float(rng.uniform(1.5, 3.5))
    paths = [
        left.on_surface(front + wiggle, heights, above),
        left.on_surface(back - wiggle[:6], heights[:6], above),
        left.on_surface(np.linspace(front, 1.5 * np.pi - 0.5, 8), base + 1, above + 2),
        left.on_surface(np.linspace(front + 0.9, front + 1.1, 5), np.linspace(base, -5, 5), above),
    ]
    turn = np.linspace(np.deg2rad(55), np.deg2rad(-75), 9)
    groove = left.on_surface(turn, right.top_mm + 2, above) + np.outer(
        (right.width_mm + 4) * np.clip(np.cos(turn), 0, 1) ** 0.7, left.frame.axes[:, 0]
    )
    paths.append(groove)
    radius = float(rng.uniform(1.1, 2.0))
    return [
        Painted(tube(path, np.linspace(radius, 0.55 * radius, len(path)), 8), Tissue.CORONARY)
        for path in paths
    ]
