"""The virtual patients of ``bench/depth.py``: those that are trained on, and what is held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unicare.train.patients import VirtualPatients
from unicare.train.pool import STACKS_PER_PATIENT, VIEWS, Pool, fill_pool

PATIENTS_IN_POOL = 140


@dataclass(frozen=True)
class HeldOut:
    """What is evaluated on: views, and the least distance between slices."""

    views: tuple[str, ...]
    least_mm: float


HELD_OUT = {
    "short axis": HeldOut(("short_axis",), 6.0),
    "axial": HeldOut(("heart", "abdomen"), 0.0),
}


def open_patients(folder: Path, numbers: Sequence[int]) -> Pool:
    """Some patients of a pool, which is filled when there is none."""
    if not any(folder.glob("patient?????.npz")):
        fill_pool(folder, PATIENTS_IN_POOL * STACKS_PER_PATIENT)
    stored = [(number, folder / f"patient{number:05d}.npz") for number in numbers]
    loaded = [(number, np.load(file)) for number, file in stored if file.exists()]
    return Pool(
        *(np.concatenate([one[name] for _, one in loaded]) for name in ("tissues", "affines", "views")),
        patients=np.concatenate([np.full(len(one["views"]), n, np.int32) for n, one in loaded]),
    )


def patients(pool: Pool, held_out: HeldOut | None = None) -> VirtualPatients:
    """All stacks of a pool, or those of some views."""
    world = VirtualPatients(pool, several=0.0)
    world.chosen = np.arange(len(pool.views))
    if held_out is not None:
        between_mm = np.linalg.norm(pool.affines[:, :3, 0], axis=1)
        views = [list(VIEWS).index(view) for view in held_out.views]
        world.chosen = np.flatnonzero(np.isin(pool.views, views) & (between_mm >= held_out.least_mm))
    return world
