"""What teams hand in: label maps near the truth, and a container that fills the boxes of its prompts."""

from __future__ import annotations

import gzip
import io
import zipfile
from pathlib import Path

import nibabel as nib
import numpy as np
from scipy import ndimage
from tests.web.sandbox.archives import configuration, docker_archive, entry, shell_layer, tar
from tests.web.sandbox.small import BUSYBOX

__all__ = ["box_container", "broken", "speckled", "thinned"]

PROGRAM = Path(__file__).parents[3] / "examples/challenges/virtual/boxes.sh"


def speckled(truth: Path, shift: int) -> bytes:
    """The truth moved a little, with specks far away: overlap is good, the distance isn't."""

    def change(labels: np.ndarray) -> np.ndarray:
        moved = np.roll(labels, shift, 0)
        moved[1:3, 1:3, 1:3] = labels.max()
        return moved

    return _zipped(truth, change)


def thinned(truth: Path) -> bytes:
    """The truth without its outermost voxels: overlap is worse, the distance is small."""

    def change(labels: np.ndarray) -> np.ndarray:
        kept = ndimage.binary_erosion(labels > 0, iterations=2)
        return np.where(kept, labels, 0).astype(labels.dtype)

    return _zipped(truth, change)


def broken(truth: Path) -> bytes:
    """Everything is wrong at once: a case is missing, one has another grid, one is too many."""
    first, *_ = sorted(truth.glob("*.nii.gz"))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        small = nib.Nifti1Image(np.zeros((4, 4, 4), np.int16), np.eye(4))
        case = first.name.removesuffix(".nii.gz")
        for name in (case, "v0000000"):
            archive.writestr(f"{name}_pred.nii.gz", gzip.compress(small.to_bytes(), 1))
    return packed.getvalue()


def _zipped(truth: Path, change: object) -> bytes:
    assert callable(change)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for file in sorted(truth.glob("*.nii.gz")):
            image = nib.load(file)
            labels = np.asarray(image.dataobj).astype(np.int16)
            made = nib.Nifti1Image(change(labels), image.affine)
            name = file.name.removesuffix(".nii.gz")
            archive.writestr(f"{name}_pred.nii.gz", gzip.compress(made.to_bytes(), 1))
    return packed.getvalue()


def box_container() -> bytes:
    """An image archive whose program fills the boxes; nothing but a shell is in it."""
    layers = [shell_layer(BUSYBOX), tar(entry(PROGRAM.name, PROGRAM.read_bytes(), mode=0o755))]
    return docker_archive(layers, configuration(layers, Entrypoint=["/bin/sh", f"/{PROGRAM.name}"]))
