"""A study that is measured in a second: bricks in noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from unicare.core.prompt import CasePrompts
from unicare.data.nifti import save_labels, save_volume
from unicare.prompts.contract import write_prompts
from unicare.prompts.simulate import simulate_case

LABEL = 500
SEQUENCES = ("C0", "LGE", "T2")


@pytest.fixture
def study(tmp_path: Path, make_volume: Callable) -> tuple[Path, Path]:
    """Input and truth: two cases of three sequences and one of a single image, a bright brick in each."""
    inputs, truth = tmp_path / "input", tmp_path / "truth"
    prompts: list[CasePrompts] = []
    for number, case in enumerate(("a", "b", "one_T2")):
        grid = make_volume(shape=(24, 30, 6), spacing_mm=(1.5, 1.5, 4.0))
        labels = np.zeros(grid.shape, dtype=np.int16)
        labels[5 : 15 + number, 8:22, 1:5] = LABEL
        save_labels(truth / f"{case}.nii.gz", grid, labels)
        for sequence in SEQUENCES if number < 2 else ("",):
            # the T2 image has slices of other voxels, as real ones have
            fine = sequence == "T2"
            image = make_volume(shape=(48, 60, 6), spacing_mm=(0.75, 0.75, 4.0)) if fine else grid
            shown = np.kron(labels, np.ones((2, 2, 1), dtype=np.int16)) if fine else labels
            bright = image.with_data(image.data + np.float32(1000) * (shown > 0))
            save_volume(inputs / "images" / f"{case}{'_' * bool(sequence)}{sequence}.nii.gz", bright)
        prompts.append(simulate_case(case, grid.with_data(labels), seed=number))
    write_prompts(inputs / "prompts.json", prompts)
    return inputs, truth
