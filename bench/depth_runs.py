"""The second table of ``bench/depth.py``: one trained network, given the same stacks in different runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from depth_patients import HELD_OUT, patients
from numpy.typing import NDArray
from rich.table import Table
from torch import Tensor, nn

from unicare.core.case import Case
from unicare.core.volume import FileGeometry, Volume
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.models.ask import Ask, Question
from unicare.models.weights import load_network
from unicare.prompts.simulate import PromptSettings, simulate_case
from unicare.train.pool import Pool
from unicare.train.scene import Scene, World


class WithoutNeighbours(nn.Module):
    """A network whose every slice is told that it is alone, in a region that is still that of its run."""

    def __init__(self, network: Ask) -> None:
        super().__init__()
        self.network = network
        self.settings = network.settings

    def forward(self, question: Question) -> Tensor:
        index = torch.arange(len(question.prompts), device=question.prompts.device)
        thickness = torch.zeros_like(question.thickness)
        logits: Tensor = self.network(replace(question, before=index, after=index, thickness=thickness))
        return logits


def whole_stacks(world: World, count: int) -> Iterator[Scene]:
    number = 0
    while count:
        scene = world.scene(np.random.default_rng([7, number]))
        number += 1
        if len(scene.labels) == 8:
            count -= 1
            yield scene


def as_case(scene: Scene, number: int) -> Case:
    affine = np.diag([*scene.spacing_mm, 1.0])

    def volume(data: NDArray[Any]) -> Volume:
        return Volume(data, affine, FileGeometry(data.shape, affine))  # type: ignore[arg-type]

    labels = np.where(scene.labels > 0, scene.labels.astype(np.int32) + 9000, 0)  # values of no table
    images = {name: volume(image) for name, image in scene.images.items()}
    return Case(f"stack{number}", images, truth=volume(labels))


def in_runs(weights: Path | None, pool: Pool, stacks: int) -> dict[str, dict[str, list[float]]]:
    """Dice of every structure of held-out stacks of eight slices, by set and by how the slices are given."""
    segmenters = {
        f"runs of {length}": PromptedSegmenter(load_network(weights), SegmentSettings(longest_run=length))
        for length in (8, 4, 1)
    }
    cut = WithoutNeighbours(load_network(weights))
    segmenters["runs of 8, no mixing"] = PromptedSegmenter(cut, SegmentSettings())  # type: ignore[arg-type]
    found: dict[str, dict[str, list[float]]] = {}
    for name, held_out in HELD_OUT.items():
        found[name] = {way: [] for way in segmenters}
        for number, scene in enumerate(whole_stacks(patients(pool, held_out), stacks)):
            case = as_case(scene, number)
            truth = case.truth
            assert truth is not None
            prompts = simulate_case(case.id, truth, PromptSettings(), slice_axis=0)
            for way, segmenter in segmenters.items():
                answer = segmenter.segment(case, prompts).labels
                for label in prompts.labels:
                    true, here = truth.data == label, answer == label
                    dice = 2.0 * (true & here).sum() / max(1, int(true.sum() + here.sum()))
                    found[name][way].append(float(dice))
    return found


def runs_table(found: dict[str, dict[str, list[float]]]) -> Table:
    table = Table(title="one trained network, mean Dice; Δ: against runs of 1, ± standard error")
    for heading in ("slices are given in", *(h for name in found for h in (name, "Δ", "structures"))):
        table.add_column(heading, no_wrap=True)
    for way in next(iter(found.values())):
        cells = []
        for by_way in found.values():
            difference = np.array(by_way[way]) - np.array(by_way["runs of 1"])
            error = difference.std(ddof=1) / np.sqrt(len(difference))
            cells += [f"{np.mean(by_way[way]):.4f}", f"{difference.mean():+.4f} ± {error:.4f}"]
            cells.append(str(len(difference)))
        table.add_row(way, *cells)
    return table
