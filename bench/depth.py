"""How slices should help each other: small networks that differ in nothing else, and the shipped one.

    python bench/depth.py [--pool FOLDER] [--seeds 0 1 2] [--steps 300] [--weights FILE] [--json FILE]

First table: five ways to treat depth, trained on the same batches from the same first weights, and asked
about runs of slices of held-out virtual patients. Second table: one trained network (by default the shipped
one) that is given the same cases in runs of 8, 4 and 1 slices. Time is the process's CPU time on one thread.
A JSON file that is already there is gone on with: what it holds isn't trained again.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from depth_variants import VARIANTS, build
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import Tensor, nn

from unicare.core.case import Case
from unicare.core.volume import FileGeometry, Volume
from unicare.infer.asking import Asked, put_together, tensor
from unicare.infer.device import autocast
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.models.ask import Ask, AskSettings, Question
from unicare.models.weights import load_network
from unicare.prompts.simulate import PromptSettings, simulate_case
from unicare.train.batches import seed_everything
from unicare.train.episodes import AskBatch, EpisodeSettings, ask_scene
from unicare.train.losses import OverlapLoss
from unicare.train.optimizer import make_optimizer
from unicare.train.patients import VirtualPatients
from unicare.train.pool import STACKS_PER_PATIENT, VIEWS, Pool, fill_pool
from unicare.train.random_shapes import RandomShapes
from unicare.train.scene import Scene, World
from unicare.train.schedule import learning_rate
from unicare.train.settings import LoopSettings

PATIENTS_IN_POOL = 140
PATIENTS_TRAINED_ON = 40  # less every tenth, which are held out
PATIENTS_SHARE = 0.7  # the other scenes are random shapes
SLICES = 16
SMALL = AskSettings(grid=48, channels=(16, 32, 64, 96))
LOSS = OverlapLoss(volume_dice=0.0, slice_dice=1.0, bce=1.0)
CPU = torch.device("cpu")


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


def runs_batch(worlds: Sequence[World], shares: Sequence[float], rng: np.random.Generator) -> AskBatch:
    """Runs of two slices or more, together always as many slices."""
    settings = EpisodeSettings()
    asked: list[Asked] = []
    truths: list[NDArray[np.float32]] = []
    room = SLICES
    while room:
        world = worlds[int(rng.choice(len(worlds), p=shares))]
        for run in ask_scene(world.scene(rng), SMALL.grid, settings, rng):
            depth = min(len(run.truth), room)
            depth -= int(room - depth == 1)  # so that no room for a single slice is left
            if depth > 1:
                asked.append(first_slices(run.asked, depth))
                truths.append(run.truth[:depth])
                room -= depth
    return AskBatch(put_together(asked), tensor(np.concatenate(truths)))


def first_slices(asked: Asked, depth: int) -> Asked:
    images = [(name, image[:, :depth]) for name, image in asked.images]
    return replace(asked, images=images, prompts=asked.prompts[:, :depth])


def packed(batch: AskBatch) -> AskBatch:
    """In half the memory: all batches are kept."""
    question = replace(
        batch.question, images=batch.question.images.half(), prompts=batch.question.prompts.half()
    )
    return AskBatch(question, batch.truth.half())


def unpacked(batch: AskBatch) -> AskBatch:
    question = replace(
        batch.question, images=batch.question.images.float(), prompts=batch.question.prompts.float()
    )
    return AskBatch(question, batch.truth.float())


def train(network: Ask, batches: Sequence[AskBatch]) -> None:
    settings = LoopSettings(steps=len(batches), learning_rate=2e-3, warmup_steps=30)
    optimizer = make_optimizer(network, settings)
    network.train()
    for step, kept in enumerate(batches):
        batch = unpacked(kept)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step, len(batches), settings)
        with autocast(CPU, "auto"):
            logits = network(batch.question)
        loss, _ = LOSS(logits.float()[:, None], batch.truth[:, None])
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    network.eval()


def mean_dice(network: Ask, batches: Sequence[AskBatch]) -> float:
    """Mean over the slices."""
    figures: list[float] = []
    for kept in batches:
        batch = unpacked(kept)
        with torch.inference_mode(), autocast(CPU, "auto"):
            found = network(batch.question) > 0
        true = batch.truth >= 0.5
        overlap, total = (found & true).sum((1, 2)), found.sum((1, 2)) + true.sum((1, 2))
        figures += (2.0 * overlap / total.clamp(min=1)).tolist()
    return float(np.mean(figures))


def milliseconds_per_slice(question: Question, repeats: int = 15) -> dict[str, float]:
    """CPU time of a forward pass per slice, of networks of the shipped shape; they take turns."""
    networks = {variant: build(variant, AskSettings(), 0).eval() for variant in VARIANTS}
    taken: dict[str, list[float]] = {variant: [] for variant in VARIANTS}
    with torch.inference_mode(), autocast(CPU, "auto"):
        for repeat in range(repeats + 2):
            for variant, network in networks.items():
                started = time.process_time()
                network(question)
                if repeat >= 2:  # the first passes choose kernels
                    taken[variant].append((time.process_time() - started) * 1e3 / len(question.prompts))
    return {variant: float(np.median(times)) for variant, times in taken.items()}


def random_question(runs: int = 4, depth: int = 8) -> Question:
    """Runs of the shipped grid; what they show doesn't matter to the time."""
    index = torch.arange(runs * depth)
    start = index - index % depth
    settings = AskSettings()
    return Question(
        images=torch.randn(len(index), settings.image_channels, settings.grid, settings.grid),
        sequences=torch.zeros_like(index),
        slice_of_image=index,
        prompts=torch.rand(len(index), settings.prompt_channels, settings.grid, settings.grid),
        structures=torch.zeros_like(index),
        thickness=torch.ones(len(index)),
        before=torch.maximum(index - 1, start),
        after=torch.minimum(index + 1, start + depth - 1),
    )


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


def spread(values: Sequence[float]) -> str:
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1) if len(values) > 1 else 0.0:.4f}"


def variants_table(record: dict[str, Any]) -> Table:
    table = Table(title="small networks, mean slice Dice ± sd over seeds; Δ: against 2D, seed by seed")
    for heading in ("depth", "short axis", "Δ", "axial", "Δ", "ms per slice", "parameters"):
        table.add_column(heading, no_wrap=True)
    by_name = {name: [r for r in record["runs"] if r["variant"] == name] for name in VARIANTS}
    plain = {run["seed"]: run["dice"] for run in by_name["2D"]}
    for variant, runs in by_name.items():
        if not runs:
            continue
        cells = []
        for name in HELD_OUT:
            cells.append(spread([run["dice"][name] for run in runs]))
            cells.append(spread([run["dice"][name] - plain[run["seed"]][name] for run in runs]))
        cost = record["cost"][variant]
        table.add_row(variant, *cells, f"{cost['milliseconds']:.2f}", f"{cost['parameters']:,}")
    return table


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


def compare(record: dict[str, Any], options: argparse.Namespace, held_out: Pool) -> None:
    """Trains what the record lacks, and writes it after every network."""
    trained_on = [n for n in range(PATIENTS_TRAINED_ON) if n % 10 != 9]
    worlds = [patients(open_patients(options.pool, trained_on)), RandomShapes()]
    shares = [PATIENTS_SHARE, 1.0 - PATIENTS_SHARE]
    asked = {
        name: [
            packed(runs_batch([patients(held_out, chosen)], [1.0], seed_everything(2**31, i)))
            for i in range(options.held_out_batches)
        ]
        for name, chosen in HELD_OUT.items()
    }
    done = {(run["variant"], run["seed"]) for run in record["runs"]}
    for seed in options.seeds:
        missing = [variant for variant in VARIANTS if (variant, seed) not in done]
        batches = [
            packed(runs_batch(worlds, shares, seed_everything(seed, i)))
            for i in range(options.steps if missing else 0)
        ]
        for variant in missing:
            network = build(variant, SMALL, seed)
            started = time.process_time()
            train(network, batches)
            dice = {name: mean_dice(network, held) for name, held in asked.items()}
            record["runs"].append({"variant": variant, "seed": seed, "dice": dice})
            print(seed, variant, dice, f"{time.process_time() - started:.0f} s", flush=True)
            write(record, options.json)


def write(record: dict[str, Any], file: Path | None) -> None:
    if file is not None:
        partial = file.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=1))
        partial.replace(file)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pool", type=Path, default=Path("runs/pool"))
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2])
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--held-out-batches", type=int, default=20)
    parser.add_argument("--weights", type=Path, help="of the second table; the shipped ones")
    parser.add_argument(
        "--stacks", type=int, default=8, help="per set, of the second table; 0: no such table"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    study = {"steps": options.steps, "held_out_batches": options.held_out_batches}
    record: dict[str, Any] = {"study": study, "runs": []}
    if options.json is not None and options.json.exists():
        record = json.loads(options.json.read_text())
        if record["study"] != study:
            parser.error(f"{options.json} holds another study: {record['study']}")
    held_out = open_patients(options.pool, range(9, PATIENTS_IN_POOL, 10))
    compare(record, options, held_out)
    if "cost" not in record:
        times = milliseconds_per_slice(random_question())
        networks = {variant: build(variant, AskSettings(), 0) for variant in VARIANTS}
        record["cost"] = {
            variant: {"milliseconds": times[variant], "parameters": sum(p.numel() for p in n.parameters())}
            for variant, n in networks.items()
        }
    if options.stacks:
        record["in_runs"] = in_runs(options.weights, held_out, options.stacks)
    write(record, options.json)
    console = Console(width=170)
    if record["runs"]:
        console.print(variants_table(record))
    if "in_runs" in record:
        console.print(runs_table(record["in_runs"]))


if __name__ == "__main__":
    main()
