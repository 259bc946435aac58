"""Making a board's state: the runs that count, read from the storage, ranked by every sort of the board."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from unicare import __version__
from unicare.data.cohort import CohortRow, read_cohort
from unicare.evaluate.rows import Row, read_rows
from unicare.web.boards.rules import default_sort
from unicare.web.challenge import BoardEntry, Challenge, find_reference
from unicare.web.interrupt import Interrupted, check_wanted
from unicare.web.standings.choose import Choices, by_team_and_task
from unicare.web.standings.content import make_content
from unicare.web.standings.counting import Candidates, Run, digest
from unicare.web.standings.files import FileDigests
from unicare.web.standings.rank import BOOTSTRAP, SEED, TaskRows, rank_runs
from unicare.web.storage import Storage

__all__ = ["make_state", "rules_digest"]

_FORMAT = 1


def rules_digest(challenge: Challenge, entry: BoardEntry, files: FileDigests) -> str:
    """Another one where the same runs would give another board: other rules, manifests or program."""
    phase = challenge.phase(entry.phase)
    tasks = challenge.tasks_on(entry)
    return digest(
        {
            "format": _FORMAT,
            "program": __version__,
            "bootstrap": [BOOTSTRAP, SEED],
            "board": entry.board.model_dump(mode="json"),
            "counts": phase.counts,
            "tasks": [(task.name, task.care_task) for task in tasks],
            "manifests": [files.of_file(_manifest(challenge, task.name, entry.phase)) for task in tasks],
        }
    )


def make_state(
    storage: Storage,
    challenge: Challenge,
    entry: BoardEntry,
    found: Candidates,
    before: Sequence[Mapping[str, Any]],
    stop: Interrupted,
) -> dict[str, Any]:
    """The content of a board's state.

    Args:
        storage: where rows lie.
        challenge: whose board it is.
        entry: the board.
        found: all runs that can count.
        before: choices of the state before, if the same rules hold.
        stop: asked from time to time.

    Raises:
        FileNotFoundError: rows aren't in the storage.
        UnicareError: rows or a manifest can't be read.
        InterruptedWorkError: the worker has to stop.
    """
    kinds = {task.name: task.care_task for task in challenge.tasks_on(entry)}
    manifests: dict[str, Sequence[CohortRow]] = {}

    def read(key: str) -> Sequence[Row]:
        check_wanted(stop)
        return _rows(storage, key)

    def manifest(task: str) -> Sequence[CohortRow]:
        if task not in manifests:
            path = _manifest(challenge, task, entry.phase)
            manifests[task] = () if path is None else read_cohort(path)
        return manifests[task]

    choices = Choices(entry.board, kinds, read, manifest, before)
    best = challenge.phase(entry.phase).counts == "best"
    counting = [choices.best(runs) if best else runs[-1] for runs in by_team_and_task(found.runs).values()]
    ours = {task: {run.team: read(run.rows_key) for run in counting if run.task == task} for task in kinds}
    theirs = {
        task: {run.name: read(run.rows_key) for run in found.baselines if run.task == task} for task in kinds
    }
    teams, baselines = (
        [TaskRows(kinds[task], rows, manifest(task)) for task, rows in of.items() if rows]
        for of in (ours, theirs)
    )
    by_sort = {}
    for sort in dict.fromkeys((default_sort(entry.board), *entry.board.sorts)):
        check_wanted(stop)
        by_sort[sort] = rank_runs(entry.board, sort, teams, baselines)
    return make_content(by_sort, _in_order(counting), choices.made)


def _in_order(counting: Sequence[Run]) -> list[Run]:
    return sorted(counting, key=lambda run: (run.team, run.team_id, run.task))


def _manifest(challenge: Challenge, task: str, phase: str) -> Path | None:
    reference = find_reference(challenge, task, phase)
    return reference.cohort if reference is not None and reference.cohort.is_file() else None


def _rows(storage: Storage, key: str) -> tuple[Row, ...]:
    with tempfile.TemporaryDirectory(prefix="unicare-rows-") as folder:
        path = Path(folder) / key.rpartition("/")[2]
        storage.get(key, path)
        return read_rows(path)
