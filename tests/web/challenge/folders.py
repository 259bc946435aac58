"""A small challenge in which nothing is wrong, to be broken one way at a time."""

import os
from pathlib import Path

import nibabel as nib
import numpy as np

from unicare.data.cohort import CohortRow, write_cohort
from unicare.prompts.simulate import simulate_folder

SHAPE = (20, 18, 6)
AFFINE = np.diag([-1.0, -1.0, 8.0, 1.0])

YAML = """\
name: hearts
title: Hearts
texts:
  overview: texts/overview.md
  rules: texts/rules.md
registration:
  agreement: texts/agreement.md
tasks:
  - name: whs
    title: Whole heart
    labels: {205: left ventricular myocardium, 500: left ventricle blood cavity}
    sequences: [CT, bSSFP]
phases:
  - name: validation
    kind: predictions
    start: 2025-05-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
    show_boards: at_once
  - name: test
    kind: container
    start: 2025-06-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
    release: 2025-08-10 12:00 Europe/Berlin
boards:
  - name: first
    board: aggregate_then_rank
    phase: test
  - name: own
    board: boards/own.yaml
    phase: validation
containers:
  limits: {seconds_per_case: 60}
announcements:
  - at: 2025-05-01 09:00 Europe/Berlin
    title: We are on
    text: Welcome to *all*.
history:
  - title: Last year
    board: first
    figures: history/last.csv
baselines:
  - {name: mean shape, board: first, figures: history/last.csv}
"""

BOARD = """\
title: Own
criteria: [{metric: dice}]
parts:
  - {name: ID, task: whs, distribution: ID, structures: [left ventricle blood cavity]}
  - {name: OOD, task: whs, distribution: OOD}
"""

CENTRES = {"one": ("A", "ID"), "two": ("F", "OOD")}


def heart() -> np.ndarray:
    """A box of cavity in a box of muscle."""
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[3:15, 3:15, 1:5] = 205
    labels[6:12, 6:12, 1:5] = 500
    return labels


def save(path: Path, values: np.ndarray, affine: np.ndarray = AFFINE, **texts: bytes) -> None:
    """Writes a NIfTI file, with texts in its header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = nib.Nifti1Image(values, affine)
    for field, text in texts.items():
        image.header[field] = text
    nib.save(image, path)


def hold(path: Path) -> None:
    """Makes a pipe of a file to which nobody writes: whoever reads it waits until somebody ends that."""
    path.unlink()
    os.mkfifo(path)


def row(case: str, **changes: object) -> CohortRow:
    """A case's line in the manifest."""
    centre, distribution = CENTRES[case]
    values = {
        "case": case,
        "patient": f"p-{case}",
        "centre": centre,
        "vendor": "vendor A",
        "task": "whs",
        "split": "test",
        "distribution": distribution,
        "sequences": ("CT",),
        "annotated": (205, 500),
    }
    return CohortRow(**{**values, **changes})


def write_data(folder: Path) -> None:
    """Images, truths, manifest and prompts of two cases."""
    noise = np.random.default_rng(0)
    for case in CENTRES:
        save(folder / "images" / f"{case}.nii.gz", noise.normal(100, 9, SHAPE).astype(np.float32))
        save(folder / "truth" / f"{case}.nii.gz", heart())
    assert not simulate_folder(folder / "truth", folder / "prompts.json")
    write_cohort(folder, [row(case) for case in CENTRES])


def write_challenge(root: Path) -> Path:
    """Writes the whole challenge; returns its folder."""
    files = {
        "challenge.yaml": YAML,
        "boards/own.yaml": BOARD,
        "texts/overview.md": "# Hearts\n\nSee the [rules](texts/rules.md).\n",
        "texts/rules.md": "Be fair.\n",
        "texts/agreement.md": "For research only.\n",
        "history/last.csv": "team,dice,hd_mm\nred,0.9,10\nblue,0.8,12\n",
    }
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")
    for phase in ("validation", "test"):
        write_data(root / "reference" / "whs" / phase)
    write_data(root / "public" / "whs")
    return root
