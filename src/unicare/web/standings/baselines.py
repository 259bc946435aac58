"""Predictions that organisers give to compare with: evaluated like any team's, once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.evaluate.run import PARQUET_FILE, SUMMARY_FILE
from unicare.metrics.rules import DEFINITION
from unicare.web.challenge import Challenge, Reference, Task, find_reference
from unicare.web.database.tables import BaselineRun
from unicare.web.interrupt import Interrupted
from unicare.web.life.reference import cohort_of, own_names
from unicare.web.life.scoring import ScoringEnd, score_in_process
from unicare.web.life.site import WorkingSite
from unicare.web.sandbox.places import run_folder
from unicare.web.standings.counting import digest
from unicare.web.standings.files import FileDigests
from unicare.web.standings.turns import end_turn, renew_turn, take_turn

__all__ = ["keep_baselines"]

_LOG = structlog.get_logger(__name__)
_TURN = "=baselines"  # no board has such a name
_AFTER_A_FAULT = timedelta(minutes=1)


@dataclass(frozen=True)
class _Wanted:
    """Predictions of one task and phase.

    Attributes:
        name: of the baseline.
        task: the task.
        phase: name of the phase.
        folder: where they lie.
        reference: what they are held against.
        fingerprint: of all that their figures come from.
    """

    name: str
    task: Task
    phase: str
    folder: Path
    reference: Reference
    fingerprint: str


def keep_baselines(site: WorkingSite, files: FileDigests, stop: Interrupted) -> bool:
    """Evaluates predictions of baselines that weren't yet, those of one task and phase at a time.

    They are evaluated anew when their files, the reference data or the metrics' definition change.

    Args:
        site: the worker's.
        files: digests of files.
        stop: asked from time to time.

    Returns:
        Whether there was something to do.
    """
    wanted = _first(site, files)
    if wanted is None or not site.transact(
        lambda session, now: take_turn(session, _TURN, site.owner, lease=site.lease, now=now)
    ):
        return False
    problem: str | None = None
    try:
        again = _first(site, files)  # another worker may have done it meanwhile
        if again is not None:
            problem = _evaluate(site, again, _Turn(site, stop))
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
        raise
    finally:
        pause = _AFTER_A_FAULT if problem else timedelta()
        site.transact(
            lambda session, now: end_turn(session, _TURN, site.owner, pause=pause, now=now, problem=problem)
        )
    return True


class _Turn:
    """Asked from time to time while predictions are evaluated: keeps the turn, and says when it is lost."""

    def __init__(self, site: WorkingSite, stop: Interrupted) -> None:
        self._site = site
        self._stop = stop
        self._every_s = site.lease.total_seconds() / 3
        self._last = time.monotonic()
        self._lost = False

    def __call__(self) -> bool:
        if time.monotonic() - self._last > self._every_s:
            self._last = time.monotonic()
            site = self._site
            self._lost = not site.transact(
                lambda session, now: renew_turn(session, _TURN, site.owner, lease=site.lease, now=now)
            )
        return self._lost or self._stop()


def _first(site: WorkingSite, files: FileDigests) -> _Wanted | None:
    """The first predictions that have no evaluation."""
    for wanted in _all(site.challenge, files):
        with site.database.reading() as session:
            runs = _runs_of(session, wanted)
        if not any(run.fingerprint == wanted.fingerprint for run in runs):
            return wanted
        if runs[-1].fingerprint != wanted.fingerprint:  # files as they were before are back
            site.transact(partial(_take_up_again, wanted))
    return None


def _all(challenge: Challenge, files: FileDigests) -> Iterator[_Wanted]:
    """All predictions of tasks and phases that are on a board."""
    shown = {(task.name, entry.phase) for entry in challenge.boards for task in challenge.tasks_on(entry)}
    for baseline in challenge.baselines:
        for task_name, phase in sorted(shown):
            reference = find_reference(challenge, task_name, phase)
            folder = None if baseline.predictions is None else baseline.predictions / task_name / phase
            if folder is None or reference is None or not (folder.is_dir() and reference.truth.is_dir()):
                continue
            task = challenge.task(task_name)
            names = own_names(task)
            fingerprint = digest(
                [
                    DEFINITION,
                    files.of_folder(folder),
                    files.of_folder(reference.truth),
                    files.of_file(cohort_of(reference)),
                    [task.care_task, sorted(names.items()) if names else None],
                ]
            )
            yield _Wanted(baseline.name, task, phase, folder, reference, fingerprint)


def _runs_of(session: Session, wanted: _Wanted) -> list[BaselineRun]:
    """The evaluations of a baseline for a task and phase; the last one counts."""
    every = select(BaselineRun).where(
        BaselineRun.name == wanted.name,
        BaselineRun.task == wanted.task.name,
        BaselineRun.phase == wanted.phase,
    )
    return list(session.scalars(every.order_by(BaselineRun.evaluated_at, BaselineRun.id)))


def _take_up_again(wanted: _Wanted, session: Session, now: datetime) -> None:
    for run in _runs_of(session, wanted):
        if run.fingerprint == wanted.fingerprint:
            run.evaluated_at = now


def _evaluate(site: WorkingSite, wanted: _Wanted, interrupted: Interrupted) -> str | None:
    """Evaluates predictions; what went wrong by a fault of the site, so that it is tried again."""
    with run_folder(site.scratch) as folder:
        out = folder / "out"
        end = score_in_process(
            wanted.folder,
            wanted.reference.truth,
            out,
            cohort=cohort_of(wanted.reference),
            task=wanted.task.care_task,
            names=own_names(wanted.task),
            limits=site.scoring_limits,
            interrupted=interrupted,
        )
        if end.interrupted:
            return None
        if not end.done and not end.too_much:
            return end.private
        key = _put(site, wanted, out) if end.done else None
    site.transact(lambda session, now: _note(session, wanted, key, _told(end), now))
    _LOG.info("a baseline was evaluated", name=wanted.name, task=wanted.task.name, phase=wanted.phase)
    return None


def _put(site: WorkingSite, wanted: _Wanted, out: Path) -> str:
    folder = f"baselines/{wanted.fingerprint}"
    for name in (SUMMARY_FILE, PARQUET_FILE):
        site.storage.put(f"{folder}/{name}", out / name)
    return f"{folder}/{PARQUET_FILE}"


def _told(end: ScoringEnd) -> str | None:
    if end.too_much:
        return f"The evaluation was stopped: {end.too_much}."
    return "\n".join(f"{case}: {text}" for case, text in (end.errors or {}).items()) or None


def _note(session: Session, wanted: _Wanted, key: str | None, problem: str | None, now: datetime) -> None:
    if any(run.fingerprint == wanted.fingerprint for run in _runs_of(session, wanted)):
        return
    session.add(
        BaselineRun(
            name=wanted.name,
            task=wanted.task.name,
            phase=wanted.phase,
            fingerprint=wanted.fingerprint,
            definition_version=str(DEFINITION),
            evaluated_at=now,
            rows_key=key,
            problem=problem,
        )
    )
