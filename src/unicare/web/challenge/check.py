"""Everything that is wrong with a challenge's folder, in one go."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unicare.core.errors import UnicareError
from unicare.evaluate.check import check_predictions
from unicare.evaluate.findings import name_some
from unicare.web.challenge.findings import CheckResult, Finding, several_as_one
from unicare.web.challenge.load import read_challenge
from unicare.web.challenge.phase import Phase, PhaseState
from unicare.web.challenge.public import PUBLIC_FOLDER, check_public
from unicare.web.challenge.reference import (
    REFERENCE_FOLDER,
    Progress,
    Reference,
    check_reference,
    find_reference,
)
from unicare.web.challenge.schema import Challenge, Task
from unicare.web.challenge.texts import check_texts
from unicare.web.challenge.times import show_moment

__all__ = ["check_challenge"]

Cases = dict[tuple[str, str], dict[str, int]]
"""Task and phase to distribution to number of cases."""


def check_challenge(
    folder: str | os.PathLike[str], progress: Progress | None = None, *, now: datetime | None = None
) -> CheckResult:
    """Looks at challenge.yaml, texts, boards, published tables, and all reference data.

    Data that aren't there yet are a warning, since a challenge is announced before its data are complete.

    Args:
        folder: the challenge's.
        progress: told after every case.
        now: for which the states of phases are said; the time of day if not given.

    Raises:
        SettingsError: there is no such folder, or no challenge.yaml in it.
    """
    reading = read_challenge(folder)
    challenge, moment = reading.challenge, now or datetime.now(UTC)
    if challenge is None:
        return CheckResult(reading.findings, {})
    cases: Cases = {}
    findings = [
        *reading.findings,
        *check_texts(challenge),
        *several_as_one(_check_data(challenge, cases, moment, progress)),
        *_check_baselines(challenge),
    ]
    if all(one.severity == "warning" for one in reading.findings):
        findings += _strangers(challenge)  # what couldn't be read isn't a stranger
    return CheckResult(tuple(findings), _summary(challenge, cases, moment))


def _check_data(
    challenge: Challenge, cases: Cases, now: datetime, progress: Progress | None
) -> Iterator[Finding]:
    """Fills ``cases`` on its way."""
    for phase in challenge.phases:
        without = []
        for task in challenge.tasks_of(phase):
            try:
                reference = find_reference(challenge, task.name, phase.name)
            except ValueError as error:
                place = f"{REFERENCE_FOLDER}/{task.name}/{phase.name}"
                yield Finding("error", place, str(error), mend="copy what the link points to")
                continue
            if reference is None:
                without.append(task.name)
                continue
            findings, cases[task.name, phase.name] = check_reference(
                reference, task, challenge.folder, progress
            )
            yield from findings
        if without:
            yield _no_data(phase, without, now)
    in_containers = [phase for phase in challenge.phases if phase.kind == "container"]
    tasks = [
        task for task in challenge.tasks if any(task in challenge.tasks_of(one) for one in in_containers)
    ]
    yield from check_public(challenge, tasks)


def _no_data(phase: Phase, tasks: Sequence[str], now: datetime) -> Finding:
    what = f"no reference data yet for phase {phase.name} of {', '.join(tasks)}"
    if phase.state(now) is PhaseState.OPEN:
        what += "; the phase is open, but nothing can be evaluated"
    mend = f"put them into {REFERENCE_FOLDER}/<task>/{phase.name}, as docs/challenge.md says"
    return Finding("warning", REFERENCE_FOLDER, what, mend=mend)


def _check_baselines(challenge: Challenge) -> Iterator[Finding]:
    """Predictions of baselines are held against the truths, as any team's are."""
    for baseline in challenge.baselines:
        if baseline.predictions is None:
            continue
        name = baseline.predictions.relative_to(challenge.folder).as_posix()
        found_any = False
        for phase in challenge.phases:
            for task in challenge.tasks_of(phase):
                place = baseline.predictions / task.name / phase.name
                reference = _reference_or_none(challenge, task, phase)
                if not place.is_dir():
                    continue
                found_any = True
                if reference is not None:
                    yield from _check_predictions(f"{name}/{task.name}/{phase.name}", place, reference, task)
        if not found_any:
            what = f"baseline {baseline.name}: no predictions of any task"
            yield Finding("warning", name, what, expected="<task>/<phase>/<case>_pred.nii.gz")


def _reference_or_none(challenge: Challenge, task: Task, phase: Phase) -> Reference | None:
    try:
        return find_reference(challenge, task.name, phase.name)
    except ValueError:
        return None


def _check_predictions(name: str, place: Path, reference: Reference, task: Task) -> Iterable[Finding]:
    try:
        result = check_predictions(place, reference.truth, reference.cohort, task=task.care_task)
    except UnicareError as error:
        return [Finding("error", name, str(error).replace(f"{place}/", ""))]
    if result.ok:
        return []
    told = name_some(f"{one.case}: {one.text}" for one in result.problems)
    return [Finding("error", name, "predictions that can't be scored as they are", found=told)]


def _strangers(challenge: Challenge) -> Iterator[Finding]:
    """Folders of data that belong to no task or phase; mostly a name that was spelt otherwise."""
    wanted = {(task.name, phase.name) for phase in challenge.phases for task in challenge.tasks_of(phase)}
    tasks = {task.name for task in challenge.tasks}
    mend = "rename it as in challenge.yaml, or move it elsewhere"
    for path in _folders(challenge, REFERENCE_FOLDER):
        if path not in tasks:
            yield Finding("warning", f"{REFERENCE_FOLDER}/{path}", "belongs to no task", mend=mend)
            continue
        for below in _folders(challenge, f"{REFERENCE_FOLDER}/{path}"):
            if (path, below) not in wanted:
                what = f"belongs to no phase of task {path}"
                yield Finding("warning", f"{REFERENCE_FOLDER}/{path}/{below}", what, mend=mend)
    for path in _folders(challenge, PUBLIC_FOLDER):
        if path not in tasks:
            yield Finding("warning", f"{PUBLIC_FOLDER}/{path}", "belongs to no task", mend=mend)


def _folders(challenge: Challenge, below: str) -> list[str]:
    folder = challenge.folder / below
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))


def _summary(challenge: Challenge, cases: Cases, now: datetime) -> dict[str, Any]:
    """What the challenge is, in plain values."""
    phases = [
        {
            "name": phase.name,
            "kind": phase.kind,
            "state": str(phase.state(now)),
            "always_open": phase.always_open,
            "start": None if phase.start is None else show_moment(phase.start),
            "end": None if phase.end is None else show_moment(phase.end),
            "quota": phase.quota,
            "tasks": {
                task.name: cases.get((task.name, phase.name), {}) for task in challenge.tasks_of(phase)
            },
        }
        for phase in challenge.phases
    ]
    return {
        "name": challenge.name,
        "title": challenge.title,
        "tasks": [{"name": task.name, "kind": task.care_task} for task in challenge.tasks],
        "phases": phases,
        "boards": [entry.name for entry in challenge.boards],
        "texts": list(challenge.texts),
        "baselines": [baseline.name for baseline in challenge.baselines],
        "history": [old.title for old in challenge.history],
    }
