"""A heart: four chambers, valves, vessels, fat and lesions, in painting order."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.anatomy import Shape
from unicare.data.phantom.heart_parts import HeartOptions, HeartParts, draw_parts, sample_heart_options
from unicare.data.phantom.lattice import Lattice, LatticeShape
from unicare.data.phantom.lesions import atrial_scars, infarct_shapes
from unicare.data.phantom.shapes import (
    Block,
    Difference,
    Float,
    Grown,
    HalfSpace,
    Intersection,
    Layered,
    Loft,
    Painted,
    Shell,
    Solid,
    Union,
    rotation,
    rough,
    tube,
    vector,
)
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.trabeculae import Trabeculae, papillary_muscles
from unicare.data.phantom.vessels import coronary_arteries

__all__ = ["HeartOptions", "build_heart", "sample_heart_options", "short_axis_affine"]

Landmarks = dict[str, NDArray[np.float32]]

_COVER_STEP_MM = 4.0
_NOT_MYOCARDIUM = frozenset(Tissue) - {Tissue.MYOCARDIUM}


def build_heart(rng: np.random.Generator, options: HeartOptions) -> tuple[list[Shape], Landmarks]:
    """A random heart.

    Args:
        rng: source of chance; the same state gives the same heart.
        options: what is not left to chance.

    Returns:
        Shapes in painting order, and landmarks (3,) in RAS+ mm: ``lv_apex``, ``mitral_centre``,
        ``tricuspid_centre``, ``aortic_centre``, ``pulmonary_centre``, ``rv_insertion_anterior``,
        ``rv_insertion_inferior``, ``rv_apex``, ``la_centre``, ``ra_centre``, ``aorta_descending`` and
        ``vena_cava_inferior`` (where they end), ``spine`` (its expected midline); and directions ``lv_axis``
        (apex to base), ``lv_septal``, ``lv_anterior``.
    """
    parts = draw_parts(rng, options)
    shapes: list[Shape] = [
        *_coverings(rng, parts, options),
        *_vessel_walls(parts),
        *_atria(rng, parts, options),
        *_right_ventricle(rng, parts),
        *_left_ventricle(rng, parts, options),
        *_orifices(rng, parts, options),
        *_arteries(parts),
        *coronary_arteries(rng, parts.left, parts.right),
    ]
    return shapes, _landmarks(parts)


def _coverings(rng: np.random.Generator, parts: HeartParts, options: HeartOptions) -> list[Shape]:
    """Pericardium and the fat within, which fills the grooves between the chambers."""
    hull = Union(
        (
            parts.left.envelope,
            Grown(parts.right.inflow, parts.right.wall_mm),
            parts.left_atrium.hull,
            parts.right_atrium.hull,
            Grown(parts.right.outflow, parts.right.wall_mm),
        ),
        blend_mm=7 + 2 * options.fat_mm,
    )
    fat = rough(Grown(hull, 0.35 * options.fat_mm - 0.3), rng, 0.6 + 0.2 * options.fat_mm, 45)
    skin = float(rng.uniform(0.8, 1.6))
    low, high = Grown(fat, skin + _COVER_STEP_MM).bounds_mm
    lattice = Lattice.over(low, high, _COVER_STEP_MM)
    # So smooth a surface needs few samples.
    points = np.stack(np.broadcast_arrays(*lattice.open_axes())).reshape(3, -1)
    field = fat.distance_mm(points.T).reshape(lattice.shape)
    return [
        LatticeShape.cut(Tissue.PERICARDIUM, lattice, field - skin),
        LatticeShape.cut(Tissue.EPICARDIAL_FAT, lattice, field),
    ]


def _vessel_walls(parts: HeartParts) -> list[Painted]:
    veins = [vein for atrium in (parts.left_atrium, parts.right_atrium) for _, vein in atrium.veins]
    walls: list[Painted] = [Painted(Grown(vein, 0.9), Tissue.WALL_VESSEL) for vein in veins]
    walls.append(Painted(Grown(parts.pulmonary.branches, 1.0), Tissue.WALL_VESSEL))
    walls.append(Painted(Grown(parts.aorta.arch, 1.5), Tissue.WALL_VESSEL))
    walls.append(Painted(Grown(parts.aorta.descending, 1.5), Tissue.WALL_VESSEL))
    walls.append(Painted(Grown(parts.left_atrium.appendage, 1.2), Tissue.WALL_LA))
    walls.append(Painted(Grown(parts.right_atrium.appendage, 1.2), Tissue.WALL_RA))
    return walls


def _atria(rng: np.random.Generator, parts: HeartParts, options: HeartOptions) -> list[Painted]:
    left, right = parts.left_atrium, parts.right_atrium
    left_wall = Grown(left.body, left.wall_mm)
    # The left wall serves as the septum.
    right_body = Difference(right.body, left_wall)
    caval = {"superior": Tissue.VENA_CAVA_SUPERIOR, "inferior": Tissue.VENA_CAVA_INFERIOR}
    shapes = [Painted(Grown(right.body, right.wall_mm), Tissue.WALL_RA), Painted(left_wall, Tissue.WALL_LA)]
    if options.atrial_scar:
        roots = np.array([vein.path_mm[1] for _, vein in left.veins], np.float32)[::3]
        shapes += atrial_scars(rng, left.body, left.wall_mm, roots)
    shapes.append(Painted(parts.pulmonary.branches, Tissue.PULMONARY_ARTERY))
    shapes += [Painted(vein, Tissue.PULMONARY_VEIN) for _, vein in left.veins]
    shapes += [Painted(vein, caval[name]) for name, vein in right.veins]
    shapes.append(Painted(left.appendage, Tissue.ATRIAL_APPENDAGE))
    shapes.append(Painted(right.appendage, Tissue.BLOOD_RA))
    shapes.append(Painted(right_body, Tissue.BLOOD_RA))
    shapes.append(Painted(left.body, Tissue.BLOOD_LA))
    return shapes


def _right_ventricle(rng: np.random.Generator, parts: HeartParts) -> list[Shape]:
    right, frame = parts.right, parts.frame
    length = parts.left.length_mm
    fade = (-0.3 * length, float(rng.uniform(0.1, 0.5)) * length)
    ridges = Trabeculae.draw(rng, right.cavity, frame, float(rng.uniform(4, 9)), fade)
    keep = frozenset(Tissue) - {Tissue.BLOOD_LA, Tissue.WALL_LA}
    return [
        Layered(right.cavity, ((right.wall_mm, Tissue.WALL_RV), (0.0, Tissue.BLOOD_RV)), keep),
        Painted(ridges, Tissue.TRABECULA_RV, frozenset({Tissue.BLOOD_RV})),
    ]


def _left_ventricle(rng: np.random.Generator, parts: HeartParts, options: HeartOptions) -> list[Painted]:
    left = parts.left
    fade = (-0.2 * left.length_mm, float(rng.uniform(0.15, 0.5)) * left.length_mm)
    depth = min(options.trabeculae_mm, 0.3 * left.radius_mm)
    ridges = Trabeculae.draw(rng, left.cavity, parts.frame, depth, fade, smooth_septum=1.0)
    blood = frozenset({Tissue.BLOOD_LV, Tissue.TRABECULA_LV})
    shapes = [
        Painted(left.outer, Tissue.MYOCARDIUM),
        Painted(left.cavity, Tissue.BLOOD_LV),
        Painted(ridges, Tissue.TRABECULA_LV, blood),
    ]
    shapes += [
        Painted(muscle, Tissue.PAPILLARY_LV, blood)
        for muscle in papillary_muscles(rng, left, options.systole)
    ]
    if parts.infarct is not None:
        shapes += infarct_shapes(rng, left, parts.infarct)
    return shapes


def _leaflets(
    rng: np.random.Generator,
    centre: Float,
    normal: Float,
    radius_mm: float,
    open_share: float,
    depth_mm: float,
) -> Solid:
    """A thin funnel from the annulus into the ventricle; `open_share` of the radius is left at its tip."""
    first, second = np.linalg.svd(normal[None])[2][1:]
    turn = rng.uniform(0, np.pi)
    along = np.cos(turn) * first + np.sin(turn) * second
    axes = vector(np.stack([along, np.cross(normal, along), normal], axis=1))
    tip = max(open_share, 0.08) * radius_mm
    funnel = Loft(
        (-depth_mm, -0.4 * depth_mm, 0.0),
        ((tip, 0.8 * tip), (0.85 * radius_mm, 0.76 * radius_mm), (radius_mm, radius_mm)),
        origin_mm=centre,
        axes=axes,
    )
    wavy = rough(funnel, rng, 0.9, 16)
    cut = normal * np.float32(depth_mm - 1.1)
    ends = (HalfSpace(centre - cut, -normal), HalfSpace(centre - normal * np.float32(1.1), normal))
    # The leaflets part at the commissures.
    gap = Block(centre, (2 * radius_mm, rng.uniform(1, 4), depth_mm), axes)
    return Difference(Intersection((Shell(wavy, float(rng.uniform(0.7, 1.3))), *ends)), gap)


def _orifices(rng: np.random.Generator, parts: HeartParts, options: HeartOptions) -> list[Painted]:
    """Blood through the valves' planes, then the leaflets."""
    left, frame = parts.left, parts.frame
    outlet_from = frame.point(2, 3, 0.5 * left.length_mm - 16)
    outlet = tube((outlet_from, parts.aortic_mm), parts.aortic_radius_mm, 5)
    opening = 1 - options.systole
    mitral = _leaflets(
        rng, parts.mitral_mm, left.base_normal, parts.mitral_radius_mm, 0.65 * opening, 8 + 9 * opening
    )
    basal = frame.axes[:, 2]
    tricuspid = _leaflets(rng, parts.tricuspid_mm, basal, 15 * options.size, 0.65 * opening, 7 + 8 * opening)
    within_left = frozenset({Tissue.BLOOD_LV, Tissue.TRABECULA_LV})
    fat = Tissue.EPICARDIAL_FAT
    return [
        Painted(parts.right_atrium.valve, Tissue.BLOOD_RA, frozenset({Tissue.WALL_RV, Tissue.WALL_RA, fat})),
        Painted(
            parts.left_atrium.valve, Tissue.BLOOD_LA, frozenset({Tissue.MYOCARDIUM, Tissue.WALL_LA, fat})
        ),
        Painted(outlet, Tissue.BLOOD_LV),
        Painted(mitral, Tissue.VALVE, within_left),
        Painted(tricuspid, Tissue.VALVE, frozenset({Tissue.BLOOD_RV, Tissue.TRABECULA_RV})),
    ]


def _arteries(parts: HeartParts) -> list[Painted]:
    trunk, great = parts.pulmonary.trunk, parts.aorta
    cavities = frozenset({Tissue.BLOOD_LV, Tissue.MYOCARDIUM, Tissue.BLOOD_RV, Tissue.VALVE})
    return [
        Painted(
            Grown(trunk, 1.2), Tissue.WALL_VESSEL, frozenset(Tissue) - cavities - {Tissue.PULMONARY_ARTERY}
        ),
        Painted(Grown(great.ascending, 1.4), Tissue.WALL_VESSEL, frozenset(Tissue) - cavities),
        Painted(trunk, Tissue.PULMONARY_ARTERY, _NOT_MYOCARDIUM),
        Painted(great.descending, Tissue.AORTA_DESCENDING),
        Painted(great.arch, Tissue.AORTA_ARCH),
        Painted(great.ascending, Tissue.AORTA_ASCENDING),
    ]


def _landmarks(parts: HeartParts) -> Landmarks:
    left, frame = parts.left, parts.frame
    half = left.length_mm / 2
    anterior, inferior = parts.right.insertions()
    ends = {name: vein.path_mm[-1] for name, vein in parts.right_atrium.veins}
    points = {
        "lv_apex": frame.point(0, 0, -half),
        "mitral_centre": parts.mitral_mm,
        "tricuspid_centre": parts.tricuspid_mm,
        "aortic_centre": parts.aortic_mm,
        "pulmonary_centre": parts.right.outlet_mm,
        "rv_insertion_anterior": anterior,
        "rv_insertion_inferior": inferior,
        "rv_apex": frame.point(
            float(left.outer_radius_mm(-half + 8)), 0, (parts.right.start - 0.5) * 2 * half
        ),
        "la_centre": parts.left_atrium.hull.centre_mm,
        "ra_centre": parts.right_atrium.hull.centre_mm,
        "aorta_descending": parts.aorta.end_mm,
        "vena_cava_inferior": ends["inferior"],
        "spine": (parts.midline_mm, -95.0, 0.0),
        "lv_axis": frame.axes[:, 2],
        "lv_septal": frame.axes[:, 0],
        "lv_anterior": frame.axes[:, 1],
    }
    return {name: vector(np.squeeze(point)) for name, point in points.items()}


def short_axis_affine(
    landmarks: Landmarks,
    spacing_mm: float,
    slice_spacing_mm: float,
    shape: tuple[int, int, int],
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64]:
    """The affine of a stack of short-axis slices, as a technician would plan it.

    Axis 0 runs from the septum to the lateral wall, axis 1 from anterior to inferior, axis 2 from base to
    apex; the stack's middle is the middle of the ventricle.

    Args:
        landmarks: from `build_heart`.
        spacing_mm: in plane.
        slice_spacing_mm: between slices.
        shape: voxels (X, Y, Z).
        rng: tilts, turns and shifts the planes a little; without, they are exact.

    Returns:
        (4, 4) from voxel indices to RAS+ mm.
    """
    axes = np.stack(
        [-landmarks["lv_septal"], -landmarks["lv_anterior"], -landmarks["lv_axis"]], axis=1
    ).astype(float)
    # Turned so that the right ventricle lies left and the anterior wall up, as on a monitor.
    centre = np.zeros(3)
    if rng is not None:
        axes = axes @ rotation(rng.normal(0, (4.0, 4.0, 14.0))).astype(float)
        centre = axes @ rng.normal(0, (9.0, 9.0, 3.0))
    affine = np.eye(4)
    affine[:3, :3] = axes * (spacing_mm, spacing_mm, slice_spacing_mm)
    affine[:3, 3] = centre - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return affine
