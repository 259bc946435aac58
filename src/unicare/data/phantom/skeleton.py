"""Ribs, sternum, clavicles, shoulder blades and the spine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from unicare.data.phantom.anatomy import Shape
from unicare.data.phantom.lattice import FAR_MM, Field, Lattice, LatticeShape, smooth_max
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.torso import Torso

__all__ = ["build_ribs", "build_spine", "vertebra_heights"]

_PITCH_MM = (
    19.0,
    20.5,
    21.5,
    22.5,
    23.0,
    23.5,
    24.0,
    24.5,
    25.5,
    27.0,
    29.0,
    31.5,
    33.5,
    35.0,
    36.0,
    36.0,
    35.0,
)
"""Height of T1 to T12 and L1 to L5, each with the disc below."""

_NINTH = 8
"""Index of T9, which lies behind the heart's centre."""

# For ribs 1..12: how far the front end of the bone lies below its back end, the share of the way round
# where the bone ends (1 = sternum), and how far the cartilage climbs from there.
_DROP_MM = (38.0, 58.0, 74.0, 86.0, 96.0, 104.0, 110.0, 112.0, 108.0, 96.0, 66.0, 40.0)
_END = (0.84, 0.82, 0.80, 0.78, 0.76, 0.73, 0.70, 0.67, 0.62, 0.57, 0.44, 0.30)
_CLIMB_MM = (2.0, 4.0, 8.0, 14.0, 24.0, 36.0, 48.0, 52.0, 48.0, 40.0, 0.0, 0.0)


def vertebra_heights(torso: Torso) -> NDArray[np.float32]:
    """S coordinate of the middle of T1 to L5 (17,) mm."""
    pitch = np.asarray(_PITCH_MM, np.float32) * np.float32(torso.habitus.height)
    middle = np.cumsum(pitch) - pitch / 2
    return np.asarray(middle[_NINTH] - middle, np.float32)


def build_ribs(rng: np.random.Generator, torso: Torso) -> list[Shape]:
    """Ribs, their cartilages, sternum, clavicles and shoulder blades, in painting order."""
    reach = 178 * torso.habitus.width
    mid = torso.midline_mm
    lattice = Lattice.over((mid - reach, -190, -200), (mid + reach, 110, 200), (3.2, 3.2, 3.0))
    bone, cartilage, sheet = _rib_fields(rng, torso, lattice)
    shapes: list[Shape] = [
        LatticeShape.cut(Tissue.FAT, lattice, sheet),
        LatticeShape.cut(Tissue.CARTILAGE, lattice, cartilage),
        LatticeShape.cut(Tissue.BONE, lattice, bone),
        LatticeShape.cut(Tissue.MARROW, lattice, bone + float(rng.uniform(1.4, 2.2))),
    ]
    return [*shapes, *_sternum(rng, torso), *_girdle(rng, torso)]


def _front_y(torso: Torso, z_mm: NDArray[np.float32]) -> NDArray[np.float32]:
    """A coordinate of the cavity's front on the midline."""
    return np.asarray(torso.axis_y(z_mm) + torso.cavity(z_mm)[0], np.float32)


def _rib_fields(rng: np.random.Generator, torso: Torso, lattice: Lattice) -> tuple[Field, Field, Field]:
    polar = torso.polar(lattice)
    depth = torso.field(lattice, polar, "cavity") - np.float32(5.0)
    near = np.flatnonzero(np.abs(depth).ravel() < 14)
    depth = depth.ravel()[near]
    angle = polar.theta.ravel()[near]
    way = np.abs(angle) / np.float32(np.pi)
    z = np.broadcast_to(lattice.open_axes()[2], lattice.shape).ravel()[near]
    size = np.float32(torso.habitus.height)
    backs = vertebra_heights(torso)[:12] + 3
    grid = np.linspace(0, 1, 101)
    bone = np.full(len(near), FAR_MM, np.float32)
    cartilage = bone.copy()
    width, thick = float(rng.uniform(5.8, 7.2)), float(rng.uniform(3.6, 4.6))
    steep = float(rng.uniform(0.85, 1.12))
    for k in range(12):
        drop, end = _DROP_MM[k] * size * steep, _END[k] + 0.02 * float(rng.standard_normal())
        start = 0.075
        knots = (0.0, start, 0.33 * end + 0.05, 0.7 * end, end, 0.5 * (end + 0.97), 0.97, 1.05)
        falls = np.asarray((0, 0, -0.36 * drop, -0.8 * drop, -drop, 0, 0, 0), np.float64)
        climb = _CLIMB_MM[k] * size
        falls[5:] = (-drop + 0.55 * climb, -drop + climb, -drop + climb)
        course = PchipInterpolator(knots, falls)(grid)
        slope = np.gradient(course, grid) / (np.pi * 115)
        tilt = (1 / np.sqrt(1 + slope**2)).astype(np.float32)
        for side in (1.0, -1.0):
            shift = np.float32(backs[k] + rng.normal(0, 1.2))
            mine = np.flatnonzero((angle * side > 0) & (np.abs(z - shift + drop / 2) < drop / 2 + 22))
            share = way[mine]
            line = np.interp(share, grid, course).astype(np.float32)
            fall = (z[mine] - shift - line) * np.interp(share, grid, tilt).astype(np.float32)
            across = np.sqrt((fall / width) ** 2 + (depth[mine] / thick) ** 2)
            tube = (across - 1) * np.float32(thick)
            scale = np.float32(np.pi * 115)
            ends = np.maximum((start - share) * scale, (share - end) * scale)
            bone[mine] = np.minimum(bone[mine], np.maximum(tube, ends))
            last = 0.99 if k < 10 else 0.0
            beyond = np.maximum((end - share) * scale - 1, (share - last) * scale)
            cartilage[mine] = np.minimum(cartilage[mine], np.maximum(tube - 0.5, beyond))
    fields = []
    outer = polar.rho.ravel()[near] - polar.radius(torso.muscles(lattice.axis(2))).ravel()[near]
    fatty = 0.4 + 0.055 * torso.habitus.fat_mm + 0.7 * lattice.noise(rng, 60).ravel()[near]
    wander = np.float32(7.5) + 1.2 * lattice.noise(rng, 40).ravel()[near]
    sheet = np.maximum(np.abs(depth - wander) - np.clip(fatty, -1, 3.5), outer + 5)
    for part in (bone, cartilage, sheet):
        whole = lattice.empty()
        whole.ravel()[near] = part
        fields.append(whole)
    return fields[0], fields[1], fields[2]


def _sternum(rng: np.random.Generator, torso: Torso) -> list[Shape]:
    size = torso.habitus.height
    heights = np.asarray((132, 112, 96, 88, 60, 30, 0, -14, -30), np.float32) * np.float32(size)
    heights += np.float32(rng.normal(0, 5))
    path = np.stack([np.full(9, torso.midline_mm), _front_y(torso, heights) + 7.5, heights], 1)
    lattice = Lattice.over(path.min(0) - 40, path.max(0) + 40, (3.0, 2.5, 3.0))
    widths = np.asarray((4.2, 5.0, 4.4, 3.6, 3.8, 4.6, 4.2, 2.6, 1.8)) * rng.uniform(0.9, 1.2)
    field = lattice.tubes(path, widths, stretch=(4.4, 1.25, 1)) + 0.5 * lattice.noise(rng, 22)
    return [
        LatticeShape.cut(Tissue.BONE, lattice, field),
        LatticeShape.cut(Tissue.MARROW, lattice, field + float(rng.uniform(1.3, 2.0))),
    ]


def _girdle(rng: np.random.Generator, torso: Torso) -> list[Shape]:
    """Clavicles and shoulder blades."""
    width, size, mid = torso.habitus.width, torso.habitus.height, torso.midline_mm
    top = np.asarray([132 * size], np.float32)
    front = float(_front_y(torso, top)[0])
    lattice = Lattice.over((mid - 185 * width, -175, 10), (mid + 185 * width, 60, 205), (3.5, 3.0, 3.5))
    field = lattice.empty()
    for side in (1.0, -1.0):
        clavicle = [
            (22, front + 4, 134),
            (65, front + 4, 146),
            (105, front - 26, 160),
            (150, front - 52, 176),
        ]
        path = [(mid + side * x * width, y, z * size + rng.normal(0, 2)) for x, y, z in clavicle]
        lattice.tubes(path, (7.5, 5.5, 5.0, 6.0), into=field)
        levels = np.linspace(35, 165, 9)
        back = torso.cavity(np.asarray(levels * size, np.float32))
        middle = torso.axis_y(np.asarray(levels * size, np.float32))
        for k in range(8):
            blade = []
            for angle in (0.66, 1.02 + 0.02 * k):
                index = round((side * angle + np.pi) / (2 * np.pi) * len(back)) % len(back)
                radius = back[index, k] + 19
                blade.append(
                    (
                        mid + side * radius * np.sin(angle),
                        middle[k] - radius * np.cos(angle),
                        levels[k] * size,
                    )
                )
            lattice.tubes(blade, (2.8, 4.5 + 0.3 * k), into=field, stretch=(1, 1, 4.0))
    return [
        LatticeShape.cut(Tissue.BONE, lattice, field),
        LatticeShape.cut(Tissue.MARROW, lattice, field + 2.2),
    ]


def build_spine(rng: np.random.Generator, torso: Torso) -> list[Shape]:
    """Vertebrae with arches, discs, the canal and the cord, in painting order."""
    heights = vertebra_heights(torso)
    low, high = float(heights[-1]) - 45, min(float(heights[0]) + 30, 208.0)
    inner = Lattice.over((0, 0, low), (1, 1, high), 2.5)
    curve = torso.spine(inner.axis(2))
    mid = torso.midline_mm
    lattice = Lattice.over((mid - 58, curve[1].min() - 82, low), (mid + 58, curve[1].max() + 32, high), 2.5)
    x, y, z = lattice.open_axes()
    dx, dy = x - curve[0][None, None, :], y - curve[1][None, None, :]
    level = z.ravel()
    growth = np.interp(level, heights[::-1], np.linspace(1.32, 0.82, 17)).astype(np.float32) * np.float32(
        torso.habitus.width**0.5
    )
    rx, ry = 18.5 * growth, 14.5 * np.maximum(growth, 0.9)
    nearest = np.argmin(np.abs(level[:, None] - heights[None, :]), 1)
    pitch = np.asarray(_PITCH_MM, np.float32)[nearest] * np.float32(torso.habitus.height)
    disc = np.interp(level, (-250, 150), (10.5, 4.5)).astype(np.float32) * np.float32(rng.uniform(0.7, 1.15))
    along = np.abs(level - heights[nearest]) - (pitch - disc) / 2
    waist = 1 - 0.1 * np.clip(-along / (pitch / 2), 0, 1) ** 0.7
    kidney = np.where(dy < 0, 1.12 * dy * dy, dy * dy)
    column = (np.sqrt((dx / rx) ** 2 + kidney / ry**2) - waist) * ry
    bodies = smooth_max(column, np.broadcast_to(along, column.shape).astype(np.float32), 3)
    back = curve[1] - ry - 7.5
    canal_x, canal_y = (dx / 10.0), (y - back[None, None, :]) / 8.0
    canal = (np.sqrt(canal_x**2 + canal_y**2) - 1) * 8.0 + 0 * z
    arch = _arches(lattice, torso, heights, canal)
    shell = float(rng.uniform(1.3, 2.2))
    bone = np.minimum(bodies, arch)
    cord_radius = np.where(level > heights[12], 4.4, 1.6).astype(np.float32)
    cord = np.sqrt((dx / 1.15) ** 2 + (y - back[None, None, :]) ** 2) - cord_radius
    gristle = np.maximum(column + 0.8, np.broadcast_to(z * 0 + heights[-1] - 22 - z, column.shape))
    return [
        LatticeShape.cut(Tissue.DISC, lattice, gristle),
        LatticeShape.cut(Tissue.BONE, lattice, bone),
        LatticeShape.cut(Tissue.MARROW, lattice, bone + shell),
        LatticeShape.cut(Tissue.FLUID, lattice, canal + 1.0),
        LatticeShape.cut(Tissue.SPINAL_CORD, lattice, cord),
    ]


def _arches(lattice: Lattice, torso: Torso, heights: NDArray[np.float32], canal: Field) -> Field:
    """Pedicles, laminae, transverse and spinous processes."""
    field = lattice.empty()
    xs, ys = torso.spine(heights)
    for k, height in enumerate(heights):
        lumbar = max(k - 11, 0) / 5
        share = k / 16
        body = 14.5 * (0.9 + 0.4 * share)
        back = ys[k] - body - 7.5
        long = 22 + 8 * lumbar
        drop = 17 * (1 - lumbar) + 5
        x = xs[k]
        root = (x, back - 11, height - 4)
        lattice.tubes(
            [root, (x, back - 11 - long, height - 4 - drop)], (4.0, 4.5), into=field, stretch=(0.8, 1, 2)
        )
        for side in (1.0, -1.0):
            pedicle = [
                (x + side * 12.5, ys[k] - body + 3, height + 5),
                (x + side * 13.5, back - 2, height + 4),
            ]
            lattice.tubes(pedicle, (4.2, 4.6), into=field, stretch=(0.8, 1, 1.6))
            lattice.tubes(
                [(x + side * 13, back - 4, height), root], (4.2, 3.6), into=field, stretch=(1, 1, 2.2)
            )
            out = (26 + 18 * lumbar, -16 * (1 - lumbar) - 2)
            tip = (x + side * out[0], back + out[1], height + 5)
            lattice.tubes(
                [(x + side * 13.5, back - 3, height + 3), tip], (4.4, 3.6), into=field, stretch=(1, 1, 1.4)
            )
            facets = [(x + side * 13, back - 7, height + 12), (x + side * 14, back - 8, height - 15)]
            lattice.tubes(facets, 4.0, into=field)
    return np.asarray(np.maximum(field, -canal - 1.0), np.float32)
