"""One case: its truth against its prediction."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import UnicareError
from unicare.core.volume import Volume
from unicare.data.nifti import load_labels
from unicare.evaluate.findings import Finding, Kind
from unicare.evaluate.grid import check_same_grid, compare_grids, resample_labels
from unicare.evaluate.labels import is_known, prediction_findings, structure_name, structure_of
from unicare.evaluate.probabilities import probability_figures
from unicare.evaluate.rows import ERROR, WHOLE_CASE, Row
from unicare.evaluate.settings import EvaluationSettings
from unicare.metrics.labelmaps import count_labels, measure_labels
from unicare.metrics.lesions import DetectionBySize, Lesions, detection_by_size, match_lesions
from unicare.metrics.overlap import Overlap, generalised_dice
from unicare.metrics.rules import Figure

__all__ = ["CaseScore", "CaseTask", "check_same_grid", "score_case", "structure_name"]

_log = logging.getLogger("unicare")


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

    def failed(self, sentence: str) -> CaseScore:
        """The score of this case when it can't be scored."""
        return CaseScore(self.case, (self.row(None, "", ERROR, None, sentence),), error=sentence)


@dataclass(frozen=True)
class CaseScore:
    """The rows of one case, and what else is worth knowing about it.

    Attributes:
        case: the case's id.
        rows: every figure, or one row that says what went wrong.
        findings: what was noticed on the way.
        error: what went wrong; None if nothing did.
        detection: label to how many of its lesions were found, by size.
    """

    case: str
    rows: tuple[Row, ...]
    findings: tuple[Finding, ...] = ()
    error: str | None = None
    detection: Mapping[int, DetectionBySize] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Pair:
    """Truth and prediction (P, L, S) on one grid, and what was found when they were read."""

    truth: Volume
    prediction: NDArray[Any]
    findings: tuple[Finding, ...] = ()


def score_case(task: CaseTask, settings: EvaluationSettings | None = None) -> CaseScore:
    """Measures every structure of one case. What can't be read or compared becomes an error row."""
    settings = settings or EvaluationSettings()
    try:
        return _measured(task, _read(task, settings.resample), settings)
    except UnicareError as error:
        return task.failed(str(error))
    except MemoryError:
        return task.failed(
            f"case {task.case}: too large for this machine's memory; use fewer --workers, or crop the image"
        )
    except Exception as error:  # a bad case of a kind that nobody thought of must not end the run
        _log.debug("case %s", task.case, exc_info=error)
        return task.failed(
            f"case {task.case}: an error of unicare's own, {type(error).__name__}: {error}; "
            "please report it with what `unicare evaluate -vv --workers 1` prints"
        )


def _read(task: CaseTask, resample: bool) -> _Pair:
    truth = load_labels(task.truth)
    if task.prediction is None:
        return _Pair(truth, np.zeros_like(truth.data))
    predicted = load_labels(task.prediction)
    different = compare_grids(truth, predicted)
    if different is None:
        return _Pair(truth, predicted.data)
    if not resample:
        check_same_grid(task.truth, truth, task.prediction, predicted)
    text = f"other {different.kind}; resampled onto the truth's grid, nearest neighbour, 0 outside"
    labels = resample_labels(predicted, truth)
    if predicted.data.any() and not labels.any():
        text += "; nothing of the prediction lies inside the truth's image"
    return _Pair(truth, labels, (Finding(Kind.RESAMPLED, text, task.case),))


def _measured(task: CaseTask, pair: _Pair, settings: EvaluationSettings) -> CaseScore:
    counts = count_labels(pair.truth.data, pair.prediction)
    in_truth = {label for label, overlap in counts.items() if overlap.truth_voxels}
    scored = sorted(in_truth if task.annotated is None else task.annotated)
    lesions = _lesions(task, pair, scored) if settings.lesion_metrics else {}
    findings = [*pair.findings, *_label_findings(task, counts, in_truth, scored)]
    figures = _label_figures(pair, scored, settings)
    for label, found in lesions.items():
        every = found.figures()
        figures[label].update({name: every[name] for name in settings.lesion_metrics})
    if settings.probability_metrics:
        told, unusable = probability_figures(task.case, task.truth, pair.truth, scored, settings)
        findings += unusable
        for label, extra in told.items():
            figures[label].update(extra)
    rows = [
        task.row(
            label, structure_name(label, task.task, task.names), metric, float(figure.value), str(figure.rule)
        )
        for label in scored
        for metric, figure in figures[label].items()
    ]
    rows += _case_rows(task, [counts.get(label, Overlap(0, 0, 0)) for label in scored], settings)
    detection = {label: detection_by_size([found]) for label, found in lesions.items()}
    return CaseScore(task.case, tuple(rows), tuple(findings), detection=detection)


def _label_figures(
    pair: _Pair, scored: Sequence[int], settings: EvaluationSettings
) -> dict[int, dict[str, Figure]]:
    """Every figure of every label, metrics in the catalogue's order."""
    spacing_mm, metrics = pair.truth.spacing_mm, settings.label_metrics
    if settings.compat is None:
        return measure_labels(
            pair.truth.data,
            pair.prediction,
            scored,
            spacing_mm,
            metrics=metrics,
            tolerance_mm=settings.tolerance_mm,
        )
    figures = {}
    for label in scored:
        every = settings.definition.measure(
            pair.truth.data == label,
            pair.prediction == label,
            spacing_mm,
            tolerance_mm=settings.tolerance_mm,
        )
        figures[label] = {name: every[name] for name in metrics}
    return figures


def _lesions(task: CaseTask, pair: _Pair, scored: Sequence[int]) -> dict[int, Lesions]:
    """The lesions of every structure that comes as lesions."""
    return {
        label: match_lesions(pair.truth.data == label, pair.prediction == label, pair.truth.spacing_mm)
        for label in scored
        if _is_lesion(label, task)
    }


def _is_lesion(label: int, task: CaseTask) -> bool:
    structure = structure_of(label, task.task)
    return structure is not None and structure.lesion and not (task.names and label in task.names)


def _case_rows(task: CaseTask, overlaps: Sequence[Overlap], settings: EvaluationSettings) -> Iterator[Row]:
    """Figures of all scored structures of a case together."""
    if "generalised_dice" in settings.case_metrics and overlaps:
        figure = generalised_dice(overlaps)
        yield task.row(None, WHOLE_CASE, "generalised_dice", float(figure.value), str(figure.rule))


def _label_findings(
    task: CaseTask, counts: Mapping[int, Overlap], in_truth: set[int], scored: Sequence[int]
) -> Iterator[Finding]:
    predicted = {
        label: overlap.prediction_voxels for label, overlap in counts.items() if overlap.prediction_voxels
    }
    yield from prediction_findings(
        task.case,
        predicted,
        scored,
        in_truth=in_truth,
        annotated=task.annotated is not None,
        task=task.task,
        names=task.names,
    )
    for label in sorted(in_truth):
        voxels, name = counts[label].truth_voxels, structure_name(label, task.task, task.names)
        if label not in scored:
            text = f"the truth holds label {label} ({name}), which the manifest doesn't call annotated"
            yield Finding(Kind.TRUTH, f"{text}; it is left out", task.case, voxels)
        elif task.task and not is_known(label, task.task, task.names):
            text = f"the truth holds label {label}, which isn't in the table of {task.task}"
            yield Finding(Kind.TRUTH, text, task.case, voxels)
    if not scored:
        text = "nothing to score, the truth is empty and no manifest says more"
        yield Finding(Kind.TRUTH, text, task.case)
