"""How long do the figures of two label maps take, beside surface-distance, MONAI and MedPy?

Dice, HD, HD95, ASSD and NSD of seven structures, on one core, each tool in a process of its own. Peers are
used as their users do: on each structure's whole mask; they crop as they see fit. What is timed are the calls
and, for peers, cutting out the masks, after a first call on a tiny cube. Loading and imports don't count.

    python bench/metrics.py                                       # everything: an hour, most of it MedPy
    python bench/metrics.py --pairs ct --peers surface-distance   # a quick one
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from made_labels import PAIRS, make_pair
from numpy.typing import NDArray

METRICS = ("dice", "hausdorff_mm", "hd95_mm", "assd_mm", "nsd")
TOLERANCE_MM = 2.0
OURS = "unicare"

Labels = NDArray[Any]
Values = dict[str, float]
Tool = Callable[[Labels, Labels, Sequence[int], Sequence[float]], dict[int, Values]]


def measure_unicare(
    truth: Labels, prediction: Labels, labels: Sequence[int], spacing_mm: Sequence[float]
) -> dict[int, Values]:
    from unicare.metrics.labelmaps import measure_labels

    figures = measure_labels(
        truth, prediction, labels, spacing_mm, metrics=METRICS, tolerance_mm=TOLERANCE_MM
    )
    return {label: {name: figure.value for name, figure in found.items()} for label, found in figures.items()}


def one_structure(measure: Callable[[Labels, Labels, Sequence[float]], Values]) -> Tool:
    """A peer, which takes one mask at a time."""

    def all_structures(
        truth: Labels, prediction: Labels, labels: Sequence[int], spacing_mm: Sequence[float]
    ) -> dict[int, Values]:
        return {label: measure(truth == label, prediction == label, spacing_mm) for label in labels}

    return all_structures


def surface_distance(truth: Labels, prediction: Labels, spacing_mm: Sequence[float]) -> Values:
    import surface_distance as peer

    distances = peer.compute_surface_distances(truth, prediction, spacing_mm)
    return {
        "dice": peer.compute_dice_coefficient(truth, prediction),
        "hausdorff_mm": peer.compute_robust_hausdorff(distances, 100),
        "hd95_mm": peer.compute_robust_hausdorff(distances, 95),
        "assd_mm": statistics.fmean(peer.compute_average_surface_distance(distances)),
        "nsd": peer.compute_surface_dice_at_tolerance(distances, TOLERANCE_MM),
    }


def monai(truth: Labels, prediction: Labels, spacing_mm: Sequence[float]) -> Values:
    import torch
    from monai import metrics as peer

    y, y_pred = (torch.from_numpy(mask)[None, None] for mask in (truth, prediction))
    spacing = tuple(spacing_mm)
    found = {
        "dice": peer.compute_dice(y_pred, y),
        "hausdorff_mm": peer.compute_hausdorff_distance(y_pred, y, include_background=True, spacing=spacing),
        "hd95_mm": peer.compute_hausdorff_distance(
            y_pred, y, include_background=True, percentile=95, spacing=spacing
        ),
        "assd_mm": peer.compute_average_surface_distance(
            y_pred, y, include_background=True, symmetric=True, spacing=spacing
        ),
        "nsd": peer.compute_surface_dice(
            y_pred, y, class_thresholds=[TOLERANCE_MM], include_background=True, spacing=spacing
        ),
    }
    return {name: float(value) for name, value in found.items()}


def medpy(truth: Labels, prediction: Labels, spacing_mm: Sequence[float]) -> Values:
    from medpy.metric import binary as peer

    return {
        "dice": peer.dc(prediction, truth),
        "hausdorff_mm": peer.hd(prediction, truth, spacing_mm),
        "hd95_mm": peer.hd95(prediction, truth, spacing_mm),
        "assd_mm": peer.assd(prediction, truth, spacing_mm),
    }


TOOLS: Mapping[str, Tool] = {
    OURS: measure_unicare,
    "surface-distance": one_structure(surface_distance),
    "monai": one_structure(monai),
    "medpy": one_structure(medpy),
}

AGREES: Mapping[str, Sequence[str]] = {
    "surface-distance": ("dice",),
    "monai": ("dice", "hausdorff_mm", "hd95_mm", "assd_mm", "nsd"),
    "medpy": ("dice", "hausdorff_mm"),
}
"""Which figures a peer defines as we do; docs/metrics.md says what the others mean."""


def run_tool(name: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Measures one tool in this process, on what lies in the folder."""
    truth, prediction = np.load(folder / "truth.npy"), np.load(folder / "prediction.npy")
    spacing_mm = json.loads((folder / "spacing.json").read_text())
    labels = [int(label) for label in np.unique(truth) if label]
    if name == "monai":
        import torch

        torch.set_num_threads(1)
    # The first call imports, and some build tables.
    small = np.zeros((12, 12, 12), dtype=truth.dtype)
    small[3:9, 3:9, 3:9] = 1
    TOOLS[name](small, np.roll(small, 1, 0), [1], spacing_mm)
    before = peak_gb()
    seconds, cpu_seconds = [], []
    for _ in range(repeats):
        clock, cpu = time.perf_counter(), time.process_time()
        figures = TOOLS[name](truth, prediction, labels, spacing_mm)
        seconds.append(time.perf_counter() - clock)
        cpu_seconds.append(time.process_time() - cpu)
    return {
        "seconds": seconds,
        "cpu_seconds": cpu_seconds,
        "before_gb": before,
        "peak_gb": peak_gb(),
        "figures": figures,
    }


def peak_gb() -> float:
    """The most memory that this process has ever held."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


def in_own_process(name: str, folder: Path, repeats: int) -> dict[str, Any]:
    """Runs one tool on one core, with one thread."""
    one = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    command = [sys.executable, __file__, "--tool", name, "--folder", str(folder), "--repeats", str(repeats)]
    pinned = {max(os.sched_getaffinity(0))}
    load = os.getloadavg()[0]
    done = subprocess.run(
        command,
        env={**os.environ, **one},
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: os.sched_setaffinity(0, pinned),
    )
    if done.returncode:
        return {"load": load, "error": done.stderr.strip().splitlines()[-1]}
    return {"load": load, **json.loads(done.stdout.splitlines()[-1])}


def farthest_apart(peer: str, ours: Mapping[str, Values], theirs: Mapping[str, Values]) -> dict[str, float]:
    """Largest difference over the structures, of the figures that both define alike."""
    return {
        metric: max(abs(ours[label][metric] - theirs[label][metric]) for label in ours)
        for metric in AGREES[peer]
    }


def bench_pair(name: str, peers: Iterable[str], repeats: int) -> dict[str, Any]:
    """Measures us and the peers on one pair, each in a process of its own, one after the other."""
    pair = PAIRS[name]
    results: dict[str, Any] = {}
    print(f"{name}: making the pair", file=sys.stderr, flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        truth, prediction = make_pair(pair)
        np.save(folder / "truth.npy", truth)
        np.save(folder / "prediction.npy", prediction)
        (folder / "spacing.json").write_text(json.dumps(pair.spacing_mm))
        for tool in (OURS, *peers):
            print(f"{name}: {tool} …", file=sys.stderr, flush=True)
            often = tool == OURS and pair.prediction == "bent"
            results[tool] = in_own_process(tool, folder, repeats if often else 1)
            found = results[tool]
            print(
                f"  CPU seconds: {found.get('cpu_seconds', found.get('error'))}", file=sys.stderr, flush=True
            )
            if tool != OURS and "figures" in found and pair.prediction != "empty":
                found["apart"] = farthest_apart(tool, results[OURS]["figures"], found["figures"])
    return results


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The figures as a Markdown table."""
    lines = [
        "| pair (synthetic) | voxels | tool | CPU seconds | seconds | peak GB | times ours (CPU) "
        "| largest difference | load |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, tools in results.items():
        size = " × ".join(str(count) for count in PAIRS[name].shape)
        ours = statistics.median(tools[OURS]["cpu_seconds"])
        lines += [f"| {name} | {size} | {tool} | {row(found, ours)} |" for tool, found in tools.items()]
    return "\n".join(lines)


def row(found: Mapping[str, Any], ours: float) -> str:
    """The cells of one tool, from its CPU seconds on."""
    if "error" in found:
        return f"fails: {found['error']} | | | | | {found['load']:.1f}"
    cpu, wall = found["cpu_seconds"], found["seconds"]
    spread = f" ({min(cpu):.2g}–{max(cpu):.2g}, n={len(cpu)})" if len(cpu) > 1 else ""
    apart = ", ".join(f"{metric} {value:.1g}" for metric, value in found.get("apart", {}).items())
    return (
        f"{statistics.median(cpu):.3g}{spread} | {statistics.median(wall):.3g} | {found['peak_gb']:.2f} "
        f"| {statistics.median(cpu) / ours:.3g} | {apart} | {found['load']:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", nargs="+", choices=tuple(PAIRS), default=list(PAIRS))
    parser.add_argument("--peers", nargs="*", choices=tuple(AGREES), default=list(AGREES))
    parser.add_argument(
        "--repeats", type=int, default=7, help="of our own runs; peers and worst cases run once"
    )
    parser.add_argument("--json", type=Path, help="also write all times and figures here")
    parser.add_argument("--tool", choices=tuple(TOOLS), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.tool:
        print(json.dumps(run_tool(options.tool, options.folder, options.repeats)))
        return
    results = {}
    for name in options.pairs:
        results[name] = bench_pair(name, options.peers, options.repeats)
        if options.json:
            options.json.write_text(json.dumps(results, indent=1))
    print(table(results))


if __name__ == "__main__":
    main()
