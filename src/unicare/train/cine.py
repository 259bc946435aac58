"""Real short-axis cine slices with left-ventricular masks: the Sunnybrook Cardiac Data (CC0).

Only the cavity was drawn. The wall around it has no border here, but who prompts the cavity often prompts
the wall as well; so a band around the cavity is prompted beside it in half of the scenes, never asked for.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from scipy import ndimage

from unicare.core.errors import SettingsError
from unicare.core.structure import structure_table
from unicare.train.scene import Scene

__all__ = ["SunnybrookCine"]

CAVITY, WALL = 1, 2


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
        table = structure_table()
        cavity, wall = (
            table.by_name(name) for name in ("left ventricle blood cavity", "left ventricular myocardium")
        )
        if cavity is None or wall is None:
            raise SettingsError("the structure table lacks the left ventricle", mend="install unicare again")
        self.structures = {CAVITY: cavity.id, WALL: wall.id}

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
        if rng.random() < 0.5:
            outside_mm = 1.4 * ndimage.distance_transform_edt(mask == 0)
            mask = np.where((outside_mm > 0) & (outside_mm < rng.uniform(5.0, 11.0)), WALL, mask)
        name = "bSSFP" if rng.random() < 0.5 else "unknown"
        return Scene(
            images={name: np.ascontiguousarray(image[None], dtype=np.float32)},
            labels=np.ascontiguousarray(mask[None]),
            structures=self.structures,
            spacing_mm=(8.0, 1.4, 1.4),
            context=frozenset({WALL}),
        )
