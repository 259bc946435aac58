"""Scoring a folder of predictions in a process of its own, with limits that the system keeps."""

from __future__ import annotations

import signal
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unicare.web.archive.contained import ProcessLimits
from unicare.web.child_process import run_child
from unicare.web.sizes import size_words

__all__ = ["ScoringEnd", "score_in_process"]

_MODULE = "unicare.web.life.scoring_process"
_REPLY_BYTES = 2**26


@dataclass(frozen=True)
class ScoringEnd:
    """How scoring ended.

    Attributes:
        done: whether all results lie in the folder.
        interrupted: whether it was ended because nobody wants it any more.
        too_much: what it took more of than it may; empty if nothing.
        errors: case to what went wrong with it.
        private: what organisers see, where it isn't done.
    """

    done: bool = False
    interrupted: bool = False
    too_much: str = ""
    errors: Mapping[str, str] | None = None
    private: str = ""


def score_in_process(
    predictions: Path,
    truth: Path,
    out: Path,
    *,
    cohort: Path | None,
    task: str,
    names: Mapping[int, str] | None,
    limits: ProcessLimits,
    interrupted: Callable[[], bool],
) -> ScoringEnd:
    """Runs ``unicare.evaluate`` as a child of this process; it ends when this one does.

    Args:
        predictions: folder, as for ``evaluate``.
        truth: the same.
        out: where rows and summary are written.
        cohort: manifest of the truths.
        task: as manifests call it.
        names: label to structure's name, for labels that aren't CARE's.
        limits: what the process may take.
        interrupted: asked from time to time; the process is ended once it says yes.
    """
    request = {
        "predictions": str(predictions.absolute()),
        "truth": str(truth.absolute()),
        "out": str(out.absolute()),
        "cohort": str(cohort.absolute()) if cohort is not None else None,
        "task": task,
        "names": dict(names) if names else None,
        "process": asdict(limits),
    }
    end = run_child(_MODULE, request, limits.wall_s, reply_bytes=_REPLY_BYTES, interrupted=interrupted)
    if end.status is None:
        return ScoringEnd(interrupted=True)
    return _end(
        end.status,
        {sort: said for event in end.events for sort, said in event.items()},
        end.last_words,
        limits,
    )


def _end(code: int, events: dict[str, Any], last: str, limits: ProcessLimits) -> ScoringEnd:
    done = events.get("progress")
    where = f" after {done[0]} of {done[1]} cases" if done else ""
    if code == 0 and "errors" in events:
        return ScoringEnd(done=True, errors=events["errors"])
    if code in (-signal.SIGALRM, -signal.SIGXCPU):
        return ScoringEnd(too_much=f"it took longer than {limits.wall_s} s{where}")
    if "memory" in events:
        too_much = f"it took more than {size_words(limits.memory_bytes)} of memory{where}"
        return ScoringEnd(too_much=too_much)
    told = events.get("refused") or f"the process that scores ended with status {code}{where}: {last}"
    return ScoringEnd(private=str(told))
