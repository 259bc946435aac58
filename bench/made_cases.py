"""Made cases for the benchmarks of speed: smooth structures, noise, prompts as the track has them.

What the images show hardly matters to the time that is needed; how large they are and how much is prompted
does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unicare.core.case import Case
from unicare.core.prompt import CasePrompts
from unicare.core.volume import Volume
from unicare.data.layouts.flat import list_cases, read_case
from unicare.data.nifti import save_volume
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import read_prompts, write_prompts
from unicare.prompts.simulate import PromptSettings, simulate_case

__all__ = ["HEART", "MYOPS", "Scan", "Tube", "read_made", "write_made"]


@dataclass(frozen=True)
class Tube:
    """A structure on every slice: an ellipse whose middle and radii wander smoothly along the slices.

    Attributes:
        label: CARE label value.
        middle_mm: where it lies from the middle of the slice, along the file's first two axes.
        radii_mm: its half axes.
        brightness: by sequence; one that isn't listed shows it as ``otherwise``.
        otherwise: brightness in other sequences.
    """

    label: int
    middle_mm: tuple[float, float]
    radii_mm: tuple[float, float]
    brightness: Mapping[str, float]
    otherwise: float = 300.0


@dataclass(frozen=True)
class Scan:
    """Size and content of a made case; later tubes are painted over earlier ones.

    Attributes:
        case: its id.
        sequences: names as in the challenge's file names; "" for a single image without a name.
        shape: voxels along X, Y, Z of the file.
        spacing_mm: along the same axes.
        tubes: what is prompted.
    """

    case: str
    sequences: tuple[str, ...]
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    tubes: tuple[Tube, ...]


HEART = Scan(
    case="ct",
    sequences=("",),
    shape=(512, 512, 200),
    spacing_mm=(0.75, 0.75, 1.5),
    tubes=(
        Tube(205, (30, 15), (40, 36), {"": 110}),
        Tube(500, (30, 15), (28, 24), {"": 380}),
        Tube(600, (-25, -10), (24, 38), {"": 330}),
        Tube(420, (5, 68), (38, 22), {"": 400}),
        Tube(550, (-62, 20), (24, 30), {"": 310}),
        Tube(820, (-25, -68), (16, 17), {"": 420}),
        Tube(850, (15, -62), (18, 13), {"": 360}),
    ),
)
"""The seven structures of WHS++ on a large CT."""

MYOPS = Scan(
    case="myops",
    sequences=("C0", "LGE", "T2"),
    shape=(256, 256, 8),
    spacing_mm=(1.3, 1.3, 10.0),
    tubes=(
        Tube(600, (-38, -5), (26, 34), {"C0": 420, "LGE": 300, "T2": 160}),
        Tube(200, (15, 5), (36, 34), {"C0": 150, "LGE": 70, "T2": 200}),
        Tube(500, (15, 5), (25, 23), {"C0": 430, "LGE": 320, "T2": 140}),
        Tube(1220, (43, 5), (6, 16), {"C0": 160, "LGE": 80, "T2": 330}),
        Tube(2221, (44, 5), (4, 9), {"C0": 160, "LGE": 480, "T2": 300}),
    ),
)
"""A three-sequence MyoPS case with five labels."""


def write_made(scan: Scan, folder: Path, seed: int = 0) -> None:
    """Writes ``images/`` and ``prompts.json`` of one case, as ``unicare predict`` reads them."""
    affine = np.diag([-scan.spacing_mm[0], -scan.spacing_mm[1], scan.spacing_mm[2], 1.0])
    labels = _labels(scan)
    rng = np.random.default_rng(seed)
    for sequence in scan.sequences:
        name = f"{scan.case}_{sequence}" if sequence else scan.case
        image = Volume.from_file_axes(_image(scan, sequence, labels, rng), affine)
        save_volume(folder / "images" / f"{name}.nii.gz", image)
    prompts = simulate_case(
        scan.case, Volume.from_file_axes(labels, affine), PromptSettings(), slice_axis="pls"
    )
    write_prompts(folder / "prompts.json", [prompts])


def read_made(folder: Path, case: str) -> tuple[Case, CasePrompts]:
    """Reads a written case back, its prompts fitted to it."""
    prompts, _ = read_prompts(folder / "prompts.json")
    read = read_case(case, list_cases(folder, [case])[case])
    return read, fit_to_volume(prompts[case], read.reference)


def _labels(scan: Scan) -> NDArray[np.int32]:
    """(X, Y, Z), each tube on every slice."""
    x = ((np.arange(scan.shape[0]) - scan.shape[0] / 2) * scan.spacing_mm[0]).astype(np.float32)[:, None]
    y = ((np.arange(scan.shape[1]) - scan.shape[1] / 2) * scan.spacing_mm[1]).astype(np.float32)[None, :]
    labels = np.zeros(scan.shape, dtype=np.int32)
    for index in range(scan.shape[2]):
        height = index / scan.shape[2]
        for number, tube in enumerate(scan.tubes):
            wander = 4.0 * np.sin(
                2 * np.pi * height + 0.9 * np.array([0.0, 1.6]) + _group(scan.tubes, number)
            )
            swell = 1.0 + 0.15 * np.sin(3 * np.pi * height + number)
            across = (x - tube.middle_mm[0] - wander[0]) / (tube.radii_mm[0] * swell)
            along = (y - tube.middle_mm[1] - wander[1]) / (tube.radii_mm[1] * swell)
            labels[:, :, index][across**2 + along**2 < 1.0] = tube.label
    return labels


def _group(tubes: Sequence[Tube], number: int) -> int:
    """Tubes around the same middle wander together: the cavity stays within its wall."""
    return next(i for i, tube in enumerate(tubes) if tube.middle_mm == tubes[number].middle_mm)


def _image(
    scan: Scan, sequence: str, labels: NDArray[np.int32], rng: np.random.Generator
) -> NDArray[np.int16]:
    """(X, Y, Z), a brightness a structure, a round body, noise."""
    reach = np.hypot(*np.meshgrid(*(np.linspace(-1, 1, n) for n in scan.shape[:2]), indexing="ij"))
    body = np.where(reach < 0.9, 60.0 if sequence else 40.0, 0.0 if sequence else -1000.0).astype(np.float32)
    image = np.empty(scan.shape, dtype=np.int16, order="F")
    for index in range(scan.shape[2]):
        brightness = body.copy()
        for tube in scan.tubes:
            brightness[labels[:, :, index] == tube.label] = tube.brightness.get(sequence, tube.otherwise)
        noise = rng.standard_normal(brightness.shape, dtype=np.float32)
        image[:, :, index] = np.rint(brightness + 20.0 * noise)
    return image
