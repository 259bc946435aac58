"""Predictors that paint what they are told, so that figures are known beforehand."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from unicare.data.layouts.flat import list_cases, read_case
from unicare.data.nifti import save_labels
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts


class BoxPainter:
    """Fills every box, or every point's voxel; notes what it was given."""

    name = "painter"
    identity = "painter 1"

    def __init__(self, stop_at: str = "") -> None:
        self.asked: list[str] = []
        self.stop_at = stop_at

    def __call__(self, input_dir: Path, output_dir: Path) -> str | None:
        self.asked.append(input_dir.parent.name)
        if self.asked[-1] == self.stop_at:
            raise KeyboardInterrupt
        prompts, _ = read_prompts(input_dir / "prompts.json")
        for name, files in list_cases(input_dir, prompts).items():
            case = read_case(name, files)
            labels = np.zeros(case.reference.shape, dtype=np.int16)
            for index, label, prompt in fit_to_volume(prompts[name], case.reference):
                if prompt.box is not None:
                    box = prompt.box
                    labels[box.x0 : box.x1, box.y0 : box.y1, index] = label
                else:
                    for point in prompt.points:
                        labels[point.x, point.y, index] = label
            save_labels(output_dir / f"{name}_pred.nii.gz", case.reference, labels)
        return None


class ImageReader:
    """Finds what is bright in a box on the image answered on; without LGE, in the upper slices only."""

    name = "reader"
    identity = "reader 1"

    def __call__(self, input_dir: Path, output_dir: Path) -> str | None:
        prompts, _ = read_prompts(input_dir / "prompts.json")
        for name, files in list_cases(input_dir, prompts).items():
            case = read_case(name, files)
            labels = np.zeros(case.reference.shape, dtype=np.int16)
            bright = case.reference.data > 500
            for index, label, prompt in fit_to_volume(prompts[name], case.reference):
                box = prompt.box
                inside = bright[box.x0 : box.x1, box.y0 : box.y1, index]
                labels[box.x0 : box.x1, box.y0 : box.y1, index][inside] = label
            if "LGE" not in case.sequences:
                labels[:, :, : labels.shape[2] // 2] = 0
            save_labels(output_dir / f"{name}_pred.nii.gz", case.reference, labels)
        return None
