"""Which reference data are there: by names of folders and files alone, no volume is read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from unicare.web.challenge.reference import Reference, find_reference
from unicare.web.challenge.schema import Challenge, Task

__all__ = ["lacking_reference"]


def lacking_reference(challenge: Challenge) -> dict[str, tuple[str, ...]]:
    """Which phases lack reference data, as a look takes no time; ``check_challenge`` looks at all of it.

    Returns:
        ``<task>/<phase>`` to the parts that aren't there; no parts where there is nothing at all.
    """
    lacking = {}
    for phase in challenge.phases:
        for task in challenge.tasks_of(phase):
            parts: tuple[str, ...] | None = None
            with suppress(ValueError, OSError, RuntimeError):  # links that lead out or in a circle, no rights
                reference = find_reference(challenge, task.name, phase.name)
                parts = None if reference is None else tuple(_lacking_parts(reference, task))
            if parts != ():
                lacking[f"{task.name}/{phase.name}"] = parts or ()
    return lacking


def _lacking_parts(reference: Reference, task: Task) -> Iterator[str]:
    for folder in (reference.truth, reference.images):
        if not _has_volumes(folder):
            yield folder.name
    for file in (reference.prompts, reference.cohort):
        if not file.is_file() and (task.prompts or file != reference.prompts):
            yield file.name


def _has_volumes(folder: Path) -> bool:
    return folder.is_dir() and any(path.name.endswith((".nii", ".nii.gz")) for path in folder.iterdir())
