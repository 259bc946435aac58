"""Images of any contrast from label maps of the user's own, with a table of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from unicare.core.case import SEQUENCES
from unicare.core.errors import SettingsError
from unicare.core.volume import Volume
from unicare.data.cohort import CohortRow, write_cohort
from unicare.data.nifti import load_labels, save_labels, save_volume, stem
from unicare.data.phantom.centres import stable_seed
from unicare.data.phantom.contrast import Contrast
from unicare.data.phantom.render import render, sample_settings

__all__ = ["LabelRow", "TissueTable", "read_tissue_table", "simulate_from_labels"]

_STRICT = ConfigDict(extra="forbid", frozen=True)


class Signal(BaseModel):
    """What a tissue looks like in one sequence: HU in CT, any unit in MRI."""

    model_config = _STRICT

    mean: float = Field(allow_inf_nan=False)
    sd: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="between patients")
    texture: float = Field(default=0.0, ge=0, allow_inf_nan=False, description="sd within the tissue")


class LabelRow(BaseModel):
    """One label of the user's maps."""

    model_config = _STRICT

    name: str
    truth: int | None = Field(
        default=None, ge=0, le=2**31 - 1, description="value in the truth; None: as it is"
    )
    signals: dict[str, Signal]


class TissueTable(BaseModel):
    """The user's table: label to its name and its signal in every sequence.

    As YAML::

        sequences: [CT, T2]
        labels:
          0: {name: background, signals: {CT: {mean: -1000}, T2: {mean: 0}}}
          1: {name: liver, truth: 1, signals: {CT: {mean: 110, sd: 12, texture: 9}, T2: {mean: 240, sd: 30}}}
    """

    model_config = _STRICT

    sequences: list[str] = Field(min_length=1)
    labels: dict[int, LabelRow] = Field(min_length=1)


def read_tissue_table(path: str | os.PathLike[str]) -> TissueTable:
    """Reads and checks a table of tissues.

    Raises:
        SettingsError: the file can't be read, has unknown keys, or lacks a signal; says which.
    """
    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: can't read the table of tissues", found=error) from None
    try:
        table = TissueTable.model_validate(content)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "the file"
        raise SettingsError(
            f"{path}: {field}: {first['msg'].lower()}",
            found=repr(first["input"])[:80],
            expected="sequences: [...], labels: {value: {name, truth, signals: {CT: {mean, sd, texture}}}}",
        ) from None
    for sequence in table.sequences:
        if sequence not in SEQUENCES:
            raise SettingsError(f"{path}: unknown sequence", found=sequence, expected=f"one of {SEQUENCES}")
        lacking = [label for label, row in table.labels.items() if sequence not in row.signals]
        if lacking:
            raise SettingsError(f"{path}: labels without a signal in {sequence}", found=lacking)
    return table


def simulate_from_labels(
    anatomy_dir: str | os.PathLike[str],
    tissues_table: str | os.PathLike[str],
    out: str | os.PathLike[str],
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> list[CohortRow]:
    """Renders every label map of a folder in every sequence of a table.

    Writes ``OUT/custom/images/<map>-<sequence>.nii.gz``, the truth under the same name in ``labels``, and
    ``OUT/cohort.csv``. Complete cases are skipped.

    Args:
        anatomy_dir: folder of NIfTI label maps, which should cover the whole image.
        tissues_table: YAML, see ``TissueTable``.
        out: the cohort's folder.
        seed: everything random follows from it and the map's name.
        progress: called with (done, all) after every map.

    Raises:
        SettingsError: the table isn't right, there are no maps, or a map has labels that the table lacks.
        ImageError: a file isn't a label map.
        OutputError: the folder can't be written to.
    """
    table = read_tissue_table(tissues_table)
    folder = Path(anatomy_dir)
    maps = sorted(path for path in folder.glob("*") if path.is_file() and stem(path) is not None)
    if not maps:
        raise SettingsError(f"{folder}: no label maps", expected="files that end in .nii or .nii.gz")
    rows = []
    for done, path in enumerate(maps, start=1):
        rows += _render_map(path, table, Path(out), seed)
        if progress:
            progress(done, len(maps))
    write_cohort(out, rows)
    return rows


def _render_map(path: Path, table: TissueTable, out: Path, seed: int) -> list[CohortRow]:
    labels = load_labels(path)
    values = np.unique(labels.data)
    lacking = [int(value) for value in values if int(value) not in table.labels]
    if lacking:
        raise SettingsError(
            f"{path}: labels that the table of tissues lacks",
            found=lacking[:20],
            mend="add them under labels:",
        )
    compact = np.searchsorted(values, labels.data).astype(np.uint16)
    rows = [table.labels[int(value)] for value in values]
    truth = _truth(values, rows, compact)
    made = []
    for sequence in table.sequences:
        case = f"{stem(path)}-{sequence}"
        image_path = out / "custom" / "images" / f"{case}.nii.gz"
        label_path = out / "custom" / "labels" / f"{case}.nii.gz"
        if not (image_path.is_file() and label_path.is_file()):
            rng = np.random.default_rng(stable_seed(seed, stem(path), sequence))
            image = _render_sequence(compact, rows, sequence, labels, rng)
            save_volume(image_path, labels.with_data(image))
            save_labels(label_path, labels, truth)
        annotated = tuple(int(value) for value in np.unique(truth) if value)
        made.append(
            CohortRow(
                case, stem(path) or "", "own", "", "custom", "training", "ID", (sequence,), annotated, None
            )
        )
    return made


def _truth(values: NDArray[Any], rows: list[LabelRow], compact: NDArray[np.uint16]) -> NDArray[np.int64]:
    table = [int(value) if row.truth is None else row.truth for value, row in zip(values, rows, strict=True)]
    return np.take(np.array(table, dtype=np.int64), compact)


def _render_sequence(
    compact: NDArray[np.uint16], rows: list[LabelRow], sequence: str, grid: Volume, rng: np.random.Generator
) -> NDArray[np.int16]:
    modality: Literal["CT", "MRI"] = "CT" if sequence == "CT" else "MRI"
    signals: Mapping[int, Signal] = {index: row.signals[sequence] for index, row in enumerate(rows)}
    means = np.array([rng.normal(signal.mean, signal.sd) for signal in signals.values()], dtype=np.float32)
    unit = 1.0
    if modality == "MRI":
        means = np.abs(means)
        unit = max(float(means.max()), 1e-6)
    texture = np.array([signal.texture for signal in signals.values()], dtype=np.float32) / np.float32(unit)
    contrast = Contrast(means / np.float32(unit), texture, np.zeros_like(means), modality)
    image = render(compact, contrast, grid.spacing_mm, sample_settings(rng, modality=modality), rng)
    return np.rint(np.clip(image, -32768, 32767)).astype(np.int16)
