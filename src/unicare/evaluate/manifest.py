"""What the cohort manifest says of each case: its centre, and which labels its truth covers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from unicare.core.errors import SettingsError
from unicare.core.structure import TASKS
from unicare.data.cohort import CohortRow, read_cohort
from unicare.evaluate.findings import Finding, Kind
from unicare.evaluate.score import CaseTask

__all__ = ["with_manifest"]


def with_manifest(
    tasks: Sequence[CaseTask], cohort: Path, challenge_task: str | None = None
) -> tuple[list[CaseTask], list[Finding]]:
    """Adds centre, distribution, task and annotated labels to what is to be scored.

    Args:
        tasks: one for every truth.
        cohort: manifest (CSV or Parquet), or the folder that holds it; where ``annotated`` is blank, the
            labels that the truth holds are scored.
        challenge_task: only the manifest's rows of this task count.

    Returns:
        The tasks, in the same order, and findings about cases that the manifest doesn't name.

    Raises:
        SettingsError: the manifest can't be used, or has a case that is to be scored in several tasks.
    """
    known: dict[str, list[CohortRow]] = {}
    for row in read_cohort(cohort):
        if challenge_task in (None, row.task):
            known.setdefault(_composed(row.case), []).append(row)
    completed = [_completed(task, known.get(_composed(task.case), ()), cohort) for task in tasks]
    text = f"not in {cohort.name}; every label of its truth is scored"
    findings = [
        Finding(Kind.MANIFEST, text, task.case) for task in tasks if _composed(task.case) not in known
    ]
    return completed, findings


def _completed(task: CaseTask, rows: Sequence[CohortRow], cohort: Path) -> CaseTask:
    if not rows:
        return task
    if len(rows) > 1:
        raise SettingsError(
            f"{cohort}: case {task.case} is in several tasks",
            found=", ".join(row.task for row in rows),
            expected="one",
            mend="say which task the truths are of",
        )
    row = rows[0]
    return replace(
        task,
        centre=row.centre,
        distribution=row.distribution,
        task=row.task if row.task in TASKS else None,
        annotated=frozenset(row.annotated) or None,
    )


def _composed(text: str) -> str:
    """Accented letters in one spelling; file systems have several."""
    return unicodedata.normalize("NFC", text)
