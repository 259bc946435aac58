"""The belly: diaphragm, the organs below it, and the vessels that run through."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.anatomy import Shape
from unicare.data.phantom.bowel import build_colon, build_small_bowel, build_stomach, stomach_field
from unicare.data.phantom.branching import grow_tree
from unicare.data.phantom.lattice import Field, Lattice, LatticeShape, sized, smooth_max
from unicare.data.phantom.liver import LiverForm, build_liver, draw_liver, liver_field
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.torso import Torso

__all__ = ["build_abdomen"]

_STEP_MM = 3.4
_BOTTOM_MM = -268.0

Landmarks = dict[str, NDArray[np.float32]]


@dataclass(frozen=True)
class _Belly:
    """The lattice on which the organs push each other aside.

    Attributes:
        lattice: covers everything below the diaphragm.
        cavity: field of the inside of the body wall.
        height: height above the diaphragm (X, Y, Z) mm.
        room: field of what lies below the diaphragm, within the wall.
        right_mm: S coordinate of the top of the right dome.
    """

    lattice: Lattice
    cavity: Field
    height: Field
    room: Field
    right_mm: float


def build_abdomen(rng: np.random.Generator, torso: Torso, landmarks: Landmarks) -> list[Shape]:
    """Everything from the diaphragm down to the fifth lumbar vertebra, in painting order.

    Args:
        rng: source of chance.
        torso: the body.
        landmarks: optional, where the heart's vessels end: ``aorta_descending``, ``vena_cava_inferior``.
    """
    belly = _belly(torso)
    lattice = belly.lattice
    muscles = _deep_muscles(torso, lattice)
    aorta = _aorta(rng, torso, lattice, landmarks)
    cava, hepatic = _cava(rng, torso, lattice, landmarks)
    kidneys = [_kidney(rng, torso, lattice, side) for side in (1.0, -1.0)]
    behind = np.minimum(np.minimum(muscles, aorta - 2), np.minimum(kidneys[0], kidneys[1]) - 3)
    spleen = _spleen(rng, torso, lattice, smooth_max(belly.room + 1.0, -behind, 4))
    behind = np.minimum(behind, spleen)
    stomach = smooth_max(stomach_field(rng, torso, lattice), belly.room + 2, 5)
    stomach = smooth_max(stomach, 1.5 - behind, 5)
    form = draw_liver(rng, torso, belly.right_mm)
    gallbladder = _gallbladder(rng, form, torso, lattice)
    keep_off = np.minimum(np.minimum(behind, stomach - 1.5), np.minimum(cava - 0.8, gallbladder))
    liver = liver_field(rng, form, torso, lattice, smooth_max(belly.room + 0.8, -keep_off, 4))
    taken = np.minimum(np.minimum(liver, stomach), behind)
    room = np.maximum(belly.room + 4, 3 - np.minimum(taken, np.minimum(cava, gallbladder)))
    return [
        LatticeShape.cut(Tissue.MUSCLE, lattice, np.maximum(belly.cavity, belly.height)),
        LatticeShape.cut(Tissue.FAT, lattice, belly.room),
        LatticeShape.cut(Tissue.MUSCLE, lattice, np.maximum(muscles, belly.cavity)),
        *_pancreas(rng, torso, lattice, behind),
        _mesentery(rng, torso, lattice, belly.room),
        *build_small_bowel(rng, torso, lattice, room),
        *build_colon(rng, torso, lattice, room),
        *_kidneys(rng, lattice, kidneys, belly.room),
        *build_stomach(rng, lattice, stomach),
        LatticeShape.cut(Tissue.SPLEEN, lattice, spleen),
        *build_liver(rng, form, torso, LatticeShape.cut(Tissue.LIVER, lattice, liver), hepatic),
        *_bladder(lattice, gallbladder, belly.room),
        LatticeShape.cut(Tissue.WALL_VESSEL, lattice, aorta - 1.3),
        LatticeShape.cut(Tissue.AORTA_DESCENDING, lattice, aorta),
        LatticeShape.cut(Tissue.VENA_CAVA_INFERIOR, lattice, cava),
    ]


def _belly(torso: Torso) -> _Belly:
    reach = 146 * torso.habitus.width + 0.45 * torso.habitus.visceral_mm
    front = 72 * torso.habitus.depth + torso.habitus.visceral_mm
    mid = torso.midline_mm
    lattice = Lattice.over((mid - reach, -165, _BOTTOM_MM), (mid + reach, front, 15), _STEP_MM)
    cavity = torso.field(lattice, torso.polar(lattice), "cavity")
    x, _, z = lattice.open_axes()
    dome = torso.diaphragm(lattice)
    height = z - dome
    room = smooth_max(cavity + 2.5, height + 3.5, 6)
    right = np.broadcast_to(x > mid, dome.shape)
    return _Belly(lattice, cavity, height, room, float(dome[right].max()))


def _deep_muscles(torso: Torso, lattice: Lattice) -> Field:
    """Spine, psoas, quadratus lumborum and the crura of the diaphragm, as what organs lie in front of."""
    heights = np.asarray((-30, -80, -120, -160, -200, -240, -275), np.float32) * np.float32(
        torso.habitus.height
    )
    x, y = torso.spine(heights)
    strong = 0.6 + 0.4 * torso.habitus.muscle
    field = lattice.tubes(np.stack([x, y - 6, heights], 1), 25.0 * torso.habitus.width**0.5)
    for side in (1.0, -1.0):
        apart = np.asarray((0, 0, 27, 33, 38, 44, 50), np.float32)
        psoas = np.stack([x + side * apart, y - 6 + 0 * apart, heights], 1)
        lattice.tubes(
            psoas[2:], np.asarray((5, 12, 17, 21, 23)) * strong, into=field, stretch=(0.95, 1.05, 1)
        )
        loin = np.stack([x + side * 62, y - 28, heights], 1)
        lattice.tubes(loin[2:], np.asarray((5, 9, 10, 11, 11)) * strong, into=field, stretch=(2.2, 1, 1))
        crus = np.stack([x + side * np.asarray((16, 15, 13, 10, 8, 8, 8)), y + 19, heights], 1)
        lattice.tubes(crus[:4], np.asarray((4.0, 5.5, 5.0, 3.0)), into=field, stretch=(0.9, 1.6, 1))
    return field


def _mesentery(rng: np.random.Generator, torso: Torso, lattice: Lattice, room: Field) -> Shape:
    """Portal, splenic and mesenteric vessels outside the organs, fanning out through the fat of the belly."""
    size, mid = torso.habitus.height, torso.midline_mm
    z = np.asarray([-112 * size], np.float32)
    front = float(torso.spine(z)[1][0]) + 42
    fork = np.asarray((mid + 8, front + 6, -118 * size))
    splenic, portal = ((0, 0, 0), (-40, -14, 10), (-90, -46, 30)), ((0, 0, 0), (14, 8, 12), (32, 4, 30))
    mesenteric = ((0, 0, 0), (4, 8, -45), (10, 14, -95))
    field = lattice.tubes(fork + np.asarray(splenic), (4.5, 4.0, 3.5))
    lattice.tubes(fork + np.asarray(portal), 6.5, into=field)
    lattice.tubes(fork + np.asarray(mesenteric), (5.5, 5.0, 3.5), into=field)
    limit = LatticeShape.cut(Tissue.WALL_VESSEL, lattice, room + 3)
    for _ in range(9):
        start = fork + rng.uniform(0, 1) * np.asarray((8, 14, -85)) + rng.normal(0, 4, 3)
        aim = rng.normal(0, 1, 3) * (1.0, 0.5, 0.6) + (0, 0.35, -0.2)
        for path, radii in grow_tree(rng, start, aim, (2.8, 1.3), 42.0, limit):
            lattice.tubes(path, radii, into=field)
    return LatticeShape.cut(Tissue.WALL_VESSEL, lattice, np.maximum(field, room + 1))


def _aorta(rng: np.random.Generator, torso: Torso, lattice: Lattice, landmarks: Landmarks) -> Field:
    heights = np.asarray((-45, -85, -125, -165, -205, -238), np.float32) * np.float32(torso.habitus.height)
    x, y = torso.spine(heights)
    aside = np.asarray((-16, -9, -5, -5, -4, -3)) + rng.normal(0, 1.5, 6)
    path = np.stack([x + aside, y + np.asarray((26, 30, 31, 31, 30, 29)), heights], 1).astype(np.float32)
    start = landmarks.get("aorta_descending")
    radius = float(rng.uniform(8.0, 11.5))
    radii = radius * np.asarray((1.15, 1.08, 1.0, 0.92, 0.86, 0.8))
    if start is not None:
        below = path[:, 2] < float(start[2]) - 15
        path = np.concatenate([np.asarray(start, np.float32)[None], path[below]])
        radii = np.concatenate([[radius * 1.15], radii[below]])
    field = lattice.tubes(path, radii)
    for side in (1.0, -1.0):
        limb = [path[-1], path[-1] + np.asarray((side * 16, 2, -42), np.float32)]
        lattice.tubes(limb, (radius * 0.62, radius * 0.55), into=field)
    trunks = ((-95.0, (0.0, 30.0, -18.0), 3.6), (-112.0, (2.0, 24.0, -60.0), 3.8))
    for level, away, size in trunks:
        z = np.asarray([level * torso.habitus.height], np.float32)
        root = np.asarray((torso.spine(z)[0][0] - 6, torso.spine(z)[1][0] + 33, z[0]), np.float32)
        lattice.tubes([root, root + np.asarray(away, np.float32)], size, into=field)
    return field


def _cava(
    rng: np.random.Generator, torso: Torso, lattice: Lattice, landmarks: Landmarks
) -> tuple[Field, NDArray[np.float32]]:
    """Field of the vena cava, and where the hepatic veins join it."""
    size = torso.habitus.height
    heights = np.asarray((-275, -230, -180, -130, -95, -62), np.float32) * np.float32(size)
    x, y = torso.spine(heights)
    aside, ahead = np.asarray((15, 16, 18, 20, 22, 20)), np.asarray((27, 28, 29, 31, 38, 44))
    path = np.stack([x + aside, y + ahead, heights], 1).astype(np.float32)
    top = np.asarray(landmarks.get("vena_cava_inferior", (torso.midline_mm + 14, -20, -30)), np.float32)
    path = np.concatenate([path[path[:, 2] < top[2] - 12], top[None], top[None] + (0, 2, 22)]).astype(
        np.float32
    )
    radius = float(rng.uniform(8.0, 12.0))
    flat = float(rng.uniform(0.65, 1.0))
    field = lattice.tubes(path, radius, stretch=(1.15, flat, 1))
    return field, path[-1] - (0, 0, 4)


def _kidney(rng: np.random.Generator, torso: Torso, lattice: Lattice, side: float) -> Field:
    """A bean whose upper pole leans towards the spine."""
    long = float(rng.uniform(30, 40))
    middle = (-142 if side > 0 else -128) * torso.habitus.height + rng.normal(0, 10)
    height = np.asarray([middle], np.float32)
    x, y = torso.spine(height)
    centre = np.asarray(
        (x[0] + side * (60 * torso.habitus.width + rng.normal(0, 3)), y[0] - 8 + rng.normal(0, 4), middle)
    )
    lean, tip = side * rng.uniform(0.15, 0.35), rng.uniform(0.05, 0.25)
    along = np.linspace(-1, 1, 5)
    bend = -side * 7 * along**2
    path = np.stack(
        [centre[0] - lean * long * along + bend, centre[1] - tip * long * along, middle + long * along], 1
    )
    radii = np.asarray((20, 26, 26.5, 26, 20)) * rng.uniform(0.88, 1.12)
    field = lattice.tubes(path, radii, stretch=(1.0, 0.95, 1.0)) + 1.6 * lattice.noise(rng, 38)
    hilum = centre + np.asarray((-side * 30, 9, 0))
    return smooth_max(
        field,
        -lattice.tubes(hilum + np.asarray([(0, 0, 0), (side * 16, -3, 0)]), (13, 6), stretch=(1, 0.7, 1.5)),
        5,
    )


def _kidneys(rng: np.random.Generator, lattice: Lattice, fields: list[Field], room: Field) -> list[Shape]:
    shapes: list[Shape] = []
    x, _, _ = lattice.open_axes()
    for side, field in zip((1.0, -1.0), fields, strict=True):
        bean = np.maximum(field, room + 1)
        inner = np.flatnonzero((bean < 0).any(axis=(1, 2)))
        medial = lattice.axis(0)[inner[0] if side > 0 else inner[-1]]
        depth = np.abs(x - medial)
        sinus = np.maximum(bean + 9.5, depth - 30) + 2.5 * lattice.noise(rng, 26)
        pyramids = np.maximum(bean + float(rng.uniform(5, 7)), 4.5 * lattice.noise(rng, 21) - 1.5)
        shapes += [
            LatticeShape.cut(Tissue.KIDNEY_CORTEX, lattice, bean),
            LatticeShape.cut(Tissue.KIDNEY_MEDULLA, lattice, pyramids),
            LatticeShape.cut(Tissue.FAT, lattice, sinus),
        ]
    return shapes


def _spleen(rng: np.random.Generator, torso: Torso, lattice: Lattice, room: Field) -> Field:
    """A crescent along the wall of the left flank."""
    size = float(np.clip(rng.normal(1.0, 0.2), 0.65, 1.6))
    radii = np.asarray((16, 24, 27, 25, 16)) * size
    turn = float(rng.normal(0, 0.08))
    path = np.stack(
        [torso.place(angle + turn, 0.74, -80.0) for angle in np.linspace(-0.55, -0.95 - 0.4 * size, 5)]
    )
    ceiling = torso.dome_mm(path[:, 0], path[:, 1])
    path[:, 2] = ceiling - 0.9 * radii - rng.uniform(0, 14) - np.linspace(0, 10, 5) * size
    shape = lattice.tubes(path, radii, stretch=(1, 1, 1.6))
    shape += 2.5 * lattice.noise(rng, 45) + 1.0 * lattice.noise(rng, 22)
    return sized(shape, room, lattice, (90.0, 420.0))


def _gallbladder(rng: np.random.Generator, form: LiverForm, torso: Torso, lattice: Lattice) -> Field:
    """A pear under the liver; at times it has been taken out."""
    if rng.random() < 0.15:
        return lattice.empty()
    neck = np.asarray((torso.midline_mm + 48, -4, form.top_mm - 100 * form.size))
    aim = np.asarray((12, 38, -22)) * rng.uniform(0.6, 1.3) + rng.normal(0, 5, 3)
    wide = float(rng.uniform(8, 18))
    field = lattice.tubes([neck, neck + 0.55 * aim, neck + aim], (0.45 * wide, 0.9 * wide, wide))
    return np.asarray(field + 1.0 * lattice.noise(rng, 30), np.float32)


def _bladder(lattice: Lattice, field: Field, room: Field) -> list[Shape]:
    kept = np.maximum(field, room + 2)
    return [
        LatticeShape.cut(Tissue.MUSCLE, lattice, kept),
        LatticeShape.cut(Tissue.GALLBLADDER, lattice, kept + 1.2),
    ]


def _pancreas(rng: np.random.Generator, torso: Torso, lattice: Lattice, behind: Field) -> list[Shape]:
    mid, size = torso.midline_mm, torso.habitus.height
    z = np.asarray([-122 * size], np.float32)
    front = float(torso.spine(z)[1][0]) + 44
    shift = float(rng.normal(0, 8))
    path = [
        (mid + 38, front - 2, -148 * size + shift),
        (mid + 30, front + 2, -128 * size + shift),
        (mid + 6, front + 10, -118 * size + shift),
        (mid - 30, front - 2, -112 * size + shift),
        (mid - 78 * torso.habitus.width, front - 38, -98 * size + shift),
    ]
    radii = np.asarray((13, 14, 8, 10, 9)) * rng.uniform(0.75, 1.2)
    field = lattice.tubes(path, radii) + 1.5 * lattice.noise(rng, 14) + 1.5 * lattice.noise(rng, 30)
    loop = [path[0], (mid + 55, front, -120 * size + shift), (mid + 56, front - 4, -165 * size + shift)]
    duodenum = lattice.tubes(
        [(mid + 32, front + 14, -108 * size + shift), *loop[1:], (mid + 10, front - 8, -178 * size + shift)],
        11.5,
    )
    duodenum = duodenum + 1.2 * lattice.noise(rng, 18)
    return [
        LatticeShape.cut(Tissue.BOWEL, lattice, np.maximum(duodenum, 1 - behind)),
        LatticeShape.cut(Tissue.FLUID, lattice, np.maximum(duodenum + 4, 1 - behind)),
        LatticeShape.cut(Tissue.PANCREAS, lattice, np.maximum(field, 1 - behind)),
    ]
