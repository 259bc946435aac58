"""What a reader draws: from tissues to structures, each centre in its own style."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import edt
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unicare.core.errors import SettingsError
from unicare.core.structure import TASKS, structure_table
from unicare.data.phantom.tissues import Tissue

__all__ = ["ReaderStyle", "read", "read_structures", "sample_style"]

Mask = NDArray[np.bool_]
Labels = NDArray[np.uint8]


@dataclass(frozen=True)
class ReaderStyle:
    """How a centre's readers draw.

    Attributes:
        papillary_in_cavity: papillary muscles and trabeculae count to the left ventricle's cavity (drawn
            convex), else to its myocardium.
        trabeculae_in_cavity: the right ventricle's trabeculae count to its cavity, else to nothing.
        wall_mm: how much thicker (or thinner, if negative) the myocardium is drawn at its outer border.
        vein_mm: how far from the left atrium pulmonary veins still count to it.
        appendage: whether the left atrial appendage counts to the atrium.
        atrial_wall: whether the left atrium's wall counts to its cavity.
        aorta_mm: how far from the left ventricle the ascending aorta is drawn.
        pulmonary_mm: how far from the right ventricle the pulmonary artery is drawn.
        valves: whether leaflets go to the nearest chamber, or to nothing.
        liver_vessels: whether vessels inside the liver count to it.
        liver_lesions: whether lesions inside the liver count to it.
    """

    papillary_in_cavity: bool = True
    trabeculae_in_cavity: bool = True
    wall_mm: float = 0.0
    vein_mm: float = 10.0
    appendage: bool = True
    atrial_wall: bool = False
    aorta_mm: float = math.inf
    pulmonary_mm: float = math.inf
    valves: bool = True
    liver_vessels: bool = True
    liver_lesions: bool = True


def sample_style(rng: np.random.Generator) -> ReaderStyle:
    """Draws one reader's habits."""
    return ReaderStyle(
        papillary_in_cavity=bool(rng.random() < 0.85),
        trabeculae_in_cavity=bool(rng.random() < 0.85),
        wall_mm=float(rng.normal(0, 0.5)),
        vein_mm=float(rng.uniform(2, 25)),
        appendage=bool(rng.random() < 0.75),
        atrial_wall=bool(rng.random() < 0.25),
        aorta_mm=float(rng.uniform(35, 90)),
        pulmonary_mm=float(rng.uniform(30, 90)),
        valves=bool(rng.random() < 0.8),
        liver_vessels=bool(rng.random() < 0.85),
        liver_lesions=bool(rng.random() < 0.95),
    )


_T = Tissue
_INFARCT = (_T.SCAR, _T.NO_REFLOW)

_SIMPLE: Mapping[str, tuple[Tissue, ...]] = {
    "right atrium blood cavity": (_T.BLOOD_RA,),
    "ascending aorta": (_T.AORTA_ASCENDING,),
    "pulmonary artery": (_T.PULMONARY_ARTERY,),
    "myocardial scar": _INFARCT,
    "myocardial oedema": (_T.OEDEMA,),
    "left atrial scar": (_T.SCAR_LA,),
    "spleen": (_T.SPLEEN,),
    "stomach": (_T.STOMACH_WALL, _T.STOMACH_CONTENT),
    "superior vena cava": (_T.VENA_CAVA_SUPERIOR,),
    "inferior vena cava": (_T.VENA_CAVA_INFERIOR,),
    "descending aorta": (_T.AORTA_DESCENDING,),
    "no-reflow": (_T.NO_REFLOW,),
}
"""Structures that no habit changes (but for being cut short or thickened)."""

_CHAMBERS: Mapping[str, Tissue] = {
    "left ventricle blood cavity": _T.BLOOD_LV,
    "right ventricle blood cavity": _T.BLOOD_RV,
    "left atrium blood cavity": _T.BLOOD_LA,
    "right atrium blood cavity": _T.BLOOD_RA,
}

_VESSEL_STARTS: Mapping[str, str] = {
    "ascending aorta": "left ventricle blood cavity",
    "pulmonary artery": "right ventricle blood cavity",
}
"""Vessels that readers draw only near the chamber they come from."""

_KIDNEYS = ("right kidney", "left kidney")


def read(
    tissues: NDArray[np.integer[Any]],
    spacing_mm: Sequence[float],
    style: ReaderStyle,
    task: str | None = None,
    affine: NDArray[np.float64] | None = None,
) -> NDArray[np.int16]:
    """The label map that a reader draws.

    Args:
        tissues: 3D grid of ``Tissue`` ids.
        spacing_mm: along the grid's axes.
        style: the reader's habits.
        task: labels are that task's CARE values, of the structures it has; None: compact ids of all.
        affine: (4, 4), voxel index to RAS+ mm; tells the kidneys apart, without it there are none.

    Returns:
        int16 label map on the same grid; where a part and its parent claim a voxel the part wins.

    Raises:
        SettingsError: there is no such task.
    """
    if task is not None and task not in TASKS:
        raise SettingsError("no such task", found=task, expected=f"one of {TASKS}")
    values = {
        item.name: item.id if task is None else item.labels[task]
        for item in structure_table().structures
        if task is None or task in item.labels
    }
    masks = read_structures(tissues, style, spacing_mm=spacing_mm, affine=affine, wanted=frozenset(values))
    labels = np.zeros(tissues.shape, dtype=np.int16)
    for name in sorted(masks, key=_depth):
        labels[masks[name]] = values[name]
    return labels


def read_structures(
    tissues: NDArray[np.integer[Any]],
    style: ReaderStyle,
    *,
    spacing_mm: Sequence[float] = (1.0, 1.0, 1.0),
    affine: NDArray[np.float64] | None = None,
    wanted: Collection[str] | None = None,
) -> dict[str, Mask]:
    """A mask of every structure that is there, by its name in ``structures.csv``.

    Parents hold their parts (the myocardium its scar, the left atrium not the scar on its wall).

    Args:
        tissues: 3D grid of ``Tissue`` ids.
        style: the reader's habits.
        spacing_mm: along the grid's axes; lengths in the style are measured with it.
        affine: (4, 4), voxel index to RAS+ mm, for structures that have a side.
        wanted: only these structures; None: all.

    Returns:
        Structure name to mask; structures without a voxel are left out.
    """
    grid = np.asarray(tissues)
    present = np.bincount(grid.ravel(), minlength=len(Tissue)) > 0
    membership = _membership(style)
    if wanted is not None:
        needed = set(wanted) | {_VESSEL_STARTS[name] for name in wanted if name in _VESSEL_STARTS}
        membership = {name: kinds for name, kinds in membership.items() if name in needed}
    masks = {name: _select(grid, kinds) for name, kinds in membership.items() if present[list(kinds)].any()}
    spacing = (float(spacing_mm[0]), float(spacing_mm[1]), float(spacing_mm[2]))
    if present[Tissue.PULMONARY_VEIN] and style.vein_mm > 0 and "left atrium blood cavity" in masks:
        atrium = masks["left atrium blood cavity"]
        atrium |= _near(_select(grid, (Tissue.PULMONARY_VEIN,)), atrium, spacing, style.vein_mm)
    for name, reach_mm in (("ascending aorta", style.aorta_mm), ("pulmonary artery", style.pulmonary_mm)):
        _cut(masks, name, _VESSEL_STARTS[name], spacing, reach_mm)
    if style.valves and present[Tissue.VALVE]:
        _share_valves(grid, masks, spacing)
    if style.wall_mm and "left ventricular myocardium" in masks:
        _move_outer_border(masks, spacing, style.wall_mm)
    if affine is not None and present[Tissue.KIDNEY_CORTEX]:
        masks |= _kidneys(grid, affine)
    return {name: mask for name, mask in masks.items() if (wanted is None or name in wanted) and mask.any()}


def _membership(style: ReaderStyle) -> dict[str, tuple[Tissue, ...]]:
    """Structure to the tissues that it is made of, in this style."""
    left = (_T.PAPILLARY_LV, _T.TRABECULA_LV) if style.papillary_in_cavity else ()
    wall_left = () if style.papillary_in_cavity else (_T.PAPILLARY_LV, _T.TRABECULA_LV)
    right = (_T.TRABECULA_RV,) if style.trabeculae_in_cavity else ()
    appendage = (_T.ATRIAL_APPENDAGE,) if style.appendage else ()
    wall = (_T.WALL_LA, _T.SCAR_LA) if style.atrial_wall else ()
    vessels = (_T.LIVER_VESSEL,) if style.liver_vessels else ()
    lesions = (_T.LIVER_LESION,) if style.liver_lesions else ()
    return dict(_SIMPLE) | {
        "left ventricle blood cavity": (_T.BLOOD_LV, *left),
        "left ventricular myocardium": (_T.MYOCARDIUM, _T.OEDEMA, *_INFARCT, *wall_left),
        "right ventricle blood cavity": (_T.BLOOD_RV, *right),
        "left atrium blood cavity": (_T.BLOOD_LA, *appendage, *wall),
        "liver": (_T.LIVER, *vessels, *lesions),
    }


def _select(grid: NDArray[np.integer[Any]], kinds: Sequence[Tissue]) -> Mask:
    table = np.zeros(max(256, len(Tissue)), dtype=np.bool_)
    table[list(kinds)] = True
    return np.take(table, grid)


def _depth(name: str) -> int:
    """How many parents a structure has."""
    structure = structure_table().by_name(name)
    depth = 0
    while structure is not None and structure.parent:
        structure = structure_table().by_name(structure.parent)
        depth += 1
    return depth


def _around(mask: Mask, margin: Sequence[int]) -> tuple[slice, slice, slice]:
    """The box around a mask that isn't empty, widened by a margin in voxels."""
    slices = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        found = np.flatnonzero(mask.any(axis=others))
        slices.append(slice(max(0, int(found[0]) - margin[axis]), int(found[-1]) + 1 + margin[axis]))
    return (slices[0], slices[1], slices[2])


def _distance_mm(mask: Mask, spacing: tuple[float, float, float]) -> NDArray[np.float32]:
    """From every voxel to the nearest voxel of a mask."""
    return np.asarray(edt.edt(~mask, anisotropy=spacing), dtype=np.float32)


def _near(mask: Mask, start: Mask, spacing: tuple[float, float, float], reach_mm: float) -> Mask:
    """The part of a mask within reach of another one."""
    if not mask.any() or not start.any():
        return np.zeros_like(mask)
    box = _around(mask | start, (1, 1, 1))
    kept = np.zeros_like(mask)
    kept[box] = mask[box] & (_distance_mm(start[box], spacing) <= reach_mm)
    return kept


def _cut(
    masks: dict[str, Mask], name: str, start: str, spacing: tuple[float, float, float], reach_mm: float
) -> None:
    """Cuts a vessel off at a distance from where it starts, if its start is in view."""
    if name in masks and start in masks and math.isfinite(reach_mm):
        masks[name] = _near(masks[name], masks[start], spacing, reach_mm)


def _share_valves(
    grid: NDArray[np.integer[Any]], masks: dict[str, Mask], spacing: tuple[float, float, float]
) -> None:
    """Gives every leaflet voxel to the chamber whose blood is nearest, in place."""
    leaflets = grid == Tissue.VALVE
    box = _around(leaflets, [math.ceil(6 / s) for s in spacing])
    part = grid[box]
    blood = _select(part, tuple(_CHAMBERS.values()))
    if not blood.any():
        return
    nearest = ndimage.distance_transform_edt(
        ~blood, sampling=spacing, return_distances=False, return_indices=True
    )
    owner = part[tuple(nearest)]
    for name, tissue in _CHAMBERS.items():
        if name in masks:
            masks[name][box] |= leaflets[box] & (owner == tissue)


def _move_outer_border(masks: dict[str, Mask], spacing: tuple[float, float, float], change_mm: float) -> None:
    """Draws the left ventricle's wall thicker or thinner at its outer border, in place."""
    wall, cavity = masks["left ventricular myocardium"], masks.get("left ventricle blood cavity")
    box = _around(wall, [math.ceil((abs(change_mm) + 2) / s) for s in spacing])
    inner = cavity[box] if cavity is not None else np.zeros_like(wall[box])
    heart = wall[box] | inner
    # Voxel centres next to a border lie half a voxel away from it.
    half = min(spacing) / 2
    if change_mm > 0:
        others = [masks[name][box] for name in _CHAMBERS if name in masks]
        taken = np.logical_or.reduce([*others, inner])
        wall[box] |= (_distance_mm(heart, spacing) - half <= change_mm) & ~taken
        return
    outside = _distance_mm(~heart, spacing) - half < -change_mm
    lost = wall[box] & outside
    for name in ("left ventricular myocardium", "myocardial scar", "myocardial oedema", "no-reflow"):
        if name in masks:
            masks[name][box] &= ~lost


def _kidneys(grid: NDArray[np.integer[Any]], affine: NDArray[np.float64]) -> dict[str, Mask]:
    """Both kidneys; the spine, or else the middle of the picture, tells the sides apart."""
    both = _select(grid, (Tissue.KIDNEY_CORTEX, Tissue.KIDNEY_MEDULLA))
    spine = _select(grid, (Tissue.SPINAL_CORD, Tissue.DISC))
    axes = [affine[0, axis] * np.arange(n) for axis, n in enumerate(grid.shape)]
    right_mm = affine[0, 3] + sum(np.ix_(*axes))
    middle_mm = float(right_mm[spine].mean()) if spine.any() else float(right_mm.mean())
    return dict(zip(_KIDNEYS, (both & (right_mm > middle_mm), both & (right_mm <= middle_mm)), strict=True))
