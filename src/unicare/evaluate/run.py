"""Predictions against truths, a folder of each: a row a figure, and the means."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from pathlib import Path

from unicare import __version__
from unicare.core.errors import ImageError, SettingsError
from unicare.evaluate.files import find_prediction, find_truths
from unicare.evaluate.manifest import with_manifest
from unicare.evaluate.rows import ERROR, Mean, Row, summarise, write_rows, write_text
from unicare.evaluate.score import CaseScore, CaseTask, score_case
from unicare.metrics.rules import DEFINITION

__all__ = ["METRICS_FILE", "SUMMARY_FILE", "EvaluationResult", "evaluate"]

METRICS_FILE = "metrics.csv"
SUMMARY_FILE = "summary.json"

Progress = Callable[[int, int, str], None]
"""Told after every case: cases done, cases in all, the case."""


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation found.

    Attributes:
        rows: every figure, in order of case, label, metric; cases with an error have one row that says so.
        means: each structure's metrics over the cases.
        missing: cases without a prediction, which were scored as empty.
        errors: case to what went wrong with it.
        findings: what else is worth knowing.
        cases: how many truths there are.
    """

    rows: tuple[Row, ...]
    means: tuple[Mean, ...]
    missing: tuple[str, ...]
    errors: Mapping[str, str]
    findings: tuple[str, ...]
    cases: int

    def as_summary(self) -> dict[str, object]:
        """What summary.json holds."""
        return {
            "unicare": __version__,
            "definition": DEFINITION,
            "cases": self.cases,
            "scored": self.cases - len(self.errors),
            "structures": [mean.as_dict() for mean in self.means],
            "missing_predictions": list(self.missing),
            "errors": dict(self.errors),
            "findings": list(self.findings),
        }


def evaluate(
    predictions_dir: str | os.PathLike[str],
    truth_dir: str | os.PathLike[str],
    out_dir: str | os.PathLike[str] | None = None,
    cohort_csv: str | os.PathLike[str] | None = None,
    progress: Progress | None = None,
    *,
    workers: int = 1,
    names: Mapping[int, str] | None = None,
    task: str | None = None,
) -> EvaluationResult:
    """Scores every truth of a folder; definitions in docs/metrics.md.

    Args:
        predictions_dir: ``<case>_pred.nii.gz`` or ``<case>.nii.gz``; a missing one counts as empty.
        truth_dir: ``<case>.nii.gz`` for every case.
        out_dir: where metrics.csv and summary.json are written; None writes nothing.
        cohort_csv: manifest that says which labels are annotated in which case, and its centre.
        progress: told after every case.
        workers: processes to spread cases over.
        names: label to structure's name, for labels that aren't CARE's.
        task: the challenge's task that the truths are of; says what their labels mean, and which of the
            manifest's rows count.

    Raises:
        ImageError: a folder isn't there, or there is no truth in it.
        SettingsError: fewer than one worker, or a manifest that can't be used.
        OutputError: the results can't be written.
    """
    if workers < 1:
        raise SettingsError("workers", found=workers, expected="at least 1")
    if not Path(predictions_dir).is_dir():
        raise ImageError(
            f"{predictions_dir}: no folder of predictions", expected="<case>_pred.nii.gz in a folder"
        )
    tasks = [
        CaseTask(case, truth, find_prediction(Path(predictions_dir), case, truth), names=names, task=task)
        for case, truth in find_truths(Path(truth_dir)).items()
    ]
    findings: list[str] = []
    if cohort_csv is not None:
        tasks, findings = with_manifest(tasks, Path(cohort_csv), task)
    scores = _scores(tasks, workers, progress)
    result = _collect(tasks, scores, findings)
    if out_dir is not None:
        write_rows(Path(out_dir) / METRICS_FILE, result.rows)
        summary = json.dumps(result.as_summary(), indent=2, ensure_ascii=False, allow_nan=False)
        write_text(Path(out_dir) / SUMMARY_FILE, summary + "\n")
    return result


def _collect(tasks: Sequence[CaseTask], scores: Sequence[CaseScore], findings: list[str]) -> EvaluationResult:
    rows = tuple(row for score in scores for row in score.rows)
    errors = {task.case: score.error for task, score in zip(tasks, scores, strict=True) if score.error}
    return EvaluationResult(
        rows=rows,
        means=summarise(sorted((row for row in rows if row.label is not None), key=_by_label)),
        missing=tuple(task.case for task in tasks if task.prediction is None),
        errors=errors,
        findings=(*findings, *(finding for score in scores for finding in score.findings)),
        cases=len(tasks),
    )


def _by_label(row: Row) -> int:
    return row.label or 0


def _scores(tasks: Sequence[CaseTask], workers: int, progress: Progress | None) -> list[CaseScore]:
    """The scores of all cases, in the order of the tasks whatever order they finish in."""
    scores: dict[int, CaseScore] = {}
    for index, score in _finished(tasks, min(workers, len(tasks))):
        scores[index] = score
        if progress is not None:
            progress(len(scores), len(tasks), tasks[index].case)
    return [scores[index] for index in range(len(tasks))]


def _finished(tasks: Sequence[CaseTask], workers: int) -> Iterator[tuple[int, CaseScore]]:
    if workers <= 1:
        for index, task in enumerate(tasks):
            yield index, score_case(task)
        return
    with ProcessPoolExecutor(workers) as pool:
        futures = _submit(pool, tasks)
        try:
            for future in as_completed(futures):
                yield futures[future], _outcome(future, tasks[futures[future]])
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _submit(pool: Executor, tasks: Sequence[CaseTask]) -> dict[Future[CaseScore], int]:
    return {pool.submit(score_case, _plain(task)): index for index, task in enumerate(tasks)}


def _plain(task: CaseTask) -> CaseTask:
    """The task in types that any process can be sent."""
    return replace(task, names=dict(task.names) if task.names is not None else None)


def _outcome(future: Future[CaseScore], task: CaseTask) -> CaseScore:
    try:
        return future.result()
    except BrokenProcessPool:
        sentence = (
            f"case {task.case}: the process that scored it was ended; use fewer workers if memory is short"
        )
        return CaseScore((task.row(None, "", ERROR, None, sentence),), error=sentence)
