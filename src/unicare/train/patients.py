"""The world of virtual patients: slices of the pool, in a sequence's contrast or in one no scanner has."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unicare.data.phantom.contrast import Contrast, random_contrast, sample_contrast
from unicare.data.phantom.readers import read, sample_style
from unicare.data.phantom.render import render, sample_settings
from unicare.train.pool import VIEWS, Pool
from unicare.train.scene import Scene

__all__ = ["VirtualPatients"]

SEQUENCES: Mapping[str, tuple[str, ...]] = {
    "short_axis": ("bSSFP", "bSSFP", "LGE", "LGE", "T2", "T1"),
    "heart": ("CT", "CT", "bSSFP", "LGE"),
    "abdomen": ("CT", "CT", "T1", "T2", "DWI", "GED1", "GED2", "GED3", "GED4"),
    "oblique": ("CT", "bSSFP", "T1", "LGE"),
}
"""What each view is usually scanned with."""


class VirtualPatients:
    """Scenes of virtual patients, rendered anew each time.

    Args:
        pool: stacks of tissue ids.
        split: ``train`` leaves every tenth patient (the last of fewer) out, ``validation`` takes them.
        random_contrasts: how often brightnesses are drawn at random instead of from the tissue tables.
        several: how often there is more than one sequence.
    """

    def __init__(
        self, pool: Pool, split: str = "train", random_contrasts: float = 0.4, several: float = 0.15
    ) -> None:
        numbers = np.unique(pool.patients)
        held_out = np.isin(pool.patients, numbers[9::10] if len(numbers) >= 10 else numbers[-1:])
        self.chosen = np.flatnonzero(held_out if split == "validation" else ~held_out)
        self.pool = pool
        self.random_contrasts = random_contrasts
        self.several = several

    def scene(self, rng: np.random.Generator) -> Scene:
        """One stack, or some slices of it."""
        index = int(rng.choice(self.chosen))
        start, count = 0, self.pool.tissues.shape[1]
        if rng.random() < 0.35:
            count = int(rng.integers(1, 5))
            start = int(rng.integers(0, self.pool.tissues.shape[1] - count + 1))
        tissues = self.pool.tissues[index, start : start + count]
        affine = self.pool.affines[index]
        lengths = np.sqrt((affine[:3, :3] ** 2).sum(axis=0))
        spacing_mm = (float(lengths[0]), float(lengths[1]), float(lengths[2]))
        labels = read(tissues, spacing_mm, sample_style(rng), affine=affine)
        view = list(VIEWS)[int(self.pool.views[index])]
        present = [int(label) for label in np.unique(labels) if label]
        return Scene(
            images=self._images(tissues, spacing_mm, view, rng),
            labels=labels,
            structures={label: label for label in present},
            spacing_mm=spacing_mm,
        )

    def _images(
        self,
        tissues: NDArray[np.uint8],
        spacing_mm: tuple[float, float, float],
        view: str,
        rng: np.random.Generator,
    ) -> dict[str, NDArray[np.float32]]:
        names = SEQUENCES[view]
        count = int(rng.integers(2, 4)) if rng.random() < self.several else 1
        images: dict[str, NDArray[np.float32]] = {}
        for _ in range(count):
            name = str(rng.choice(names))
            if rng.random() < self.random_contrasts:
                contrast, name = random_contrast(rng), "unknown"
            else:
                contrast = _scan(name, rng)
            image = self._render(tissues, contrast, spacing_mm, rng)
            if images:
                moved = (0.0, *(rng.normal(0.0, 1.0, 2) / spacing_mm[1:]))
                image = ndimage.shift(image, moved, order=1, mode="nearest")
            images[name] = image
        return images

    def _render(
        self,
        tissues: NDArray[np.uint8],
        contrast: Contrast,
        spacing_mm: tuple[float, float, float],
        rng: np.random.Generator,
    ) -> NDArray[np.float32]:
        severity = float(rng.uniform(0.3, 1.6))
        settings = sample_settings(rng, modality=contrast.modality, severity=severity, slice_axis=0)
        return render(tissues, contrast, spacing_mm, settings, rng)


def _scan(name: str, rng: np.random.Generator) -> Contrast:
    field = float(rng.choice((1.5, 3.0)))
    phase = str(rng.choice(("native", "arterial", "venous"), p=(0.2, 0.4, 0.4)))
    return sample_contrast(
        name, rng, field_strength_t=field, phase=phase, variation=float(rng.uniform(0.8, 1.8))
    )
