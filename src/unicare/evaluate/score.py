"""One case: its truth against its prediction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import GeometryError, UnicareError
from unicare.core.structure import structure_table
from unicare.core.volume import Volume
from unicare.data.nifti import load_labels
from unicare.evaluate.rows import ERROR, Row
from unicare.metrics.overlap import dice
from unicare.metrics.rules import Figure
from unicare.metrics.surface import joint_box, surface_distances

__all__ = ["METRICS", "CaseScore", "CaseTask", "check_same_grid", "labels_in", "score_case", "structure_name"]

METRICS = ("dice", "hausdorff_mm", "hd95_mm", "assd_mm")
"""What is measured of every structure, in this order."""

_TOLERANCE_VOXELS = 0.05


@dataclass(frozen=True)
class CaseTask:
    """What is to be scored of one case.

    Attributes:
        case: the case's id.
        truth: its label map.
        prediction: its prediction; None counts as empty.
        annotated: labels to be scored; None means those that the truth holds.
        names: label to the structure's name, before the structure table is asked.
        task: the challenge's task, which says what a label value means there.
        centre: where it was scanned.
        distribution: ID or OOD.
    """

    case: str
    truth: Path
    prediction: Path | None
    annotated: frozenset[int] | None = None
    names: Mapping[int, str] | None = None
    task: str | None = None
    centre: str = ""
    distribution: str = ""

    def row(self, label: int | None, structure: str, metric: str, value: float | None, rule: str) -> Row:
        """A row of this case."""
        return Row(self.case, self.centre, self.distribution, label, structure, metric, value, rule)


@dataclass(frozen=True)
class CaseScore:
    """The rows of one case, and what else is worth knowing about it."""

    rows: tuple[Row, ...]
    findings: tuple[str, ...] = ()
    error: str | None = None


def score_case(task: CaseTask) -> CaseScore:
    """Measures every structure of one case. What can't be read or compared becomes an error row."""
    try:
        truth = load_labels(task.truth)
        if task.prediction is None:
            prediction = np.zeros_like(truth.data)
        else:
            predicted = load_labels(task.prediction)
            check_same_grid(task.truth, truth, task.prediction, predicted)
            prediction = predicted.data
    except UnicareError as error:
        sentence = str(error)
        return CaseScore((task.row(None, "", ERROR, None, sentence),), error=sentence)
    return _measured(task, truth, prediction)


def _measured(task: CaseTask, truth: Volume, prediction: NDArray[Any]) -> CaseScore:
    in_truth, in_prediction = labels_in(truth.data), labels_in(prediction)
    scored = in_truth if task.annotated is None else task.annotated
    box = joint_box(truth.data != 0, prediction != 0)
    truth_crop, prediction_crop = truth.data[box], prediction[box]
    rows: list[Row] = []
    for label in sorted(scored):
        name = structure_name(label, task.task, task.names)
        for metric, figure in _figures(truth, truth_crop == label, prediction_crop == label).items():
            rows.append(task.row(label, name, metric, figure.value, figure.rule.value))
    findings = [
        f"case {task.case}: label {label} ({structure_name(label, task.task, task.names)}) is predicted in "
        f"{np.count_nonzero(prediction_crop == label)} voxels, but not scored: "
        + ("the truth doesn't hold it" if task.annotated is None else "it isn't annotated in this case")
        for label in sorted(in_prediction - scored)
    ]
    if not scored:
        findings.append(f"case {task.case}: nothing to score, the truth is empty and no manifest says more")
    return CaseScore(tuple(rows), tuple(findings))


def _figures(grid: Volume, truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> dict[str, Figure]:
    distances = surface_distances(truth, prediction, grid.spacing_mm, image_shape=grid.shape)
    figures = (
        dice(truth, prediction),
        distances.hausdorff_mm(),
        distances.hd95_mm(),
        distances.assd_mm(),
    )
    return dict(zip(METRICS, figures, strict=True))


def labels_in(labels: NDArray[Any]) -> frozenset[int]:
    """Every label of a label map but 0."""
    found = [np.unique(slab) for slab in labels]
    return (
        frozenset(int(label) for label in np.unique(np.concatenate(found)) if label) if found else frozenset()
    )


def structure_name(label: int, task: str | None = None, names: Mapping[int, str] | None = None) -> str:
    """The structure that a label stands for; the label itself where nobody knows."""
    if names is not None and label in names:
        return names[label]
    known = structure_table().by_label(label, task or None)
    return known.name if known is not None else f"label {label}"


def check_same_grid(truth_path: Path, truth: Volume, prediction_path: Path, prediction: Volume) -> None:
    """Refuses a prediction on another grid than its truth's; another axis order in the file is fine.

    Raises:
        GeometryError: names both files and what differs.
    """
    files = f"{prediction_path}: not on the grid of its truth {truth_path}"
    if prediction.shape != truth.shape:
        raise GeometryError(
            files,
            found=f"{prediction.shape} voxels along P, L, S",
            expected=f"{truth.shape}",
            mend="write predictions on the grid of their image",
        )
    off_mm = _farthest_corner_mm(truth, prediction)
    if off_mm > _TOLERANCE_VOXELS * min(truth.spacing_mm):
        raise GeometryError(
            files,
            found=f"affine {_brief(prediction)}, a corner of the image {off_mm:.3g} mm off",
            expected=f"affine {_brief(truth)}",
            mend="copy the affine of the image into its prediction",
        )


def _farthest_corner_mm(a: Volume, b: Volume) -> float:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in a.shape], [1], indexing="ij")).reshape(4, -1)
    apart = (a.affine - b.affine)[:3] @ corners
    return float(np.linalg.norm(apart, axis=0).max())


def _brief(volume: Volume) -> str:
    return str(np.round(volume.affine[:3], 3).tolist())
