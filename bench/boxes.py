"""A challenge of two boxes on a small grid, for those who try a site and not a measure."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np

from unicare.data.cohort import CohortRow, write_cohort

__all__ = ["PHASE", "TASK", "predictions", "write_challenge"]

CASES = {"one": ("A", "ID"), "two": ("F", "OOD")}
AFFINE = np.diag([-1.0, -1.0, 8.0, 1.0])
TASK, PHASE = "whs", "validation"
CHALLENGE = """\
name: boxes
title: Boxes
texts: {overview: overview.md}
tasks:
  - name: whs
    title: Whole heart
    labels: {205: left ventricular myocardium, 500: left ventricle blood cavity}
    sequences: [CT]
    prompts: false
phases:
  - {name: validation, kind: predictions, always_open: true, show_boards: at_once, quota: 1000}
"""


def box(shift: int = 0) -> np.ndarray:
    """A box of cavity in a box of muscle, (P, L, S)."""
    labels = np.zeros((20, 18, 6), np.int16)
    labels[3:15, 3:15, 1:5] = 205
    labels[6:12, 6:12, 1:5] = 500
    return np.roll(labels, shift, 0)


def write_challenge(folder: Path) -> Path:
    """The challenge's folder."""
    reference = folder / "reference" / TASK / PHASE
    for part in ("images", "truth"):
        (reference / part).mkdir(parents=True)
    rows = []
    for case, (centre, distribution) in CASES.items():
        nib.save(nib.Nifti1Image(box().astype(np.float32), AFFINE), reference / "images" / f"{case}.nii.gz")
        nib.save(nib.Nifti1Image(box(), AFFINE), reference / "truth" / f"{case}.nii.gz")
        rows.append(
            CohortRow(
                case=case,
                patient=case,
                centre=centre,
                vendor="A",
                task=TASK,
                split="validation",
                distribution=distribution,
                sequences=("CT",),
                annotated=(205, 500),
            )
        )
    write_cohort(reference, rows)
    (folder / "challenge.yaml").write_text(CHALLENGE)
    (folder / "overview.md").write_text("# Boxes\n")
    return folder


def predictions() -> bytes:
    """A zip archive that passes its check."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for case in CASES:
            image = nib.Nifti1Image(box(1), AFFINE)
            archive.writestr(f"{case}_pred.nii.gz", gzip.compress(image.to_bytes(), mtime=0))
    return packed.getvalue()
