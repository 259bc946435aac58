"""The atria, their appendages and the veins that enter them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from unicare.data.phantom.shapes import (
    Ellipsoid,
    Float,
    HalfSpace,
    Intersection,
    Rough,
    Solid,
    Tube,
    Union,
    rotation,
    rough,
    tube,
    vector,
)

__all__ = ["Atrium", "left_atrium", "right_atrium"]


@dataclass(frozen=True)
class Atrium:
    """An atrium and what opens into it.

    Attributes:
        hull: an ellipsoid about as large as its body.
        body: body and vestibule, cut at the plane of its valve.
        valve: the tube of blood that joins it to its ventricle.
        appendage: the blood in its appendage.
        veins: the blood in its veins, each with a name.
        wall_mm: thickness of its wall.
    """

    hull: Ellipsoid
    body: Solid
    valve: Solid
    appendage: Solid
    veins: Sequence[tuple[str, Tube]]
    wall_mm: float


def _body(
    rng: np.random.Generator,
    centre: Float,
    radii: ArrayLike,
    valve_mm: Float,
    valve_radius_mm: float,
    normal: Float,
) -> Solid:
    """A lumpy ellipsoid with a vestibule towards the valve, on the atrial side of the valve's plane."""
    turn = rotation(rng.normal(0, 9, 3))
    lobes: list[Solid] = [Ellipsoid(centre, radii, turn)]
    for _ in range(2):
        away = rng.normal(size=3)
        away = away / np.linalg.norm(away) * 0.42 * np.asarray(radii)
        lobes.append(Ellipsoid(centre + away, np.asarray(radii) * rng.uniform(0.55, 0.72, 3), turn))
    lobes.append(tube((centre, valve_mm), (valve_radius_mm * 1.25, valve_radius_mm * 1.05), 10))
    whole = rough(Union(lobes, blend_mm=12), rng, float(rng.uniform(0.6, 1.4)), 38)
    return Intersection((whole, HalfSpace(valve_mm, -normal)))


def _appendage(rng: np.random.Generator, path: ArrayLike, radii: ArrayLike) -> Rough:
    """A crooked, lobed pouch."""
    bent = np.asarray(path, float)
    bent[1:] += rng.normal(0, 3.0, bent[1:].shape)
    return rough(tube(bent, radii, 4), rng, 1.1, 11)


def _vein(rng: np.random.Generator, path: ArrayLike, radius: float) -> list[Tube]:
    """A vein that widens into the atrium and forks at its far end."""
    bent = np.asarray(path, float)
    bent[1:] += rng.normal(0, 2.5, bent[1:].shape)
    trunk = tube(bent, radius * np.linspace(1.25, 0.85, len(bent)), 5)
    ahead = bent[-1] - bent[-2]
    ahead /= np.linalg.norm(ahead)
    branches = [trunk]
    for _ in range(2):
        side = np.cross(ahead, rng.normal(size=3))
        tip = bent[-1] + ahead * rng.uniform(14, 26) + side / np.linalg.norm(side) * rng.uniform(8, 16)
        branches.append(tube((bent[-1], tip), (0.68 * radius, 0.42 * radius), 8))
    return branches


def left_atrium(
    rng: np.random.Generator,
    valve_mm: Float,
    normal: Float,
    valve_radius_mm: float,
    size: float,
    wall_mm: float,
) -> Atrium:
    """A left atrium behind the mitral valve with three to five pulmonary veins.

    Args:
        rng: source of chance.
        valve_mm: centre of the mitral valve (3,).
        normal: (3,) of its plane, towards the atrium.
        valve_radius_mm: of its orifice.
        size: factor of an average atrium.
        wall_mm: thickness of the wall.
    """
    radii = np.array([27, 19, 24]) * size * np.exp(rng.normal(0, 0.08, 3))
    centre = vector(valve_mm + np.array([10, -17, 9]) * size + rng.normal(0, 2.5, 3))
    body = _body(rng, centre, radii, valve_mm, valve_radius_mm, normal)
    reach = radii / np.array([27, 19, 24])
    veins: list[tuple[str, Tube]] = []
    for name, root, bend, tip in _PULMONARY_VEINS:
        if (name == "right middle" and rng.random() < 0.8) or (
            name == "left inferior" and rng.random() < 0.1
        ):
            continue
        radius = float(rng.uniform(4.4, 6.8)) * size**0.5 * (0.6 if name == "right middle" else 1.0)
        if name == "left superior" and rng.random() < 0.1:
            radius *= 1.35
        path = np.array([np.array(root) * reach, np.array(root) * reach + bend, np.array(root) * reach + tip])
        veins += [(name, part) for part in _vein(rng, centre + path, radius)]
    path = centre + np.array([(-16, 8, 8), (-27, 14, 14), (-33, 27, 15), (-30, 39, 11)]) * np.append(
        reach[:2], 1
    )
    appendage = _appendage(rng, path, np.array([7.5, 7, 8, 4.5]) * size**0.5 * rng.uniform(0.8, 1.25))
    # A little beyond the plane, so that the orifice is open.
    valve = tube((valve_mm + 6 * normal, valve_mm - 1.0 * normal), valve_radius_mm, 4)
    return Atrium(Ellipsoid(centre, radii), body, valve, appendage, veins, wall_mm)


# Root, bend and tip (mm) of each vein as seen from the atrium's centre; bend and tip are seen from the root.
_PULMONARY_VEINS = (
    ("right superior", (19, -6, 12), (17, 1, 9), (36, 5, 18)),
    ("right inferior", (19, -10, -8), (15, -8, -3), (31, -19, -8)),
    ("right middle", (22, -5, 2), (14, 2, 1), (28, 6, 2)),
    ("left superior", (-18, -5, 13), (-15, 2, 9), (-32, 8, 20)),
    ("left inferior", (-18, -10, -4), (-14, -7, -2), (-30, -18, -6)),
)


def right_atrium(
    rng: np.random.Generator,
    valve_mm: Float,
    normal: Float,
    valve_radius_mm: float,
    size: float,
    wall_mm: float,
) -> Atrium:
    """A right atrium behind the tricuspid valve, with both venae cavae; arguments as in `left_atrium`."""
    radii = np.array([20, 23, 26]) * size * np.exp(rng.normal(0, 0.08, 3))
    centre = vector(valve_mm + np.array([11, -20, 3]) * size + rng.normal(0, 2.5, 3))
    body = _body(rng, centre, radii, valve_mm, valve_radius_mm, normal)
    top, low = radii[2] * 0.55, -radii[2] * 0.5
    superior = centre + np.array([(2, -6, top), (4, -5, top + 28), (3, -5, top + 55), (-2, 0, top + 85)])
    inferior = centre + np.array(
        [(-1, -9, low), (-4, -15, low - 26), (-6, -22, low - 50), (-7, -26, low - 75)]
    )
    superior[1:] += rng.normal(0, 2, (3, 3))
    inferior[1:] += rng.normal(0, 2, (3, 3))
    veins = [
        ("superior", tube(superior, rng.uniform(8, 10.5) * size**0.4 * np.array([1.15, 1, 0.95, 0.9]))),
        ("inferior", tube(inferior, rng.uniform(9, 13.0) * size**0.4 * np.array([1.1, 1, 1, 0.95]))),
    ]
    path = centre + np.array([(-4, 12, 13), (-9, 20, 21), (-18, 24, 26), (-25, 24, 27)]) * size
    appendage = _appendage(rng, path, np.array([11, 10, 8, 4.5]) * size**0.5 * rng.uniform(0.85, 1.2))
    valve = tube((valve_mm + 8 * normal, valve_mm - 3.0 * normal), valve_radius_mm, 4)
    return Atrium(Ellipsoid(centre, radii), body, valve, appendage, veins, wall_mm)
