"""Real short-axis cine slices with left-ventricular masks: the Sunnybrook Cardiac Data (CC0)."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unicare.core.errors import SettingsError
from unicare.core.structure import structure_table
from unicare.train.scene import Scene

__all__ = ["SunnybrookCine"]


class SunnybrookCine:
    """Single slices, augmented by flips, quarter turns, contrast and noise.

    Args:
        path: ``scd_lv.npz`` with images (N, 256, 256) and masks (N, 256, 32), bits packed.
        split: ``train`` leaves every tenth patient out, ``validation`` takes only those.
    """

    def __init__(self, path: Path, split: str = "train") -> None:
        if not path.is_file():
            raise SettingsError(
                f"{path}: no such file",
                expected="scd_lv.npz of the Sunnybrook Cardiac Data",
                mend="set data.cine_path, or data.shares.cine to 0",
            )
        stored = np.load(path)
        names = [str(name).rsplit("/", 1)[-1].split("-IM-")[0] for name in stored["names"]]
        order = {patient: i for i, patient in enumerate(sorted(set(names)))}
        held_out = np.array([order[name] % 10 == 9 for name in names])
        chosen = np.flatnonzero(held_out if split == "validation" else ~held_out)
        self.images = stored["images"][chosen]
        self.masks = stored["masks"][chosen]
        cavity = structure_table().by_name("left ventricle blood cavity")
        self.structure = cavity.id if cavity else 0

    def scene(self, rng: np.random.Generator) -> Scene:
        """One slice (1, 256, 256), augmented."""
        index = int(rng.integers(len(self.images)))
        image = self.images[index].astype(np.float32) / 255.0
        mask = np.unpackbits(self.masks[index], axis=-1).astype(np.int16)
        turns, flip = int(rng.integers(4)), bool(rng.integers(2))
        image, mask = np.rot90(image, turns), np.rot90(mask, turns)
        if flip:
            image, mask = image[::-1], mask[::-1]
        image = image ** np.float32(np.exp(rng.normal(0.0, 0.3)))
        image = image + rng.uniform(0.0, 0.05) * rng.standard_normal(image.shape, dtype=np.float32)
        name = "bSSFP" if rng.random() < 0.5 else "unknown"
        return Scene(
            images={name: np.ascontiguousarray(image[None], dtype=np.float32)},
            labels=np.ascontiguousarray(mask[None]),
            structures={1: self.structure},
            spacing_mm=(8.0, 1.4, 1.4),
        )
