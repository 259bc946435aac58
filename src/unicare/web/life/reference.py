"""What a submission is held against."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from unicare.core.errors import SettingsError
from unicare.web.challenge import Challenge, Reference, Task, find_reference

__all__ = ["cohort_of", "own_names", "reference_of"]


def reference_of(challenge: Challenge, task: str, phase: str) -> Reference:
    """The reference data of a task in a phase.

    Raises:
        SettingsError: there are none.
    """
    try:
        found = find_reference(challenge, task, phase)
    except (KeyError, ValueError) as error:
        raise SettingsError(f"reference data of {task} in {phase}", found=str(error)) from None
    if found is None:
        raise SettingsError(f"there are no reference data of {task} in {phase}")
    return found


def cohort_of(reference: Reference) -> Path | None:
    """The manifest, if there is one."""
    return reference.cohort if reference.cohort.is_file() else None


def own_names(task: Task) -> Mapping[int, str] | None:
    """Names of labels that aren't CARE's."""
    return dict(task.labels) if task.care_task == "custom" else None
