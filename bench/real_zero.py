"""Prompts simulated from real labels, answered by the shipped weights: the table of `docs/benchmarks.md`.

    python bench/real_zero.py [--weights FILE] [--sets acdc,emidec] [--variants tight5,box] [--json OUT]

Dice is that of the pooled volume (all slices and cases of a line together), as in the table to be beaten; HD
is the mean over the cases of the maximum Hausdorff distance in 3D, where there is spacing.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from real_sets import SETS, RealSet, cases
from rich.console import Console
from rich.table import Table

from unicare.core.case import Case
from unicare.core.prompt import CasePrompts
from unicare.core.structure import structure_table
from unicare.core.volume import Volume
from unicare.infer.segment import PromptedSegmenter, SegmentSettings
from unicare.metrics.surface import hausdorff_mm
from unicare.models.base import Segmenter
from unicare.models.baselines import EllipseSegmenter
from unicare.models.weights import load_network
from unicare.prompts.simulate import PromptSettings, simulate_case

TIGHT = {"box_margin_voxels": (0, 0), "min_foreground_voxels": 1}
TIGHT5 = PromptSettings(point_count=(5, 5), **TIGHT)
VARIANTS = {
    "tight5": TIGHT5,
    "box": PromptSettings(points=False, **TIGHT),
    "points": PromptSettings(box=False, point_count=(5, 5), min_foreground_voxels=1),
    "point1": PromptSettings(box=False, point_count=(1, 1), min_foreground_voxels=1),
    "jitter5": PromptSettings(point_count=(5, 5), box_jitter_fraction=0.05, **TIGHT),
    "jitter10": PromptSettings(point_count=(5, 5), box_jitter_fraction=0.10, **TIGHT),
    "loose": PromptSettings(point_count=(1, 5), min_foreground_voxels=1),
}
FLOORS = {  # shared/data/README.md: floor 1, floor 2
    ("acdc", "LV"): (0.877, 0.967),
    ("acdc", "RV"): (0.858, 0.889),
    ("acdc", "myocardium"): (0.643, 0.751),
    ("emidec", "LV"): (0.883, 0.954),
    ("emidec", "myocardium"): (0.856, 0.869),
    ("emidec", "infarct"): (0.667, 0.592),
    ("hvsmr", "LV"): (0.906, 0.884),
    ("hvsmr", "RV"): (0.904, 0.873),
    ("hvsmr", "LA"): (0.829, 0.784),
    ("hvsmr", "RA"): (0.880, 0.868),
    ("hvsmr", "aorta"): (0.751, 0.708),
    ("hvsmr", "PA"): (0.870, 0.860),
    ("chaos_ct", "liver"): (0.899, 0.905),
    ("totalseg_ct", "liver"): (0.814, 0.784),
    ("totalseg_ct", "aorta"): (0.949, 0.948),
    ("totalseg_ct", "spleen"): (0.899, 0.907),
    ("totalseg_ct", "right kidney"): (0.890, 0.890),
    ("totalseg_mr", "liver"): (0.852, 0.806),
    ("totalseg_mr", "spleen"): (0.898, 0.891),
    ("totalseg_mr", "right kidney"): (0.920, 0.870),
    ("totalseg PA", "pulmonary artery"): (0.628, 0.540),
    ("scd", "LV"): (0.759, 0.947),
}


@dataclass
class Line:
    """Sums over the cases of one set and structure."""

    overlap: int = 0
    total: int = 0
    hausdorff: list[float] = field(default_factory=list)
    cases: int = 0

    @property
    def dice(self) -> float:
        return 2.0 * self.overlap / max(self.total, 1)


def asked(
    real_set: RealSet, case: Case, truth: Volume, settings: PromptSettings
) -> tuple[CasePrompts, Volume]:
    """Prompts of the wanted structures, with their names as text."""
    labels = np.zeros(truth.shape, dtype=np.int32)
    for name, value in real_set.structures.items():
        labels[truth.data == value] = wanted_label(real_set, name)
    relabelled = truth.with_data(labels)
    prompts = simulate_case(case.id, relabelled, settings, seed=0, slice_axis="pls")
    texts = {wanted_label(real_set, name): real_set.texts[name] for name in real_set.structures}
    slices = {
        index: found and {label: replace(prompt, text=texts[label]) for label, prompt in found.items()}
        for index, found in prompts.slices.items()
    }
    return replace(prompts, slices=slices), relabelled


def wanted_label(real_set: RealSet, name: str) -> int:
    """A CARE label value where the structure has one, else a number that is in no table."""
    structure = structure_table().by_name(real_set.texts[name])
    if structure is not None and structure.labels:
        return next(iter(structure.labels.values()))
    return 9000 + real_set.structures[name]


def run_set(
    real_set: RealSet, segmenter: Segmenter, settings: PromptSettings = TIGHT5, distances: bool = False
) -> dict[str, Line]:
    lines: dict[str, Line] = defaultdict(Line)
    for case, truth in cases(real_set):
        prompts, relabelled = asked(real_set, case, truth, settings)
        answer = segmenter.segment(case, prompts).labels
        for name in real_set.structures:
            label = wanted_label(real_set, name)
            is_true, is_found = relabelled.data == label, answer == label
            if not is_true.any():
                continue
            line = lines[name]
            line.overlap += int((is_true & is_found).sum())
            line.total += int(is_true.sum() + is_found.sum())
            line.cases += 1
            if distances and real_set.has_spacing:
                line.hausdorff.append(hausdorff_mm(is_true, is_found, relabelled.spacing_mm).value)
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--sets", default=",".join(s.name for s in SETS))
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--anonymous", action="store_true", help="labels don't tell the structure")
    parser.add_argument("--passes", type=int, default=SegmentSettings.passes)
    parser.add_argument("--views", type=int, default=SegmentSettings.views)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    settings = SegmentSettings(anonymous=options.anonymous, passes=options.passes, views=options.views)
    ours = PromptedSegmenter(load_network(options.weights), settings)
    chosen = [s for s in SETS if s.name in options.sets.split(",")]
    variants = options.variants.split(",")
    table = Table("set", "structure", "cases", "ellipse", "floor 1", "floor 2", *variants, "HD mm (tight5)")
    rows, means = [], defaultdict(list)
    for real_set in chosen:
        started = time.perf_counter()
        ellipse = {
            name: run_set(replace(real_set, structures={name: value}), EllipseSegmenter())[name]
            for name, value in real_set.structures.items()
        }
        found = {v: run_set(real_set, ours, VARIANTS[v], distances=v == "tight5") for v in variants}
        for name in real_set.structures:
            floors = FLOORS[(real_set.name, name)]
            dices = {v: found[v][name].dice for v in variants}
            distances = found[variants[0]][name].hausdorff
            shown = f"{np.mean(distances):.1f} ± {np.std(distances):.1f}" if distances else "–"
            mark = " (trained on)" if real_set.trained_on else ""
            table.add_row(
                real_set.name,
                name + mark,
                str(found[variants[0]][name].cases),
                f"{ellipse[name].dice:.3f}",
                *(f"{f:.3f}" for f in floors),
                *(f"{d:.3f}" for d in dices.values()),
                shown,
            )
            rows.append(
                {
                    "set": real_set.name,
                    "structure": name,
                    "ellipse": ellipse[name].dice,
                    "floors": floors,
                    "dice": dices,
                    "hausdorff_mm": distances,
                    "trained_on": real_set.trained_on,
                    "seconds": time.perf_counter() - started,
                }
            )
            if not real_set.trained_on:
                for variant, dice in dices.items():
                    means[variant].append(dice)
    table.add_row(
        "mean", "without sets trained on", "", "", "", "", *(f"{np.mean(means[v]):.3f}" for v in variants), ""
    )
    Console(width=170).print(table)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
