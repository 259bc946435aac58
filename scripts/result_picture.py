"""Draws docs/images/result.png from what `unicare demo` left: a slice a task, prompts and predicted outlines.

python scripts/result_picture.py [demo] [docs/images/result.png]
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes

from unicare.core.prompt import CasePrompts
from unicare.core.structure import structure_table
from unicare.data.layouts.flat import list_cases, read_case
from unicare.data.nifti import load_labels
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts

mpl.use("Agg")
import matplotlib.pyplot as plt

TASKS = {"whs": "whole heart", "la": "left atrium", "myops": "myocardium and scar", "liver": "liver"}
COLOURS = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#cc79a7", "#d55e00", "#0072b2")  # Okabe and Ito


def main(demo: Path, out: Path) -> None:
    """Picks each task's case with the most prompted labels and draws its fullest slice."""
    with (demo / "cohort" / "cohort.csv").open(encoding="utf-8", newline="") as file:
        task_of = {row["case"]: row["task"] for row in csv.DictReader(file)}
    prompts = read_prompts(demo / "input" / "prompts.json").cases
    files = list_cases(demo / "input", list(prompts))
    figure, axes = plt.subplots(1, len(TASKS), figsize=(16, 4.5), facecolor="black")
    for axis, (task, title) in zip(axes, TASKS.items(), strict=True):
        cases = [case for case in sorted(prompts) if task_of.get(case) == task]
        chosen = max(cases, key=lambda name: len(prompts[name].labels))
        draw(axis, chosen, files[chosen], prompts[chosen], demo)
        axis.set_title(f"{title} (synthetic)", color="white", fontsize=12)
    figure.tight_layout(pad=0.6)
    out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(out, dpi=90, facecolor="black")


def draw(axis: Axes, name: str, files: Mapping[str, Path], raw_prompts: CasePrompts, demo: Path) -> None:
    """One slice in radiological view: rows run to Posterior, columns to the patient's left."""
    case = read_case(name, files)
    prompts = fit_to_volume(raw_prompts, case.reference)
    predicted = load_labels(demo / "predictions" / "unicare" / f"{name}_pred.nii.gz")
    labels = np.moveaxis(predicted.data, prompts.slice_axis, 0)
    image = np.moveaxis(case.reference.data, prompts.slice_axis, 0)
    index = max(range(len(labels)), key=lambda i: (len(np.unique(labels[i])), np.count_nonzero(labels[i])))
    spacing = np.delete(np.array(case.reference.spacing_mm), prompts.slice_axis)
    low, high = np.percentile(image[index], (1, 99.5))
    axis.imshow(image[index], cmap="gray", vmin=low, vmax=high, aspect=spacing[0] / spacing[1])
    table = structure_table()
    for colour, label in zip(COLOURS, prompts.labels, strict=False):
        mask = labels[index] == label
        if not mask.any():
            continue
        axis.contour(mask, [0.5], colors=colour, linewidths=1.6)
        structure = table.by_label(label)
        axis.plot([], [], color=colour, label=structure.name if structure else str(label))
        prompt = (prompts.slices.get(index) or {}).get(label)
        if prompt is None or prompt.box is None:
            continue
        x0, y0, x1, y1 = prompt.box
        axis.add_patch(plt.Rectangle((y0, x0), y1 - y0, x1 - x0, fill=False, ec=colour, lw=0.7, ls="--"))
        x, y = [point.x for point in prompt.points], [point.y for point in prompt.points]
        axis.plot(y, x, ".", color=colour, ms=5, mec="black", mew=0.4)
    rows, columns = np.nonzero(labels[index])
    half = 0.75 * max(np.ptp(rows) * spacing[0], np.ptp(columns) * spacing[1])
    axis.set_ylim(rows.mean() + half / spacing[0], rows.mean() - half / spacing[0])
    axis.set_xlim(columns.mean() - half / spacing[1], columns.mean() + half / spacing[1])
    axis.legend(loc="lower left", fontsize=7, framealpha=0.5)
    axis.set_axis_off()


if __name__ == "__main__":
    given = [Path(word) for word in sys.argv[1:]]
    main(given[0] if given else Path("demo"), given[1] if len(given) > 1 else Path("docs/images/result.png"))
