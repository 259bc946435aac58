"""Predictions against truths, a folder of each: a row a figure, and the means."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from unicare.core.errors import ImageError, SettingsError
from unicare.core.structure import TASKS
from unicare.evaluate.engine import Engine, Resources, find_engine
from unicare.evaluate.files import find_extras, find_prediction, find_truths
from unicare.evaluate.findings import Finding, Kind, merge_findings
from unicare.evaluate.journal import JOURNAL_FILE, About, Journal, case_key
from unicare.evaluate.manifest import with_manifest
from unicare.evaluate.rows import METRICS_FILE, PARQUET_FILE, summarise, write_rows, write_text
from unicare.evaluate.score import CaseScore, CaseTask, score_case
from unicare.evaluate.settings import EvaluationSettings
from unicare.evaluate.summary import EvaluationResult, label_order
from unicare.metrics.lesions import DetectionBySize

__all__ = [
    "JOURNAL_FILE",
    "METRICS_FILE",
    "PARQUET_FILE",
    "SUMMARY_FILE",
    "EvaluationResult",
    "about",
    "evaluate",
    "plan_cases",
]

SUMMARY_FILE = "summary.json"

Progress = Callable[[int, int, str], None]
"""Told after every case: cases done, cases in all, the case."""


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
    settings: EvaluationSettings | None = None,
    engine: str = "processes",
    ray_address: str | None = None,
    overwrite: bool = False,
) -> EvaluationResult:
    """Scores every truth of a folder; definitions in docs/metrics.md.

    Args:
        predictions_dir: ``<case>_pred.nii.gz`` or ``<case>.nii.gz``; a missing one counts as empty.
        truth_dir: ``<case>.nii.gz`` for every case.
        out_dir: where metrics.csv, metrics.parquet and summary.json are written; None writes nothing. Cases
            that are done are kept there as well (cases.jsonl), so that the same call goes on where it was
            stopped, and measures only what has changed since.
        cohort_csv: manifest (CSV or Parquet) that says which labels are annotated in which case, and its
            centre.
        progress: told after every case.
        workers: processes to spread cases over.
        names: label to structure's name, for labels that aren't CARE's.
        task: the challenge's task that the truths are of; says what their labels mean, and which of the
            manifest's rows count.
        settings: what is measured, and how.
        engine: ``processes``, or ``ray`` for several machines.
        ray_address: of a running Ray cluster.
        overwrite: measure everything anew.

    Raises:
        ImageError: a folder isn't there, or there is no truth in it.
        SettingsError: fewer than one worker, an unknown engine, or a manifest that can't be used.
        OutputError: the results can't be written.
    """
    settings = settings or EvaluationSettings()
    if workers < 1:
        raise SettingsError("workers", found=workers, expected="at least 1")
    run = find_engine(engine)
    tasks, findings = plan_cases(predictions_dir, truth_dir, cohort_csv, names=names, task=task)
    work = partial(_scores, tasks, settings, run, Resources(workers, ray_address), progress)
    if out_dir is None:
        return _collect(tasks, work(None), findings, settings)
    journal = Journal(Path(out_dir), about(predictions_dir, truth_dir, settings), anew=overwrite)
    with journal:
        scores = work(journal)
    result = _collect(tasks, scores, findings, settings, journal.found)
    _write(Path(out_dir), result)
    return result


def about(
    predictions_dir: str | os.PathLike[str], truth_dir: str | os.PathLike[str], settings: EvaluationSettings
) -> About:
    """What an evaluation is of, as its journal says it."""
    return About(str(Path(predictions_dir).absolute()), str(Path(truth_dir).absolute()), settings.as_dict())


def plan_cases(
    predictions_dir: str | os.PathLike[str],
    truth_dir: str | os.PathLike[str],
    cohort: str | os.PathLike[str] | None = None,
    *,
    names: Mapping[int, str] | None = None,
    task: str | None = None,
    find_references: Callable[[Path, Sequence[Path]], Mapping[str, Path]] | None = None,
) -> tuple[list[CaseTask], list[Finding]]:
    """What there is to score, a task for every truth, and what is wrong with the folders.

    Args:
        predictions_dir: as for ``evaluate``.
        truth_dir: as for ``evaluate``.
        cohort: as for ``evaluate``.
        names: as for ``evaluate``.
        task: as for ``evaluate``.
        find_references: case to what its prediction is compared with, from the folder of truths and all files
            of predictions; None for label maps.

    Raises:
        ImageError: a folder isn't there, or there is no truth in it.
        SettingsError: an unknown task, or a manifest that can't be used.
    """
    if task is not None and task not in (*TASKS, "custom"):
        raise SettingsError("unknown task", found=task, expected=f"one of {', '.join(TASKS)}, custom")
    folder = Path(predictions_dir)
    if not folder.is_dir():
        raise ImageError(f"{folder}: no folder of predictions", expected="<case>_pred.nii.gz in a folder")
    own_names = None if names is None else dict(names)  # of a type that any process can be sent
    known_task = task if task in TASKS else None
    if find_references is None:
        truths: Mapping[str, Path] = find_truths(Path(truth_dir))
    else:
        truths = find_references(Path(truth_dir), find_extras(folder, ()))
    tasks = [
        CaseTask(case, truth, find_prediction(folder, case, truth), names=own_names, task=known_task)
        for case, truth in truths.items()
    ]
    findings: list[Finding] = []
    if cohort is not None:
        tasks, findings = with_manifest(tasks, Path(cohort), task)
    extras = () if _is_same(folder, Path(truth_dir)) else find_extras(folder, (t.prediction for t in tasks))
    text = "the prediction of no case, so it can't be scored; remove it, or give it its case's name"
    return tasks, [*findings, *(Finding(Kind.EXTRA, f"{path.name}: {text}") for path in extras)]


def _is_same(one: Path, other: Path) -> bool:
    return one.resolve() == other.resolve()


def _scores(
    tasks: Sequence[CaseTask],
    settings: EvaluationSettings,
    engine: Engine,
    resources: Resources,
    progress: Progress | None,
    journal: Journal | None,
) -> list[CaseScore]:
    """The scores of all cases, in the order of the tasks whatever order they finish in."""
    scores: dict[str, CaseScore] = {}

    def done(score: CaseScore) -> None:
        scores[score.case] = score
        if progress is not None:
            progress(len(scores), len(tasks), score.case)

    keys = {task.case: case_key(task, settings) for task in tasks} if journal is not None else {}
    for task in tasks:
        known = journal.find(task, keys[task.case]) if journal is not None else None
        if known is not None:
            done(known)
    left = [task for task in tasks if task.case not in scores]
    for score in engine(partial(score_case, settings=settings), left, _died, resources):
        if journal is not None:
            journal.keep(keys[score.case], score)
        done(score)
    if journal is not None:
        journal.forget_all_but(keys.values())
    return [scores[task.case] for task in tasks]


def _died(task: CaseTask) -> CaseScore:
    return task.failed(
        f"case {task.case}: the process that scored it ended without a word; mostly the machine's memory is "
        "full then; use fewer --workers"
    )


def _collect(
    tasks: Sequence[CaseTask],
    scores: Sequence[CaseScore],
    findings: Sequence[Finding],
    settings: EvaluationSettings,
    kept: int = 0,
) -> EvaluationResult:
    rows = tuple(row for score in scores for row in score.rows)
    every = [*findings, *(finding for score in scores for finding in score.findings)]
    return EvaluationResult(
        rows=rows,
        means=summarise(sorted(rows, key=label_order)),
        missing=tuple(task.case for task in tasks if task.prediction is None),
        errors={score.case: score.error for score in scores if score.error},
        findings=merge_findings(every),
        cases=len(tasks),
        settings=settings,
        detection=_detection(scores),
        kept=kept,
    )


def _detection(scores: Sequence[CaseScore]) -> dict[str, DetectionBySize]:
    """How many lesions were found over all cases, by the structure's name."""
    total: dict[str, DetectionBySize] = {}
    for score in scores:
        names = {row.label: row.structure for row in score.rows}
        for label, sizes in score.detection.items():
            name = names[label]
            total[name] = total[name] + sizes if name in total else sizes
    return total


def _write(folder: Path, result: EvaluationResult) -> None:
    """The table as CSV and Parquet, the summary last, so that it says that all is there."""
    write_rows(folder / METRICS_FILE, result.rows)
    write_rows(folder / PARQUET_FILE, result.rows)
    summary = json.dumps(result.as_summary(), indent=2, ensure_ascii=False, allow_nan=False)
    write_text(folder / SUMMARY_FILE, summary + "\n")
