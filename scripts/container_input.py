"""Writes two small volumes with bright ellipsoids in noise, and their label maps, for container_check.sh."""

import sys
from pathlib import Path

import nibabel as nib
import numpy as np


def main(images: Path, labels: Path) -> None:
    """Writes ``<case>.nii.gz`` into both folders."""
    generator = np.random.default_rng(0)
    for case, axes, label in (("one", "LPS", 1), ("two words", "RAS", 2221)):
        index = np.indices((64, 56, 12)).reshape(3, -1).T
        offset = (index - (30, 25, 6)) / (16, 12, 4)
        inside = ((offset**2).sum(axis=1) <= 1).reshape(64, 56, 12)
        image = (100 * inside + generator.normal(50, 12, inside.shape)).astype(np.float32)
        start = nib.orientations.axcodes2ornt(tuple(axes))
        to_ras = nib.orientations.inv_ornt_aff(start, inside.shape)
        affine = np.diag([1.5, 1.5, 6.0, 1.0]) @ to_ras
        nib.save(nib.Nifti1Image(image, affine), images / f"{case}.nii.gz")
        nib.save(nib.Nifti1Image((label * inside).astype(np.int32), affine), labels / f"{case}.nii.gz")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
