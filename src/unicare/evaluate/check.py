"""Everything that is wrong with a folder of predictions, in one go and without scoring."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from unicare.core.errors import ImageError, UnicareError
from unicare.core.structure import TASKS, structure_table
from unicare.core.volume import Volume
from unicare.data.layouts.flat import IMAGES_FOLDER, split_name
from unicare.data.nifti import load_labels, stem
from unicare.evaluate.engine import Resources, on_this_machine
from unicare.evaluate.files import PREDICTION_ENDS, without_label_end
from unicare.evaluate.findings import Finding, Kind
from unicare.evaluate.grid import compare_grids, load_grid
from unicare.evaluate.labels import prediction_findings
from unicare.evaluate.run import Progress, plan_cases
from unicare.evaluate.score import CaseTask
from unicare.metrics.labelmaps import count_labels

__all__ = ["CheckResult", "check_predictions"]

_REFERENCE_ORDER = ("LGE", "T2", "bSSFP")  # whose grid a prediction is expected on (the container's contract)


@dataclass(frozen=True)
class CheckResult:
    """What is wrong with a folder of predictions.

    Attributes:
        problems: one after the other, in order of cases.
        cases: how many were expected.
    """

    problems: tuple[Finding, ...]
    cases: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        problems = [
            {"case": one.case, "kind": str(one.kind), "text": one.text, "voxels": one.voxels}
            for one in self.problems
        ]
        return {"ok": self.ok, "cases": self.cases, "problems": problems}


def check_predictions(
    predictions_dir: str | os.PathLike[str],
    truth_dir: str | os.PathLike[str],
    cohort: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    *,
    task: str | None = None,
    names: Mapping[int, str] | None = None,
    geometry_only: bool = False,
    workers: int = 1,
) -> CheckResult:
    """Looks for missing, extra, unreadable, misshapen and mislabelled predictions.

    Args:
        predictions_dir: as for ``evaluate``.
        truth_dir: as for ``evaluate``; with ``geometry_only`` a folder of images, ``<case>.nii.gz`` or
            ``<case>_<sequence>.nii.gz``, in it or in its folder ``images``; truths do, too.
        cohort: manifest that says which labels are annotated in which case.
        progress: told after every case.
        task: the challenge's task, which says what labels there may be.
        names: label to structure's name, for labels that aren't CARE's.
        geometry_only: there are images only; their shape and affine are looked at, not their voxels.
        workers: processes to spread cases over.

    Raises:
        ImageError: a folder isn't there, or there is no truth (or image) in it.
        SettingsError: an unknown task, or a manifest that can't be used.
    """
    plan = partial(plan_cases, predictions_dir, truth_dir, cohort, names=names, task=task)
    tasks, about_folders = plan(find_references=_find_images) if geometry_only else plan()
    problems = [finding for finding in about_folders if finding.kind is not Kind.MANIFEST]
    look = partial(_look_at, geometry_only=geometry_only)
    found: dict[str, tuple[Finding, ...]] = {}
    for one in on_this_machine(look, tasks, _died, Resources(workers)):
        found[one.case] = one.problems
        if progress is not None:
            progress(len(found), len(tasks), one.case)
    every = [finding for one in tasks for finding in found[one.case]]
    return CheckResult((*every, *problems), len(tasks))


@dataclass(frozen=True)
class _Looked:
    case: str
    problems: tuple[Finding, ...] = ()


def _look_at(task: CaseTask, geometry_only: bool) -> _Looked:
    """What is wrong with one prediction."""
    if task.prediction is None:
        text = "no prediction; add one, named as its case with _pred.nii.gz"
        return _Looked(task.case, (Finding(Kind.MISSING, text, task.case),))
    problems: list[Finding] = []
    truth = predicted = None
    try:
        truth = load_grid(task.truth) if geometry_only else load_labels(task.truth)
    except UnicareError as error:
        problems.append(Finding(Kind.TRUTH, str(error), task.case))
    try:
        predicted = load_labels(task.prediction)
    except UnicareError as error:
        whole = isinstance(error, ImageError) and error.what.endswith("not a label map")
        kind = Kind.FLOAT_LABELS if whole else Kind.UNREADABLE
        problems.append(Finding(kind, str(error), task.case))
    if truth is not None and predicted is not None:
        problems += _grid_problems(task, truth, predicted)
    if predicted is not None:
        problems += _label_problems(task, None if geometry_only else truth, predicted)
    return _Looked(task.case, tuple(problems))


def _grid_problems(task: CaseTask, truth: Volume, predicted: Volume) -> list[Finding]:
    different = compare_grids(truth, predicted)
    if different is None:
        return []
    name = task.prediction.name if task.prediction is not None else ""
    text = f"{name}: found {different.found}; expected {different.expected}, as in {task.truth.name}"
    return [Finding(Kind(different.kind), text, task.case)]


def _label_problems(task: CaseTask, truth: Volume | None, predicted: Volume) -> list[Finding]:
    in_truth = set(_counts(truth.data)) if truth is not None else None
    scored = set(task.annotated or in_truth or ())
    if not scored and task.task in TASKS:
        scored = {one.labels[task.task] for one in structure_table().structures if task.task in one.labels}
    findings = prediction_findings(
        task.case,
        _counts(predicted.data),
        scored,
        in_truth=in_truth,
        annotated=task.annotated is not None,
        task=task.task,
        names=task.names,
    )
    return [one for one in findings if one.kind in (Kind.OTHER_LABEL, Kind.UNKNOWN_LABEL)]


def _counts(labels: NDArray[Any]) -> dict[int, int]:
    """Label to voxels, of one label map."""
    return {label: overlap.truth_voxels for label, overlap in count_labels(labels, labels).items()}


def _died(task: CaseTask) -> _Looked:
    text = "the process that read it ended without a word; mostly the machine's memory is full then"
    return _Looked(task.case, (Finding(Kind.UNREADABLE, text, task.case),))


def _find_images(folder: Path, predictions: Sequence[Path]) -> dict[str, Path]:
    """Case to the image on whose grid a prediction is expected, in order of the cases' names."""
    place = folder / IMAGES_FOLDER if (folder / IMAGES_FOLDER).is_dir() else folder
    known = {_case_of(path) for path in predictions}
    images: dict[str, dict[str, Path]] = {}
    try:
        paths = sorted(path for path in place.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ImageError(
            f"{place}: the folder of images can't be read", found=error.strerror or str(error)
        ) from None
    for path in paths:
        name = stem(path)
        if name:
            case, sequence = split_name(without_label_end(name), known)  # truths have a grid as well
            images.setdefault(case, {}).setdefault(sequence, path)
    if not images:
        raise ImageError(f"{place}: no images", found="no .nii.gz file", expected="one for every case")
    return {case: _reference(files) for case, files in sorted(images.items())}


def _reference(files: Mapping[str, Path]) -> Path:
    first = next((name for name in _REFERENCE_ORDER if name in files), next(iter(files)))
    return files[first]


def _case_of(path: Path) -> str:
    name = stem(path) or ""
    end = PREDICTION_ENDS[0]
    return name.removesuffix(end)
