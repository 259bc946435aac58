"""How often and in how many mirror views to ask: Dice and cost on held-out virtual patients (synthetic).

    python bench/asking.py [--weights FILE] [--pool FOLDER] [--scenes 40]

The defaults of `SegmentSettings` are chosen here, never on the real images that are reported.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from unicare.core.case import Case
from unicare.core.prompt import CasePrompts
from unicare.core.volume import Volume
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.models.weights import load_network
from unicare.prompts.simulate import PromptSettings, simulate_case
from unicare.train.patients import VirtualPatients
from unicare.train.pool import fill_pool
from unicare.train.scene import Scene

SETTINGS = {
    f"{passes} pass{'es' * (passes > 1)}, {views} view{'s' * (views > 1)}": SegmentSettings(
        passes=passes, views=views
    )
    for passes in (1, 2, 3)
    for views in (1, 4)
    if passes < 3 or views == 1
}
PROMPTS = {
    "tight box, 5 points": PromptSettings(box_margin_voxels=(0, 0), point_count=(5, 5)),
    "loose box, 1 to 5 points": PromptSettings(),
    "5 points": PromptSettings(box=False, point_count=(5, 5)),
}


def as_case(name: str, scene: Scene) -> tuple[Case, Volume]:
    """A scene (D, H, W) as a case whose slices lie along axis 2."""
    affine = np.diag([-scene.spacing_mm[1], -scene.spacing_mm[2], scene.spacing_mm[0], 1.0])
    volumes = {
        sequence: Volume.from_file_axes(np.moveaxis(image, 0, 2), affine)
        for sequence, image in scene.images.items()
    }
    truth = Volume.from_file_axes(np.moveaxis(scene.labels, 0, 2).astype(np.int32), affine)
    return Case(name, volumes), truth


def anonymous_labels(truth: Volume) -> Volume:
    """Label values that are in no table, so that nothing is concluded from them."""
    return truth.with_data(np.where(truth.data > 0, truth.data + 9000, 0))


def mean_dice(segmenter: PromptedSegmenter, cases: list[tuple[Case, Volume, CasePrompts]]) -> list[float]:
    """Dice of every prompted structure of every case, on the prompted slices."""
    figures = []
    for case, truth, prompts in cases:
        answer = segmenter.segment(case, prompts).labels
        for label in prompts.labels:
            slices = sorted(prompts.of(label))
            is_true, is_found = truth.data[..., slices] == label, answer[..., slices] == label
            figures.append(2.0 * (is_true & is_found).sum() / max(is_true.sum() + is_found.sum(), 1))
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--pool", type=Path, default=Path("runs/pool"))
    parser.add_argument("--scenes", type=int, default=40)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    world = VirtualPatients(fill_pool(options.pool, 2800), split="validation", several=0.0)
    scenes = [
        as_case(f"scene{i}", world.scene(np.random.default_rng([77, i]))) for i in range(options.scenes)
    ]
    network = load_network(options.weights)
    table = Table("asked", *PROMPTS, "CPU s")
    for name, settings in SETTINGS.items():
        segmenter = PromptedSegmenter(network, settings)
        started, cells = time.process_time(), []
        for prompt_settings in PROMPTS.values():
            cases = []
            for case, truth in scenes:
                hidden = anonymous_labels(truth)
                cases.append(
                    (case, hidden, simulate_case(case.id, hidden, prompt_settings, slice_axis="pls"))
                )
            figures = mean_dice(segmenter, cases)
            cells.append(f"{np.mean(figures):.4f} (n={len(figures)})")
        table.add_row(name, *cells, f"{time.process_time() - started:.1f}")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
