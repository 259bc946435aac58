"""Several workers on one machine, each a process; one that dies is begun again."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from multiprocessing.context import SpawnProcess

import structlog

from unicare.web.archive.contained import end_with_parent
from unicare.web.life.worker import run_worker
from unicare.web.settings import SiteSettings

__all__ = ["run_workers"]

_LOG = structlog.get_logger(__name__)
_LOOK_S = 0.25
_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_LONG_LIFE_S = 60.0
_GRACE_S = 30.0  # less than what run_workers is given itself; a container is ended in a second or two


def run_workers(
    settings: SiteSettings, stop: threading.Event, begin: Callable[[], None] | None = None
) -> None:
    """Keeps as many workers as the settings say, until ``stop`` is set; they end with this process.

    One that dies is begun again, after a pause that grows while they die young. To be called in a thread that
    lives as long as the workers shall.

    Args:
        settings: of the site; its database has its tables.
        stop: set by whoever wants them to end; they leave work that is under way to others.
        begin: what each of these processes does first, such as saying where its log goes.
    """
    places = [_Place(settings, number, begin) for number in range(settings.workers)]
    try:
        while not stop.wait(_LOOK_S):
            for place in places:
                place.look()
    finally:
        for place in places:
            place.ask_to_end()
        until = time.monotonic() + _GRACE_S
        for place in places:
            place.end(until)


class _Place:
    """Where one worker after the other works."""

    def __init__(self, settings: SiteSettings, number: int, begin: Callable[[], None] | None) -> None:
        self._settings = settings
        self._number = number
        self._begin = begin
        self._process: SpawnProcess | None = None
        self._begun = 0.0
        self._not_before = 0.0
        self._pause_s = _FIRST_PAUSE_S

    def look(self) -> None:
        """Begins a worker if there is none, unless the last one died too young a moment ago."""
        now = time.monotonic()
        if self._process is not None and self._process.exitcode is not None:
            _LOG.warning("a worker died", number=self._number, status=self._process.exitcode)
            long_lived = now - self._begun > _LONG_LIFE_S
            self._pause_s = _FIRST_PAUSE_S if long_lived else min(2 * self._pause_s, _LONGEST_PAUSE_S)
            self._not_before = now + self._pause_s
            self._process = None
        if self._process is None and now >= self._not_before:
            context = multiprocessing.get_context("spawn")
            name = f"unicare worker {self._number}"
            told = (self._settings, os.getpid(), self._begin)
            process = context.Process(target=_work, args=told, name=name)
            try:
                process.start()
            except OSError as error:  # no memory, no process left: it may pass
                _LOG.warning("a worker can't be begun", number=self._number, why=str(error))
                self._pause_s = min(2 * self._pause_s, _LONGEST_PAUSE_S)
                self._not_before = now + self._pause_s
                return
            self._process, self._begun = process, now

    def ask_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def end(self, until: float) -> None:
        if self._process is not None:
            self._process.join(max(0.0, until - time.monotonic()))
            self._process.kill()
            self._process.join()


def _work(settings: SiteSettings, parent: int, begin: Callable[[], None] | None) -> None:
    end_with_parent(parent)
    os.nice(settings.worker_nice)  # whatever it runs inherits that
    if begin is not None:
        begin()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that keeps them
    run_worker(settings, stop)
