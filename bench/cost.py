"""Seconds against the number of slices and of structures, in a warm process.

    python bench/cost.py [--weights FILE] [--picture docs/images/cost.png] [--json OUT]

A large CT whose structures are on every slice; only `PromptedSegmenter.segment` is timed. A line is fitted
(seconds for each further slice or structure) and a power law: an exponent of 1 means that twice as much takes
twice as long.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import matplotlib
import numpy as np
from made_cases import HEART, read_made, write_made
from rich.console import Console
from rich.table import Table
from speed import machine

from unicare.core.case import Case
from unicare.core.prompt import CasePrompts
from unicare.infer.segment import PromptedSegmenter
from unicare.models.weights import load_network

matplotlib.use("Agg")
from matplotlib import pyplot as plt


@dataclass(frozen=True)
class Curve:
    """Seconds (count, repeat) against how many there are of something."""

    what: str
    counts: list[int]
    seconds: list[list[float]]

    @property
    def medians(self) -> list[float]:
        return [float(np.median(runs)) for runs in self.seconds]

    @property
    def line(self) -> tuple[float, float]:
        """Seconds for one more, and seconds at none."""
        slope, start = np.polyfit(self.counts, self.medians, 1)
        return float(slope), float(start)

    @property
    def exponent(self) -> float:
        return float(np.polyfit(np.log(self.counts), np.log(self.medians), 1)[0])


def cut(prompts: CasePrompts, structures: int) -> CasePrompts:
    """The prompts of the first so many structures."""
    kept = [tube.label for tube in HEART.tubes[:structures]]
    slices = {
        index: {label: one for label, one in (here or {}).items() if label in kept}
        for index, here in prompts.slices.items()
    }
    return replace(prompts, slices=slices)


def seconds_of(segmenter: PromptedSegmenter, case: Case, prompts: CasePrompts, repeats: int) -> list[float]:
    runs = []
    for _ in range(repeats):
        started = time.perf_counter()
        segmenter.segment(case, prompts)
        runs.append(time.perf_counter() - started)
    return runs


def measure(
    segmenter: PromptedSegmenter, slices: Sequence[int], structures: Sequence[int], repeats: int
) -> list[Curve]:
    by_slices: list[list[float]] = []
    by_structures: list[list[float]] = []
    for count in slices:
        with tempfile.TemporaryDirectory() as scratch:
            write_made(replace(HEART, shape=(*HEART.shape[:2], count)), Path(scratch))
            case, prompts = read_made(Path(scratch), HEART.case)
        if not by_slices:
            segmenter.segment(case, prompts)  # the first time is slower
        by_slices.append(seconds_of(segmenter, case, cut(prompts, max(structures)), repeats))
        if count == max(slices):
            by_structures = [seconds_of(segmenter, case, cut(prompts, n), repeats) for n in structures]
    return [
        Curve(f"slices, {max(structures)} structures on each", list(slices), by_slices),
        Curve(f"structures, on each of {max(slices)} slices", list(structures), by_structures),
    ]


def draw(curves: Sequence[Curve], path: Path, where: str) -> None:
    """Measured times, the fitted line, and what it says."""
    figure, axes = plt.subplots(1, 2, figsize=(9, 3.8), sharey=True, layout="constrained")
    for axis, curve in zip(axes, curves, strict=True):
        slope, start = curve.line
        reach = np.array([0, max(curve.counts) * 1.06])
        axis.plot(reach, slope * reach + start, color="0.6", linewidth=1.2, zorder=1)
        low, high = np.min(curve.seconds, axis=1), np.max(curve.seconds, axis=1)
        medians = np.array(curve.medians)
        axis.errorbar(
            curve.counts, medians, (medians - low, high - medians), fmt="o", color="#1f6f8b", capsize=3
        )
        told = f"{slope:.3g} s for each, {start:.2g} s besides\ngrows as count$^{{{curve.exponent:.2f}}}$"
        axis.text(0.04, 0.96, told, transform=axis.transAxes, va="top")
        axis.set_xlabel(f"number of {curve.what}")
        axis.set_xticks([0, *curve.counts])
        axis.set_xlim(0, reach[1])
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(axis="y", color="0.92")
        axis.set_axisbelow(True)
    axes[0].set_ylabel("seconds (warm process)")
    axes[0].set_ylim(0, 1.3 * max(max(curve.medians) for curve in curves))
    figure.suptitle("CT with 512×512 voxels a slice: time against what is asked", fontsize=11)
    figure.supxlabel(f"{where}; dots: median, bars: least and most", fontsize=7, color="0.4")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--slices", default="25,50,100,200")
    parser.add_argument("--structures", default="1,2,4,7")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument(
        "--picture", type=Path, default=Path(__file__).parents[1] / "docs" / "images" / "cost.png"
    )
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    where = machine()
    segmenter = PromptedSegmenter(load_network(options.weights))
    slices, structures = ([int(n) for n in text.split(",")] for text in (options.slices, options.structures))
    curves = measure(segmenter, slices, structures, options.repeats)
    table = Table("number of", "count", "seconds", "least to most", "line", "exponent", title=where)
    for curve in curves:
        slope, start = curve.line
        for count, median, runs in zip(curve.counts, curve.medians, curve.seconds, strict=True):
            spread = f"{min(runs):.2f} to {max(runs):.2f}"
            table.add_row(curve.what, str(count), f"{median:.2f}", spread, "", "")
        fitted = f"{slope:.4f} s × count + {start:.2f} s"
        table.add_row(curve.what, "fitted", "", "", fitted, f"{curve.exponent:.2f}", end_section=True)
    Console(width=150).print(table)
    draw(curves, options.picture, where)
    if options.json:
        options.json.write_text(
            json.dumps({"machine": where, "curves": [asdict(c) for c in curves]}, indent=1)
        )


if __name__ == "__main__":
    main()
