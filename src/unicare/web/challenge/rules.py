"""What the parts of a challenge.yaml have to do with each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from itertools import pairwise

from unicare.core.structure import TASKS, structure_table
from unicare.web.challenge.board_rules import check_board, check_published
from unicare.web.challenge.findings import Finding
from unicare.web.challenge.phase import Phase
from unicare.web.challenge.schema import Challenge, Task
from unicare.web.challenge.source import Source
from unicare.web.challenge.times import show_moment
from unicare.web.challenge.told import Told, check_references, raw_names, raw_value

__all__ = ["broken_rules"]


def _start(phase: Phase) -> datetime:
    return phase.start.astimezone(UTC) if phase.start is not None else datetime.max.replace(tzinfo=UTC)


def broken_rules(challenge: Challenge, source: Source) -> list[Finding]:
    """Everything in challenge.yaml that is right by itself, but doesn't fit the rest of it.

    Args:
        challenge: what could be read.
        source: the file; also names what could not be read, so that nobody is told it isn't there.
    """
    told = Told(source)
    for key in ("tasks", "phases"):
        if not raw_value(source, key):
            told.add((key,), f"no {key}", mend=f"a challenge needs one at least under {key}:")
    _check_names(told, challenge)
    for task in challenge.tasks:
        _check_task(told, task)
    _check_phases(told, challenge)
    for entry in challenge.boards:
        check_board(told, challenge, entry)
    _check_registration(told, challenge)
    _check_containers(told, challenge)
    check_published(told, challenge)
    if "overview" not in raw_names(source, "texts"):
        told.add(("texts",), "no overview", mend="add the page that visitors see first: overview: texts/….md")
    return told.findings


def _check_names(told: Told, challenge: Challenge) -> None:
    """Names that must tell things apart."""
    lists: Mapping[str, Iterable[str]] = {
        "tasks": [one.name for one in challenge.tasks],
        "phases": [one.name for one in challenge.phases],
        "boards": [one.name for one in challenge.boards],
        "baselines": [one.name for one in challenge.baselines],
    }
    for key, names in lists.items():
        every = list(names)
        for name in dict.fromkeys(name for name in every if every.count(name) > 1):
            place = told.every(key, name, "name")[-1]
            told.add(place, f"{key}: the name {name} is there twice", mend="give each its own name")


def _check_task(told: Told, task: Task) -> None:
    """A task has something to find; labels of CARE's tasks have the values and structures of the table."""
    for field in ("labels", "sequences", "distributions"):
        if not getattr(task, field):
            told.add(told.at("tasks", task.name, field), f"task {task.name} has no {field}", mend="name some")
    if task.care_task not in TASKS:
        return
    table = structure_table()
    for label, name in task.labels.items():
        is_there = table.by_label(label, task.care_task)
        meant = table.by_name(name)
        if is_there is None or meant is None or meant.name != is_there.name:
            expected = (
                f"{label}: {is_there.name}"
                if is_there is not None
                else ", ".join(
                    f"{one.labels[task.care_task]}: {one.name}"
                    for one in table.structures
                    if task.care_task in one.labels
                )
            )
            told.add(
                (*told.at("tasks", task.name), "labels", label),
                f"task {task.name}: label {label} isn't what {task.care_task} means by it",
                found=f"{label}: {name}",
                expected=expected,
                mend="or kind: custom, for labels of your own",
            )


def _check_phases(told: Told, challenge: Challenge) -> None:
    for phase in challenge.phases:
        check_references(told, "phases", phase.name, phase.tasks)
        _check_dates(told, phase)
        _check_secrets(told, phase)
    dated = [phase for phase in challenge.phases if phase.start is not None and not phase.always_open]
    for before, after in pairwise(dated):
        if _start(before) > _start(after):
            told.add(
                told.at("phases", after.name, "start"),
                f"phase {after.name} starts before phase {before.name}, which stands above it",
                mend="put phases in order of their start",
                severity="warning",
            )
    used = {task.name for phase in challenge.phases for task in challenge.tasks_of(phase)}
    unread = len(raw_names(told.source, "phases")) > len(challenge.phases)
    for task in challenge.tasks:
        if task.name not in used and not unread:
            told.add(
                told.at("tasks", task.name),
                f"task {task.name} is in no phase",
                severity="warning",
                mend="name it under tasks: of a phase, or leave it out",
            )


def _check_dates(told: Told, phase: Phase) -> None:
    def place(field: str) -> tuple[int | str, ...]:
        return told.at("phases", phase.name, field)

    if phase.always_open and (phase.start or phase.end):
        told.add(
            place("always_open"), f"phase {phase.name} is always open, and has dates", mend="leave out one"
        )
    if phase.always_open:
        if phase.release is None and "on_release" in (phase.show_scores, phase.show_boards):
            told.add(
                place("always_open"),
                f"phase {phase.name} never ends, and shows results on release only",
                mend="give it a release, or say show_scores: at_once and show_boards: at_once",
            )
        return
    for field in ("start", "end"):
        if getattr(phase, field) is None:
            told.add(place(field), f"phase {phase.name} has no {field}", mend="add it, or always_open: true")
    if phase.start is None or phase.end is None:
        return
    if phase.end.astimezone(UTC) <= phase.start.astimezone(UTC):
        told.add(
            place("end"),
            f"phase {phase.name} ends before it starts",
            found=f"{show_moment(phase.start)} to {show_moment(phase.end)}",
        )
    if phase.release is not None and phase.release.astimezone(UTC) < phase.end.astimezone(UTC):
        told.add(
            place("release"),
            f"phase {phase.name}: results are released before it ends",
            found=show_moment(phase.release),
            expected=f"{show_moment(phase.end)} or later",
            mend="show_boards: at_once shows boards from the start",
        )


def _check_secrets(told: Told, phase: Phase) -> None:
    """A container's test cases stay hidden."""
    for field in ("show_worst_cases", "hand_out_images"):
        if phase.kind == "container" and getattr(phase, field):
            told.add(
                told.at("phases", phase.name, field),
                f"phase {phase.name}: {field} would show the hidden test cases",
                expected="false, where kind is container",
            )


def _check_registration(told: Told, challenge: Challenge) -> None:
    opens, closes = challenge.registration.opens, challenge.registration.closes
    if opens is not None and closes is not None and closes.astimezone(UTC) <= opens.astimezone(UTC):
        told.add(("registration", "closes"), "registration closes before it opens")
    if challenge.registration.agreement is None and not raw_value(told.source, "registration", "agreement"):
        told.add(
            ("registration",),
            "no data-use agreement",
            severity="warning",
            mend="name its Markdown file under registration: agreement:, if your data need one",
        )


def _check_containers(told: Told, challenge: Challenge) -> None:
    if not any(phase.kind == "container" for phase in challenge.phases):
        return
    limits = challenge.containers.limits
    readable = not raw_value(told.source, "containers") or "containers" in challenge.model_fields_set
    if readable and limits.seconds_per_case is None and limits.seconds_in_all is None:
        told.add(
            ("containers", "limits"),
            "containers may run for ever",
            mend="give seconds_per_case or seconds_in_all under containers: limits:",
        )
