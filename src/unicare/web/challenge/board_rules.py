"""Boards, and tables of published figures, must fit the challenge's tasks and phases."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC
from pathlib import Path

from unicare.core.errors import UnicareError
from unicare.core.structure import structure_table
from unicare.evaluate.ranking.published import rank_published, read_published
from unicare.web.challenge.schema import BoardEntry, Challenge, Task
from unicare.web.challenge.times import show_moment
from unicare.web.challenge.told import Told, check_references, raw_names

__all__ = ["check_board", "check_published"]


def check_board(told: Told, challenge: Challenge, entry: BoardEntry) -> None:
    """A board's phase and tasks are there, and fill its tables."""
    check_references(told, "boards", entry.name, entry.tasks)
    known = raw_names(told.source, "phases")
    if entry.phase not in known:
        told.add(
            told.at("boards", entry.name, "phase"),
            f"board {entry.name} refers to a phase that isn't there",
            found=entry.phase,
            expected=f"one of {', '.join(known)}",
        )
    if entry.phase not in {phase.name for phase in challenge.phases}:
        return
    phase, tasks = challenge.phase(entry.phase), challenge.tasks_on(entry)
    start, freeze = phase.start, entry.freeze
    if freeze is not None and start is not None and freeze.astimezone(UTC) <= start.astimezone(UTC):
        told.add(
            told.at("boards", entry.name, "freeze"),
            f"board {entry.name} is frozen before phase {phase.name} starts",
            found=show_moment(freeze),
            expected=f"after {show_moment(start)}",
        )
    known_tasks = {task.name for task in challenge.tasks}
    all_read = len(raw_names(told.source, "tasks")) == len(challenge.tasks)
    if all_read and known_tasks >= {*entry.tasks, *phase.tasks}:
        _check_parts(told, entry, tasks, told.at("boards", entry.name))


def _check_parts(told: Told, entry: BoardEntry, tasks: Sequence[Task], place: Sequence[int | str]) -> None:
    """Every table of a board needs one task that fills it."""
    kinds = [task.care_task for task in tasks]
    for kind in dict.fromkeys(kind for kind in kinds if kinds.count(kind) > 1):
        told.add(
            place,
            f"board {entry.name}: two tasks of kind {kind}, which it can't tell apart",
            found=", ".join(task.name for task in tasks if task.care_task == kind),
            mend="name one of them under tasks:, and make a board for the other",
        )
    for part in entry.board.parts:
        filling = [task for task in tasks if part.task in (None, task.care_task)]
        if not filling:
            told.add(
                place,
                f"board {entry.name}: nothing fills its table {part.title or part.name}",
                found=f"tasks of kind {', '.join(dict.fromkeys(kinds)) or 'none'}",
                expected=f"one of kind {part.task}",
            )
        elif part.distribution and not any(part.distribution in task.distributions for task in filling):
            told.add(
                place,
                f"board {entry.name}: no task has {part.distribution} cases for {part.title or part.name}",
                found=", ".join(dict.fromkeys(name for task in filling for name in task.distributions)),
            )
        lacking = _lacking_structures(part.structures or (), filling)
        if filling and lacking:
            told.add(
                place,
                f"board {entry.name}: table {part.title or part.name} ranks structures that no task has",
                found=", ".join(lacking),
            )


def _lacking_structures(wanted: Iterable[str], tasks: Iterable[Task]) -> list[str]:
    table = structure_table()

    def full(name: str) -> str:
        known = table.by_name(name)
        return known.name if known is not None else name

    there = {full(name) for task in tasks for name in task.labels.values()}
    return [name for name in wanted if full(name) not in there]


def check_published(told: Told, challenge: Challenge) -> None:
    """Tables of published figures can be read, and belong to a board."""
    known = raw_names(told.source, "boards")
    for old in challenge.history:
        place = told.at("history", old.title, by="title")
        _check_figures(told, challenge, place, old.board, old.figures, known)
    for baseline in challenge.baselines:
        place = told.at("baselines", baseline.name)
        if (baseline.figures is None) == (baseline.predictions is None):
            told.add(place, f"baseline {baseline.name} needs either figures or predictions")
        if baseline.figures is not None:
            _check_figures(told, challenge, place, baseline.board, baseline.figures, known)


def _check_figures(
    told: Told,
    challenge: Challenge,
    place: Sequence[int | str],
    board: str | None,
    figures: Path,
    known: list[str],
) -> None:
    boards = {entry.name: entry.board for entry in reversed(challenge.boards)}  # the first of a name
    name = figures.relative_to(challenge.folder).as_posix()
    if board not in boards:
        if board not in known:
            told.add(
                (*place, "board"),
                f"{name} belongs to a board that isn't there",
                found=board or "none",
                expected=f"one of {', '.join(boards) or 'those under boards:'}",
            )
        return
    try:
        rank_published(boards[board], read_published(figures))
    except UnicareError as error:
        told.add((*place, "figures"), str(error).replace(f"{challenge.folder}/", ""))
