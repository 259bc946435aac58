"""A pool of virtual patients' slices, drawn once and kept on disk: painting is slower than learning."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.data.phantom.anatomy import Anatomy
from unicare.data.phantom.heart import short_axis_affine
from unicare.data.phantom.patient import sample_anatomy

__all__ = ["STACKS_PER_PATIENT", "Pool", "fill_pool", "open_pool"]

SHAPE = (8, 160, 160)
"""Slices, rows, columns of every stack."""

STACKS_PER_PATIENT = 20

VIEWS: dict[str, float] = {"short_axis": 0.4, "heart": 0.22, "abdomen": 0.26, "oblique": 0.12}
"""How often each view is drawn."""


@dataclass(frozen=True, eq=False)
class Pool:
    """Stacks of slices of virtual patients.

    Attributes:
        tissues: (N, D, H, W) tissue ids.
        affines: (N, 4, 4), voxel index (d, h, w) to RAS+ mm.
        views: (N,) position in ``VIEWS``.
        patients: (N,) number of the patient.
    """

    tissues: NDArray[np.uint8]
    affines: NDArray[np.float64]
    views: NDArray[np.int8]
    patients: NDArray[np.int32]


def fill_pool(
    folder: Path, size: int, seed: int = 0, progress: Callable[[int, int], None] | None = None
) -> Pool:
    """Draws patients and cuts them into stacks, or goes on where it stopped.

    Patient i depends on the seed and on i only.

    Args:
        folder: where the pool is kept, one file a patient.
        size: how many stacks.
        seed: of all patients.
        progress: told the stacks that are there, and how many there will be.

    Raises:
        SettingsError: the folder holds a pool of another seed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _check_seed(folder, seed)
    count = -(-size // STACKS_PER_PATIENT)
    for number in range(count):
        file = folder / f"patient{number:05d}.npz"
        if not file.exists():
            stacks = _patient(np.random.default_rng([seed, number]))
            partial = file.with_suffix(".partial.npz")
            np.savez_compressed(partial, **stacks)
            os.replace(partial, file)
        if progress is not None:
            progress(min(size, (number + 1) * STACKS_PER_PATIENT), size)
    return open_pool(folder, count)


def open_pool(folder: Path, patients: int | None = None) -> Pool:
    """Reads the pool's first patients (by default all) into memory."""
    files = sorted(folder.glob("patient?????.npz"))[:patients]
    if not files:
        raise SettingsError(f"{folder}: no virtual patients", mend="let `unicare train` fill it")
    stored = [np.load(file) for file in files]
    return Pool(
        tissues=np.concatenate([one["tissues"] for one in stored]),
        affines=np.concatenate([one["affines"] for one in stored]),
        views=np.concatenate([one["views"] for one in stored]),
        patients=np.concatenate(
            [
                np.full(len(one["views"]), int(f.stem[7:]), np.int32)
                for f, one in zip(files, stored, strict=True)
            ]
        ),
    )


def _check_seed(folder: Path, seed: int) -> None:
    note = folder / "pool.json"
    if note.exists():
        found = json.loads(note.read_text(encoding="utf-8")).get("seed")
        if found != seed:
            raise SettingsError(
                f"{folder}: a pool of another seed", found=found, expected=seed, mend="choose another folder"
            )
        return
    note.write_text(json.dumps({"seed": seed, "shape": SHAPE}), encoding="utf-8")


def _patient(rng: np.random.Generator) -> dict[str, NDArray[Any]]:
    anatomy = sample_anatomy(rng)
    names = list(VIEWS)
    views = rng.choice(len(names), STACKS_PER_PATIENT, p=list(VIEWS.values()))
    affines = np.stack([_VIEW_AFFINES[names[view]](anatomy, rng) for view in views])
    tissues = np.stack([anatomy.tissues(affine, SHAPE) for affine in affines])
    return {"tissues": tissues, "affines": affines, "views": views.astype(np.int8)}


def _short_axis(anatomy: Anatomy, rng: np.random.Generator) -> NDArray[np.float64]:
    depth, height, width = SHAPE
    in_plane, between = float(rng.uniform(0.8, 1.9)), float(rng.uniform(4.0, 13.0))
    affine = short_axis_affine(anatomy.landmarks_mm, in_plane, between, (height, width, depth), rng)
    affine = affine[:, [2, 0, 1, 3]]
    affine[:3, 3] += affine[:3, 0] * rng.uniform(-1.5, 1.5)
    return affine


def _axial(rng: np.random.Generator, low_mm: float, high_mm: float, side_mm: float) -> NDArray[np.float64]:
    """Axial slices, a random window of them between two heights."""
    in_plane = float(rng.uniform(0.75, 1.6))
    between = float(np.exp(rng.uniform(np.log(0.9), np.log(7.0))))
    centre = np.array([rng.normal(side_mm, 25.0), rng.normal(0.0, 20.0), rng.uniform(low_mm, high_mm)])
    axes = np.array([[0.0, 0.0, between], [0.0, -in_plane, 0.0], [-in_plane, 0.0, 0.0]])
    return _centred(axes, centre)


def _heart(anatomy: Anatomy, rng: np.random.Generator) -> NDArray[np.float64]:
    return _axial(rng, -55.0, 100.0, 15.0)


def _abdomen(anatomy: Anatomy, rng: np.random.Generator) -> NDArray[np.float64]:
    affine = _axial(rng, -200.0, -25.0, 35.0)
    grown = rng.uniform(1.0, 1.6)
    centre = affine[:3] @ np.array([*(np.array(SHAPE) - 1) / 2, 1.0])
    return _centred(affine[:3, :3].T * np.array([[1.0], [grown], [grown]]), centre)


def _oblique(anatomy: Anatomy, rng: np.random.Generator) -> NDArray[np.float64]:
    turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    lengths = np.array([np.exp(rng.uniform(np.log(0.9), np.log(7.0))), *([rng.uniform(0.8, 1.8)] * 2)])
    centre = np.array([rng.normal(20, 30), rng.normal(0, 20), rng.uniform(-140, 80)])
    return _centred(turn * lengths[:, None], centre)


def _centred(axes: NDArray[np.float64], centre: NDArray[np.float64]) -> NDArray[np.float64]:
    """The affine with rows of ``axes`` as steps along d, h, w, and a point in the middle of the stack."""
    affine = np.eye(4)
    affine[:3, :3] = axes.T
    affine[:3, 3] = centre - axes.T @ ((np.array(SHAPE) - 1) / 2)
    return affine


_VIEW_AFFINES: dict[str, Callable[[Anatomy, np.random.Generator], NDArray[np.float64]]] = {
    "short_axis": _short_axis,
    "heart": _heart,
    "abdomen": _abdomen,
    "oblique": _oblique,
}
