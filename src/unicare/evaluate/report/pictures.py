"""The pictures of a report: for each case and structure, the slices on which the runs went wrong."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import UnicareError
from unicare.core.processes import in_processes
from unicare.evaluate.report.overlay import Overlay, draw_overlay
from unicare.evaluate.report.results import Comparison
from unicare.evaluate.report.slices import SliceErrors, slice_errors, telling_slices
from unicare.evaluate.report.sources import CaseFiles, LoadedCase, Sources, load_case

__all__ = ["Picture", "Shown", "Slice", "choose_shown", "draw_pictures"]

_SLICES = 3
_log = logging.getLogger("unicare")

Progress = Callable[[int, int, str], None]
"""Told after every case: cases done, cases in all, the case."""


@dataclass(frozen=True)
class Shown:
    """A comparison that is to be pictured, and why.

    Attributes:
        comparison: which case and structure.
        words: ``worst``, ``median``, ``best``: its place among the structure's cases by the leading run's
            Dice; empty for the others.
    """

    comparison: Comparison
    words: tuple[str, ...] = ()


@dataclass(frozen=True)
class Slice:
    """One slice of a structure, with the outlines of all runs.

    Attributes:
        index: along the slice axis of the volume in PLS axes.
        overlay: the drawing; its predictions in the order of the runs.
        dice: of each run on this slice; None where truth and prediction hold nothing.
        wrong: voxels of each run that are wrong on this slice.
        prompted: whether a prompt was given on this slice.
    """

    index: int
    overlay: Overlay
    dice: tuple[float | None, ...]
    wrong: tuple[int, ...]
    prompted: bool


@dataclass(frozen=True)
class Picture:
    """The slices of one case and structure.

    Attributes:
        case: the case's id.
        label: the structure's value.
        runs: the runs that are drawn, in the report's order; those without a usable file are not.
        slices: from first to last.
    """

    case: str
    label: int
    runs: tuple[str, ...]
    slices: tuple[Slice, ...]


@dataclass(frozen=True)
class _Job:
    files: CaseFiles
    runs: tuple[str, ...]
    orders: Mapping[int, tuple[str, ...]]
    """Label to runs, those that went wrong most first."""


def choose_shown(
    comparisons: Sequence[Comparison], runs: Sequence[str], leading: str, most: int
) -> list[Shown]:
    """Chooses what is pictured, what matters most first.

    Of each structure the worst, median and best case of the leading run; then, of every run and structure in
    turn, the worst that is left, so that one bad run doesn't take all the room.

    Args:
        comparisons: of the cases that some run has a prediction of.
        runs: names, in the report's order.
        leading: the run that the structures' pictures are about.
        most: how many at most.
    """
    chosen: dict[tuple[str, int], Shown] = {}
    structures = list(dict.fromkeys(comparison.structure for comparison in comparisons))
    for structure in structures:
        ranked = _ranked(
            [comparison for comparison in comparisons if comparison.structure == structure], leading
        )
        if not ranked:
            continue
        places = {"worst": 0, "median": len(ranked) // 2, "best": -1}
        for word, place in places.items():
            key = (ranked[place].case, ranked[place].label)
            words = chosen[key].words if key in chosen else ()
            chosen[key] = Shown(ranked[place], (*words, word))
    queues = [
        iter(_ranked([comparison for comparison in comparisons if comparison.structure == structure], run))
        for run in runs
        for structure in structures
    ]
    while queues and len(chosen) < most:
        for queue in list(queues):
            comparison = next((one for one in queue if (one.case, one.label) not in chosen), None)
            if comparison is None:
                queues.remove(queue)
            elif len(chosen) < most:
                chosen[comparison.case, comparison.label] = Shown(comparison)
    return list(chosen.values())


def _ranked(comparisons: Sequence[Comparison], run: str) -> list[Comparison]:
    """Those that the run was scored on, worst first."""
    scored = [
        (dice, comparison)
        for comparison in comparisons
        if (dice := comparison.figure(run, "dice")) is not None
    ]
    return [
        comparison
        for _, comparison in sorted(scored, key=lambda pair: (pair[0], pair[1].case, pair[1].label))
    ]


def draw_pictures(
    chosen: Sequence[Shown],
    sources: Sources,
    runs: Sequence[str],
    workers: int = 1,
    progress: Progress | None = None,
) -> dict[tuple[str, int], Picture]:
    """Draws the slices of what was chosen; cases that can't be read are left out and logged.

    Args:
        chosen: what is pictured.
        sources: the files.
        runs: names, in the report's order.
        workers: processes that cases are spread over.
        progress: told after every case.

    Returns:
        (case, label) to picture.
    """
    orders: dict[str, dict[int, tuple[str, ...]]] = {}
    for shown in chosen:
        comparison = shown.comparison
        worst_first = sorted(
            comparison.results, key=lambda run: comparison.results[run].figures.get("dice", 1.0)
        )
        orders.setdefault(comparison.case, {})[comparison.label] = tuple(worst_first)
    jobs = [
        _Job(_plain(sources.cases[case]), tuple(runs), labels)
        for case, labels in orders.items()
        if case in sources.cases
    ]
    pictures: dict[tuple[str, int], Picture] = {}
    for done, drawn in enumerate(_drawn(jobs, workers), start=1):
        pictures.update({(picture.case, picture.label): picture for picture in drawn})
        if progress is not None:
            progress(done, len(jobs), "")
    return pictures


def _drawn(jobs: Sequence[_Job], workers: int) -> Iterator[list[Picture]]:
    if workers <= 1 or len(jobs) <= 1:
        return map(_draw_case, jobs)
    return in_processes(_draw_case, jobs, min(workers, len(jobs)), _died)


def _died(job: _Job) -> list[Picture]:
    _log.warning("case %s: the process that drew it was ended; it has no pictures", job.files.case)
    return []


def _plain(files: CaseFiles) -> CaseFiles:
    """The files in types that any process can be sent."""
    return replace(files, predictions=dict(files.predictions), images=dict(files.images))


def _draw_case(job: _Job) -> list[Picture]:
    try:
        case = load_case(job.files)
    except UnicareError as error:
        _log.warning("case %s is left out of the report's pictures: %s", job.files.case, error)
        return []
    pictures = [_draw(job, case, label) for label in job.orders]
    return [picture for picture in pictures if picture.runs and picture.slices]


def _draw(job: _Job, case: LoadedCase, label: int) -> Picture:
    runs = tuple(run for run in job.runs if run in case.predictions)
    errors = _errors(case, runs, label)
    order = [run for run in job.orders[label] if run in errors]
    axis = case.slice_axis
    indices = telling_slices([errors[run] for run in order], _SLICES, case.truth.spacing_mm[axis])
    prompts = {} if case.prompts is None else case.prompts.of(label)
    maps = [case.predictions[run] for run in runs]
    slices = tuple(
        Slice(
            index=index,
            overlay=draw_overlay(case.image, case.truth, maps, label, axis, index, prompts.get(index)),
            dice=tuple(errors[run].dice(index) for run in runs),
            wrong=tuple(int(errors[run].wrong[index]) for run in runs),
            prompted=index in prompts,
        )
        for index in indices
    )
    return Picture(job.files.case, label, runs, slices)


def _errors(case: LoadedCase, runs: Sequence[str], label: int) -> dict[str, SliceErrors]:
    """Run to its errors, counted in the box (across the slices) that holds the structure everywhere."""
    truth = case.truth.data == label
    masks = {run: case.predictions[run] == label for run in runs}
    box = _box(np.logical_or.reduce([truth, *masks.values()]), case.slice_axis)
    return {run: slice_errors(truth[box], mask[box], case.slice_axis) for run, mask in masks.items()}


def _box(mask: NDArray[np.bool_], slice_axis: int) -> tuple[slice, ...]:
    """All slices, and within them the rows and columns that the mask reaches."""
    box = []
    for axis, length in enumerate(mask.shape):
        held: NDArray[Any] = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        whole = axis == slice_axis or not held.size
        box.append(slice(0, length) if whole else slice(int(held[0]), int(held[-1]) + 1))
    return tuple(box)
