"""Cohorts of virtual patients, streamed case by case to a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import OutputError, SettingsError
from unicare.core.structure import structure_table
from unicare.core.volume import Volume
from unicare.data.cohort import CohortRow, write_cohort
from unicare.data.nifti import save_labels, save_volume
from unicare.data.phantom.anatomy import Anatomy
from unicare.data.phantom.centres import Centre, CohortPart, cohort_parts, find_centre, stable_seed
from unicare.data.phantom.contrast import sample_contrast
from unicare.data.phantom.grids import SliceGrid, axial_grid, extent_mm, reorient, sample_slices, thin_layers
from unicare.data.phantom.heart import build_heart, sample_heart_options, short_axis_affine
from unicare.data.phantom.readers import read
from unicare.data.phantom.render import render
from unicare.data.phantom.tissues import Tissue
from unicare.data.phantom.trunk import build_trunk
from unicare.data.phantom.warp import random_warp

__all__ = ["CasePlan", "keep_annotated", "plan_cohort", "simulate_case", "simulate_cohort"]

Progress = Callable[[int, int], None]

_T = Tissue
_HEART = (_T.BLOOD_LV, _T.BLOOD_RV, _T.BLOOD_LA, _T.BLOOD_RA, _T.MYOCARDIUM)
_ORGANS = {
    "whs": (*_HEART, _T.AORTA_ASCENDING, _T.PULMONARY_ARTERY),
    "la": (_T.BLOOD_LA, _T.ATRIAL_APPENDAGE),
    "la_scar": (_T.BLOOD_LA, _T.ATRIAL_APPENDAGE),
    "liver": (_T.LIVER,),
}
_LARGEST_MATRIX = 256
_FLAT_NAMES = {"LGE": "LGE", "T2": "T2", "bSSFP": "C0"}
_AGES = ("20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80-89")
_AGE_SHARES = (0.04, 0.07, 0.14, 0.24, 0.27, 0.18, 0.06)


@dataclass(frozen=True)
class CasePlan:
    """What is known of a case before anything is drawn.

    Attributes:
        row: its line in the manifest.
        track: the challenge's track.
        seed: everything in the case follows from it.
        part: the line of the table of cohorts that it belongs to.
    """

    row: CohortRow
    track: str
    seed: int
    part: CohortPart

    def image_paths(self, out: Path) -> dict[str, Path]:
        """Sequence to file."""
        folder = out / self.row.task / "images"
        if len(self.row.sequences) == 1 and self.row.task != "myops":
            return {self.row.sequences[0]: folder / f"{self.row.case}.nii.gz"}
        return {name: folder / f"{self.row.case}_{_FLAT_NAMES[name]}.nii.gz" for name in self.row.sequences}

    def label_path(self, out: Path) -> Path:
        """Where the truth goes; it is written last, so it says that the case is complete."""
        return out / self.row.task / "labels" / f"{self.row.case}.nii.gz"


def simulate_cohort(
    out: str | os.PathLike[str],
    track: str = "TFM4MedIA",
    scale: float = 0.05,
    seed: int = 0,
    tasks: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
    progress: Progress | None = None,
    *,
    workers: int = 1,
) -> list[CohortRow]:
    """Makes a cohort of virtual patients after one track's table of cohorts.

    Writes ``OUT/<task>/images/<case>.nii.gz`` (or ``<case>_{LGE,T2,C0}.nii.gz``),
    ``OUT/<task>/labels/<case>.nii.gz`` with CARE label values on the reference sequence's grid, and
    ``OUT/cohort.csv``. Cases that are complete already are skipped, so a stopped run goes on where it was.

    Args:
        out: the cohort's folder.
        track: the challenge's track.
        scale: share of the track's number of cases; every line of its table gets one at least.
        seed: order and content of cases depend on nothing else.
        tasks: only these tasks.
        splits: only these splits.
        progress: called with (done, all) after every case.
        workers: processes that simulate cases side by side.

    Returns:
        The manifest's rows, in order.

    Raises:
        SettingsError: an unknown track, task or split, or a scale of zero or less.
        OutputError: the folder can't be written to.
    """
    plans = plan_cohort(track, scale, seed, tasks, splits)
    folder = Path(out)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder}: can't make the cohort's folder", found=error.strerror, mend="choose another folder"
        ) from None
    rows = [plan.row for plan in plans]
    write_cohort(folder, rows)
    open_plans = [plan for plan in plans if not _is_complete(plan, folder)]
    done = len(plans) - len(open_plans)
    if progress and done:
        progress(done, len(plans))
    for _ in _simulate_all(open_plans, folder, workers):
        done += 1
        if progress:
            progress(done, len(plans))
    return rows


def plan_cohort(
    track: str,
    scale: float,
    seed: int = 0,
    tasks: Sequence[str] | None = None,
    splits: Sequence[str] | None = None,
) -> list[CasePlan]:
    """Which cases a cohort has; costs nothing.

    Raises:
        SettingsError: an unknown track, task or split, or a scale of zero or less.
    """
    if not scale > 0:
        raise SettingsError("the cohort's scale", found=scale, expected="a number above 0, such as 0.05")
    parts = cohort_parts(track)
    _check_names("task", tasks, [part.task for part in parts])
    _check_names("split", splits, [part.split for part in parts])
    return [
        _plan(part, seed, index)
        for part in parts
        if (tasks is None or part.task in tasks) and (splits is None or part.split in splits)
        for index in range(max(1, round(part.cases * scale)))
    ]


def _check_names(what: str, wanted: Sequence[str] | None, known: Sequence[str]) -> None:
    for name in wanted or ():
        if name not in known:
            raise SettingsError(
                f"no such {what} in this track", found=name, expected=f"one of {sorted(set(known))}"
            )


def _plan(part: CohortPart, seed: int, index: int) -> CasePlan:
    case_seed = stable_seed(seed, part.track, part.task, part.split, part.centre, index)
    rng = np.random.default_rng([case_seed, 1])
    centre = find_centre(part)
    sequences = tuple(name for name in part.sequences if rng.random() >= centre.missing.get(name, 0.0))
    if part.task == "liver":
        # Liver sequences aren't registered: each is a case of its own, mostly the hepatobiliary phase.
        shares = np.array([4.0 if name == "GED4" else 1.0 for name in sequences])
        sequences = (str(rng.choice(sequences, p=shares / shares.sum())),)
    strength = float(rng.choice(centre.field_strengths_t)) if centre.field_strengths_t else None
    row = CohortRow(
        case=f"C{case_seed:015d}"[:9] + f"{index:03d}",
        patient=f"P{stable_seed('patient', case_seed) % 10**8:08d}",
        centre=part.centre,
        vendor=centre.vendor,
        task=part.task,
        split=part.split,
        distribution=part.distribution,
        sequences=sequences,
        annotated=centre.annotated(part.track, sequences),
        field_strength_t=strength,
        sex=str(rng.choice(["F", "M"])),
        age_band=str(rng.choice(_AGES, p=np.array(_AGE_SHARES) / sum(_AGE_SHARES))),
    )
    return CasePlan(row, part.track, case_seed, part)


def _is_complete(plan: CasePlan, out: Path) -> bool:
    return all(path.is_file() for path in (*plan.image_paths(out).values(), plan.label_path(out)))


def _simulate_all(plans: Sequence[CasePlan], out: Path, workers: int) -> Iterator[str]:
    if workers <= 1 or len(plans) <= 1:
        for plan in plans:
            yield simulate_case(plan, out)
        return
    # Spawned, not forked: the caller may run threads.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(simulate_case, plans, [out] * len(plans))


def simulate_case(plan: CasePlan, out: Path) -> str:
    """Writes one case: every sequence on its own grid, then the truth on the first one's.

    Returns:
        The case's id.

    Raises:
        OutputError: the folder can't be written to.
    """
    centre = find_centre(plan.part)
    rng = np.random.default_rng([plan.seed, 2])
    patient = _patient(plan.row.task, rng)
    base = _grid(plan.row.task, plan.row.sequences[0], centre, patient, rng)
    breath = _breath(base, centre, rng) if plan.row.task == "myops" else None
    for number, (sequence, path) in enumerate(plan.image_paths(out).items()):
        grid, shifts = base, breath
        if number:
            grid = _other_grid(base, centre, rng)
            shifts = _breath(grid, centre, rng)
        tissues = sample_slices(patient, grid, shifts)
        image = _image(plan, sequence, centre, grid, tissues, rng)
        volume = Volume.from_file_axes(*reorient(image, grid.affine, centre.axes))
        save_volume(path, volume)
        if number == 0:
            reference, drawn = volume, _draw(plan, centre, grid, tissues)
    turned, _ = reorient(drawn, base.affine, centre.axes)
    save_labels(plan.label_path(out), reference, Volume.from_file_axes(turned, reference.file.affine).data)
    return plan.row.case


def _patient(task: str, rng: np.random.Generator) -> Anatomy:
    """A patient who has what the task looks for."""
    options = sample_heart_options(rng)
    if task == "myops":
        options = replace(options, infarct=bool(rng.random() < 0.9))
    if task == "la_scar":
        options = replace(options, atrial_scar=True)
    heart, landmarks = build_heart(rng, options)
    trunk = build_trunk(rng, landmarks)
    return Anatomy([*trunk, *heart], random_warp(rng, float(rng.uniform(1.5, 4.5))), landmarks)


def _grid(task: str, sequence: str, centre: Centre, patient: Anatomy, rng: np.random.Generator) -> SliceGrid:
    """How the technician plans the reference sequence."""
    in_plane, between = (value * float(np.exp(rng.normal(0, 0.04))) for value in centre.spacing_mm)
    if task == "myops":
        return _short_axis_grid(patient, in_plane, between, rng)
    start = (30.0, -10.0, -130.0) if task == "liver" else (20.0, -10.0, 15.0)
    low, high = extent_mm(patient, _ORGANS[task], start, 190.0 if task == "liver" else 130.0)
    middle = (low + high) / 2 + rng.normal(0, 5, 3)
    size = high - low + 2 * centre.margin_mm
    if task == "whs":
        width = max(size[:2].max(), 150.0)
        rows = columns = _matrix(width, in_plane)
        tilt = 0.0 if sequence == "CT" else float(rng.normal(0, 6))
    else:
        body_mm = float(rng.uniform(300, 380))
        rows, columns = _matrix(body_mm, in_plane), _matrix(body_mm * float(rng.uniform(0.75, 1.0)), in_plane)
        middle[:2] = np.array([35.0, -25.0]) + rng.normal(0, 10, 2)
        in_plane = max(in_plane, body_mm / _LARGEST_MATRIX)
        tilt = 0.0
    slices = max(8, round(size[2] / between))
    return axial_grid(middle, (in_plane, in_plane, between), (rows, columns, slices), tilt)


def _short_axis_grid(
    patient: Anatomy, in_plane: float, between: float, rng: np.random.Generator
) -> SliceGrid:
    marks = patient.landmarks_mm
    length_mm = float(np.linalg.norm(marks["mitral_centre"] - marks["lv_apex"]))
    slices = int(np.clip(round((length_mm + rng.uniform(-5, 15)) / between), 4, 20))
    width = float(rng.uniform(230, 340))
    shape = (_matrix(width, in_plane), _matrix(width * float(rng.uniform(0.75, 1.0)), in_plane), slices)
    affine = short_axis_affine(marks, in_plane, between, shape, rng)
    return SliceGrid(np.asarray(affine, dtype=np.float64), shape, thin_layers(between, in_plane))


def _matrix(width_mm: float, spacing_mm: float) -> int:
    """An even number of voxels across, as scanners have it."""
    return int(min(_LARGEST_MATRIX, max(64, 16 * round(width_mm / spacing_mm / 16))))


def _other_grid(base: SliceGrid, centre: Centre, rng: np.random.Generator) -> SliceGrid:
    """Another sequence of the same study: its own voxels, and a patient who has breathed meanwhile."""
    factor = float(rng.uniform(0.8, 1.25))
    rows, columns, slices = base.shape
    shape = (max(64, round(rows / factor)), max(64, round(columns / factor)), slices)
    affine = base.affine.copy()
    affine[:3, :2] *= factor
    middle = base.affine[:3, :3] @ ((np.array(base.shape) - 1) / 2) + base.affine[:3, 3]
    affine[:3, 3] = middle - affine[:3, :3] @ ((np.array(shape) - 1) / 2)
    return SliceGrid(affine, shape, base.thin).moved(rng.normal(0, centre.breathing_mm, 3))


def _breath(grid: SliceGrid, centre: Centre, rng: np.random.Generator) -> NDArray[np.float64]:
    """How far each slice's breath-hold differs, (slices, 3) mm: mostly up and down, a little to the front."""
    depth = rng.normal(0, centre.breathing_mm, grid.shape[2])
    return np.asarray(depth[:, None] * np.array([[0.0, 0.25, 1.0]]))


def _image(
    plan: CasePlan,
    sequence: str,
    centre: Centre,
    grid: SliceGrid,
    tissues: NDArray[np.uint8],
    rng: np.random.Generator,
) -> NDArray[np.int16]:
    strength = plan.row.field_strength_t or 1.5
    pulse = None if sequence == "CT" else centre.pulse(sequence, rng, strength)
    # The same state for every sequence of a patient: the same relaxation times.
    body = np.random.default_rng([plan.seed, 3])
    contrast = sample_contrast(
        sequence,
        body,
        field_strength_t=strength,
        phase=centre.phase(),
        variation=centre.variation,
        pulse=pulse,
    )
    settings = centre.settings(sequence, rng, (1, 1, grid.thin))
    image = render(tissues, contrast, grid.spacing_mm, settings, rng)
    return np.rint(np.clip(image, -32768, 32767)).astype(np.int16)


def _draw(plan: CasePlan, centre: Centre, grid: SliceGrid, tissues: NDArray[np.uint8]) -> NDArray[np.int16]:
    """What the centre's reader draws on the middle layer of every slice."""
    middle = tissues[:, :, grid.thin // 2 :: grid.thin]
    return keep_annotated(
        read(middle, grid.spacing_mm, centre.style, plan.row.task), plan.row.task, plan.row.annotated
    )


def keep_annotated(labels: NDArray[np.int16], task: str, annotated: Sequence[int]) -> NDArray[np.int16]:
    """Takes away what a reader doesn't draw: a part becomes its parent if that is drawn, else background."""
    kept = labels.copy()
    table = structure_table()
    for structure in table.structures:
        value = structure.labels.get(task)
        if value is None or value in annotated:
            continue
        parent = table.by_name(structure.parent)
        above = parent.labels.get(task, 0) if parent else 0
        kept[labels == value] = above if above in annotated else 0
    return kept
