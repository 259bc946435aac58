"""Scoring a folder of predictions in a process of its own, with limits that the system keeps."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import unicare
from unicare.web.archive.contained import ProcessLimits

__all__ = ["ScoringEnd", "score_in_process"]

_MODULE = "unicare.web.life.scoring_process"
_LOOK_S = 0.1
_TAIL_BYTES = 4000
_REPLY_BYTES = 2**26
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


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
        "parent": os.getpid(),
    }
    with tempfile.TemporaryFile() as replies, tempfile.TemporaryFile() as words:
        code = _run(json.dumps(request).encode(), replies, words, limits.wall_s, interrupted)
        if code is None:
            return ScoringEnd(interrupted=True)
        return _end(code, _events(replies), _tail(words), limits)


def _run(
    request: bytes, replies: IO[bytes], words: IO[bytes], wall_s: float, interrupted: Callable[[], bool]
) -> int | None:
    """The exit status, None when interrupted; the status of an alarm when it took too long."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryDirectory() as empty:
        asked.write(request)
        asked.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-s", "-P", "-m", _MODULE],
            stdin=asked,
            stdout=replies,
            stderr=words,
            cwd=empty,
            env=_environment(empty),
            start_new_session=True,
        )
        until = time.monotonic() + wall_s
        try:
            while True:
                with suppress(subprocess.TimeoutExpired):
                    return child.wait(_LOOK_S)
                if interrupted():
                    return None
                if time.monotonic() > until:
                    return -signal.SIGALRM
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()


def _environment(empty: str) -> dict[str, str]:
    """No more than Python needs: the site's secrets aren't for this process."""
    home = str(Path(unicare.__file__).parents[1])
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": home, "LANG": "C.UTF-8", "HOME": empty, **dict.fromkeys(_THREADS, "1")}


def _events(replies: IO[bytes]) -> dict[str, Any]:
    """The last of each sort of event; a line that is cut off is passed over."""
    replies.seek(0)
    events: dict[str, Any] = {}
    for line in replies.read(_REPLY_BYTES).splitlines():
        with suppress(ValueError):
            events.update(json.loads(line))
    return events


def _tail(words: IO[bytes]) -> str:
    words.seek(max(0, words.seek(0, os.SEEK_END) - _TAIL_BYTES))
    return words.read().decode("utf-8", "replace")


def _end(code: int, events: dict[str, Any], last: str, limits: ProcessLimits) -> ScoringEnd:
    done = events.get("progress")
    where = f" after {done[0]} of {done[1]} cases" if done else ""
    if code == 0 and "errors" in events:
        return ScoringEnd(done=True, errors=events["errors"])
    if code in (-signal.SIGALRM, -signal.SIGXCPU):
        return ScoringEnd(too_much=f"it took longer than {limits.wall_s} s{where}")
    if "memory" in events:
        too_much = f"it took more than {limits.memory_bytes / 2**30:.3g} GB of memory{where}"
        return ScoringEnd(too_much=too_much)
    told = events.get("refused") or f"the process that scores ended with status {code}{where}: {last}"
    return ScoringEnd(private=str(told))
