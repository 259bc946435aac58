"""How commands fail: one sentence on standard error and an exit code, never a traceback."""

from __future__ import annotations

import functools
import os
import signal
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import NoReturn, ParamSpec

import typer

from unicare.core.errors import UnicareError

__all__ = [
    "BAD_INPUT",
    "GOES_ON",
    "INTERRUPTED",
    "OWN_ERROR",
    "SOME_FAILED",
    "told_plainly",
    "when_stopped",
]

SOME_FAILED = 1
BAD_INPUT = 2
OWN_ERROR = 70
INTERRUPTED = 130

GOES_ON = "what is written is complete, the same command goes on from there"
"""For ``when_stopped``, of commands that are true to it."""

Parameters = ParamSpec("Parameters")


def told_plainly(verb: Callable[Parameters, None]) -> Callable[Parameters, None]:
    """Wraps a command, so that whatever goes wrong in it ends in one sentence and an exit code."""

    @functools.wraps(verb)
    def guarded(*args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            with _ended_like_ctrl_c():
                verb(*args, **kwargs)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except UnicareError as error:
            _end(str(error), BAD_INPUT)
        except KeyboardInterrupt as stop:
            _end(str(stop) or _stopped_by(stop), INTERRUPTED)
        except OSError as error:
            place = f"{error.filename}: " if error.filename else ""
            _end(f"{place}{error.strerror or error}", BAD_INPUT)
        except Exception as error:
            log = _write_log()
            _end(
                f"an error of unicare's own, {type(error).__name__}: {error}; the traceback is in {log}",
                OWN_ERROR,
            )

    return guarded


@contextmanager
def when_stopped(left: str | Callable[[], str]) -> Iterator[None]:
    """Says what becomes of the work inside, or of a command that it decorates, when somebody stops it.

    Where several are inside one another, the innermost is heard.

    Args:
        left: a sentence, or what makes one when it is time.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        if str(stop):
            raise
        raise KeyboardInterrupt(f"{_stopped_by(stop)}; {left if isinstance(left, str) else left()}") from None


class _ToldToStopInterrupt(KeyboardInterrupt):
    """SIGTERM came."""


def _stopped_by(stop: KeyboardInterrupt) -> str:
    return "told to stop" if isinstance(stop, _ToldToStopInterrupt) else "stopped by Ctrl-C"


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """Lets SIGTERM, which is how containers are stopped, do what Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _interrupt(_number: int, _frame: FrameType | None) -> NoReturn:
    raise _ToldToStopInterrupt


def _end(sentence: str, code: int) -> NoReturn:
    typer.echo(f"unicare: {' '.join(sentence.split())}", err=True)
    raise typer.Exit(code)


def _write_log() -> str:
    """Writes the traceback of the exception at hand to a file, and says where."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S")
    path = Path(tempfile.gettempdir()) / f"unicare-{stamp}-{os.getpid()}.log"
    try:
        path.write_text(traceback.format_exc(), encoding="utf-8")
    except OSError as error:
        return f"no file, because {path} can't be written ({error.strerror})"
    return str(path)
