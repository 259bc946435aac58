"""The real images of `../shared/data` as cases: one list for every benchmark on them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import matplotlib.image
import nibabel
import numpy as np
import pydicom

from unicare.core.case import Case
from unicare.core.volume import Volume
from unicare.data.dicom import load_series
from unicare.data.nifti import load_labels, load_volume

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@dataclass(frozen=True)
class RealSet:
    """One set and the structures that are asked for in it.

    Attributes:
        name: as the table calls it.
        structures: name in the table to the label value in the files.
        texts: the same names to names of unicare's structure table, where it has them.
        has_spacing: whether distances in mm mean anything.
        trained_on: left out of the mean.
    """

    name: str
    structures: dict[str, int]
    texts: dict[str, str]
    has_spacing: bool = True
    trained_on: bool = False


HEART = {
    "LV": "left ventricle blood cavity",
    "RV": "right ventricle blood cavity",
    "myocardium": "left ventricular myocardium",
    "infarct": "myocardial scar",
    "LA": "left atrium blood cavity",
    "RA": "right atrium blood cavity",
    "aorta": "ascending aorta",
    "PA": "pulmonary artery",
    "pulmonary artery": "pulmonary artery",
}
ABDOMEN = {"liver": "liver", "spleen": "spleen", "right kidney": "right kidney", "aorta": "descending aorta"}

SETS = (
    RealSet("acdc", {"LV": 3, "RV": 1, "myocardium": 2}, HEART),
    RealSet("emidec", {"LV": 1, "myocardium": 2, "infarct": 3}, HEART),
    RealSet("hvsmr", {"LV": 1, "RV": 2, "LA": 3, "RA": 4, "aorta": 5, "PA": 6}, HEART, has_spacing=False),
    RealSet("chaos_ct", {"liver": 1}, ABDOMEN),
    RealSet("totalseg_ct", {"liver": 5, "aorta": 52, "spleen": 1, "right kidney": 2}, ABDOMEN),
    RealSet("totalseg_mr", {"liver": 5, "spleen": 1, "right kidney": 2}, ABDOMEN),
    RealSet("totalseg PA", {"pulmonary artery": 1}, HEART),
    RealSet("scd", {"LV": 1}, HEART, has_spacing=False, trained_on=True),
)


def cases(real_set: RealSet) -> Iterator[tuple[Case, Volume]]:
    """Every case of a set with its truth, in PLS axes."""
    readers = {"hvsmr": _hvsmr, "scd": _scd, "chaos_ct": _chaos}
    yield from readers[real_set.name]() if real_set.name in readers else _nifti(real_set.name)


def _nifti(name: str) -> Iterator[tuple[Case, Volume]]:
    folders = {
        "acdc": ("acdc", "bSSFP"),
        "emidec": ("emidec_p100", "LGE"),
        "totalseg_ct": ("totalseg_ct", "CT"),
        "totalseg_mr": ("totalseg_mr", "unknown"),
        "totalseg PA": ("totalseg_pulmonary_artery", "CT"),
    }
    folder, sequence = folders[name]
    images = sorted((DATA / folder / "images").glob("*.nii.gz"))
    labels = sorted((DATA / folder / "labels").glob("*.nii.gz"))
    for image, label in zip(images, labels, strict=True):
        identifier = f"{folder}-{label.name.removesuffix('.nii.gz')}"
        yield Case(identifier, {sequence: load_volume(image)}), load_labels(label)


def _slices(
    name: str, images: np.ndarray, labels: np.ndarray, names: list[str]
) -> Iterator[tuple[Case, Volume]]:
    """Single slices (N, H, W) as volumes of one slice, 1 mm voxels because nothing is known."""
    for image, label, slice_name in zip(images, labels, names, strict=True):
        grid = Volume.from_file_axes(image[..., None].astype(np.float32), np.diag([-1.0, -1.0, 1.0, 1.0]))
        truth = Volume.from_file_axes(label[..., None].astype(np.int32), np.diag([-1.0, -1.0, 1.0, 1.0]))
        yield Case(f"{name}-{slice_name}", {"bSSFP": grid}), truth


def _hvsmr() -> Iterator[tuple[Case, Volume]]:
    stored = np.load(DATA / "hvsmr_slices" / "hvsmr_slices.npz")
    yield from _slices("hvsmr", stored["images"], stored["labels"], [str(n) for n in stored["names"]])


def _scd() -> Iterator[tuple[Case, Volume]]:
    stored = np.load(DATA / "scd_lv" / "scd_lv.npz")
    masks = np.unpackbits(stored["masks"], axis=-1)
    names = [re.sub(r"\W", "_", str(n)) for n in stored["names"]]
    yield from _slices("scd", stored["images"], masks, names)


def _chaos() -> Iterator[tuple[Case, Volume]]:
    volume = load_series(DATA / "chaos_ct" / "dicom")
    heights = {
        file: float(pydicom.dcmread(file, stop_before_pixels=True).ImagePositionPatient[2])
        for file in (DATA / "chaos_ct" / "dicom").glob("*.dcm")
    }
    masks = sorted((DATA / "chaos_ct" / "labels_png").glob("*.png"))
    if len(masks) != len(heights):
        raise ValueError(f"{len(masks)} masks for {len(heights)} slices")
    stack = np.stack([matplotlib.image.imread(mask) > 0.5 for mask in masks])  # highest slice first
    stack = stack if stack.ndim == 3 else stack.any(axis=-1)
    # rows run to Posterior, columns to Left, as the series' own orientation says; axis 2 runs to Superior
    truth = np.moveaxis(stack[::-1], 0, 2).astype(np.int32)
    codes = nibabel.aff2axcodes(volume.affine)
    if codes != ("P", "L", "S") or truth.shape != volume.shape:
        raise ValueError(f"unexpected geometry {codes}, {truth.shape} and {volume.shape}")
    yield Case("chaos_ct", {"CT": volume}), volume.with_data(truth)
