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
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from depth_patients import HELD_OUT, PATIENTS_IN_POOL, open_patients, patients
from depth_runs import in_runs, runs_table
from depth_variants import VARIANTS, build
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from torch import nn

from unicare.infer.asking import Asked, put_together, tensor
from unicare.infer.device import autocast
from unicare.models.ask import Ask, AskSettings, Question
from unicare.train.batches import seed_everything
from unicare.train.episodes import AskBatch, EpisodeSettings, ask_scene
from unicare.train.losses import OverlapLoss
from unicare.train.optimizer import make_optimizer
from unicare.train.pool import Pool
from unicare.train.random_shapes import RandomShapes
from unicare.train.scene import World
from unicare.train.schedule import learning_rate
from unicare.train.settings import LoopSettings

PATIENTS_TRAINED_ON = 40  # less every tenth, which are held out
PATIENTS_SHARE = 0.7  # the other scenes are random shapes
SLICES = 16
SMALL = AskSettings(grid=48, channels=(16, 32, 64, 96))
LOSS = OverlapLoss(volume_dice=0.0, slice_dice=1.0, bce=1.0)
CPU = torch.device("cpu")


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
