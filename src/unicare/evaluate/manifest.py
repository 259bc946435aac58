"""What the cohort manifest says of each case: its centre, and which structures its truth covers."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from unicare.core.errors import SettingsError
from unicare.core.structure import TASKS, structure_table
from unicare.evaluate.score import CaseTask

__all__ = ["with_manifest"]

_BETWEEN = re.compile(r"\s*[;|+]\s*")


def with_manifest(tasks: Sequence[CaseTask], cohort_csv: Path) -> tuple[list[CaseTask], list[str]]:
    """Adds centre, distribution, task and annotated labels to what is to be scored.

    Args:
        tasks: one for every truth.
        cohort_csv: table with a column ``case`` and, where known, ``centre``, ``distribution``, ``task`` and
            ``annotated`` (names or label values, separated by semicolons; blank means everything).

    Returns:
        The tasks, in the same order, and findings about cases that the manifest doesn't name.

    Raises:
        SettingsError: the manifest can't be read, or names a structure that nobody knows.
    """
    known = _read(cohort_csv)
    findings = [
        f"case {task.case}: not in {cohort_csv.name}; every label of its truth is scored"
        for task in tasks
        if task.case not in known
    ]
    return [_completed(task, known.get(task.case), cohort_csv) for task in tasks], findings


def _read(cohort_csv: Path) -> dict[str, Mapping[str, str]]:
    try:
        with cohort_csv.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if "case" not in (reader.fieldnames or ()):
                raise SettingsError(
                    f"{cohort_csv}: not a cohort manifest",
                    found=f"columns {', '.join(reader.fieldnames or ())}",
                    expected="a column named case",
                )
            return {row["case"]: row for row in reader}
    except OSError as error:
        raise SettingsError(f"{cohort_csv}: can't be read", found=error.strerror or str(error)) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"{cohort_csv}: not a CSV file", found=str(error), expected="CSV in UTF-8"
        ) from None


def _completed(task: CaseTask, row: Mapping[str, str] | None, cohort_csv: Path) -> CaseTask:
    if row is None:
        return task
    challenge_task = (row.get("task") or "").strip()
    words = [word for word in _BETWEEN.split((row.get("annotated") or "").strip()) if word]
    labels = frozenset(_label(word, challenge_task, task, cohort_csv) for word in words)
    return replace(
        task,
        centre=(row.get("centre") or "").strip(),
        distribution=(row.get("distribution") or "").strip(),
        task=challenge_task if challenge_task in TASKS else None,
        annotated=labels or None,
    )


def _label(word: str, challenge_task: str, task: CaseTask, cohort_csv: Path) -> int:
    if word.isdecimal():
        return int(word)
    for label, name in (task.names or {}).items():
        if name.casefold() == word.casefold():
            return label
    structure = structure_table().by_name(word)
    values = structure.labels if structure is not None else {}
    if challenge_task in values:
        return values[challenge_task]
    if len(set(values.values())) == 1:
        return next(iter(values.values()))
    raise SettingsError(
        f"{cohort_csv}: case {task.case}, column annotated: no label value for {word!r}",
        found=f"task {challenge_task!r}",
        expected="a structure of that task, or a label value",
    )
