"""A module run as a child of this process, in an environment without the site's secrets, and what it said."""

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
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import unicare

__all__ = ["ChildEnd", "run_child"]

_LOOK_S = 0.1
_TAIL_BYTES = 4000
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class ChildEnd:
    """How a child ended.

    Attributes:
        status: its exit status, that of an alarm when it took too long; None when it was interrupted.
        events: the JSON objects that it wrote to standard output, one a line.
        last_words: the end of what it wrote to standard error.
    """

    status: int | None
    events: tuple[Mapping[str, Any], ...]
    last_words: str


def run_child(
    module: str,
    request: Mapping[str, Any],
    wall_s: float,
    *,
    reply_bytes: int,
    interrupted: Callable[[], bool] | None = None,
) -> ChildEnd:
    """Runs a module to its end; it and all that it started are killed when it takes too long.

    Args:
        module: run as ``python -m``.
        request: given as JSON on standard input, with this process's id as ``parent``.
        wall_s: how long it may take.
        reply_bytes: how much of what it writes to standard output is read.
        interrupted: asked from time to time; the child is ended once it says yes.
    """
    with (
        tempfile.TemporaryFile() as asked,
        tempfile.TemporaryFile() as replies,
        tempfile.TemporaryFile() as words,
        tempfile.TemporaryDirectory() as empty,
    ):
        asked.write(json.dumps({**request, "parent": os.getpid()}).encode())
        asked.seek(0)
        child = subprocess.Popen(
            [sys.executable, "-s", "-P", "-m", module],
            stdin=asked,
            stdout=replies,
            stderr=words,
            cwd=empty,
            env=_environment(empty),
            start_new_session=True,
        )
        status = _wait(child, wall_s, interrupted)
        return ChildEnd(status, _events(replies, reply_bytes), _tail(words))


def _wait(
    child: subprocess.Popen[bytes], wall_s: float, interrupted: Callable[[], bool] | None
) -> int | None:
    until = time.monotonic() + wall_s
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                return child.wait(_LOOK_S)
            if interrupted is not None and interrupted():
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


def _events(replies: IO[bytes], most_bytes: int) -> tuple[Mapping[str, Any], ...]:
    """The lines of JSON that came; a last one that is cut off is passed over."""
    replies.seek(0)
    events = []
    for line in replies.read(most_bytes).splitlines():
        with suppress(ValueError):
            event = json.loads(line)
            if isinstance(event, dict):
                events.append(event)
    return tuple(events)


def _tail(words: IO[bytes]) -> str:
    words.seek(max(0, words.seek(0, os.SEEK_END) - _TAIL_BYTES))
    return words.read().decode("utf-8", "replace")
