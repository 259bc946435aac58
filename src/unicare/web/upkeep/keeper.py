"""Threads for the chores and for the workers, which begin and end with the site."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Self

import structlog

from unicare.web.life.workers import run_workers
from unicare.web.settings import SiteSettings
from unicare.web.upkeep.chores import Chore

__all__ = ["Upkeep"]

_LOG = structlog.get_logger(__name__)
_WORKERS_S = 40.0
_CHORES_S = 5.0


class Upkeep:
    """What runs beside the pages, from ``with`` to its end.

    Args:
        chores: each in a thread of its own, so that a mail server that is slow holds up nothing else.
        workers: the settings that say how many there are; None for none. They are processes that end with the
            thread that began them, which is one that lives as long as this.
        begin_worker: what each of them does first.
    """

    def __init__(
        self,
        chores: Iterable[Chore],
        workers: SiteSettings | None,
        begin_worker: Callable[[], None] | None = None,
    ) -> None:
        self._stop = threading.Event()
        self._chores = [
            threading.Thread(target=self._repeat, args=(chore,), name=f"chore {chore.name}", daemon=True)
            for chore in chores
        ]
        self._workers: list[threading.Thread] = []
        if workers is not None and workers.workers > 0:
            keep = threading.Thread(
                target=self._keep, args=(workers, begin_worker), name="workers", daemon=True
            )
            self._workers.append(keep)

    def __enter__(self) -> Self:
        for thread in (*self._chores, *self._workers):
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        until = time.monotonic() + _CHORES_S
        for thread in self._workers:
            thread.join(_WORKERS_S)
        for (
            thread
        ) in self._chores:  # a mail server that doesn't answer isn't waited for: mails are sent again
            thread.join(max(0.0, until - time.monotonic()))

    def stop(self) -> None:
        """Asks everything to end; workers give back what they are at. To be called from anywhere."""
        self._stop.set()

    def wait(self) -> None:
        """Waits until somebody asked it to end, and workers have."""
        self._stop.wait()
        for thread in self._workers:
            thread.join()

    def _repeat(self, chore: Chore) -> None:
        while not self._stop.is_set():
            try:
                chore.work()
            except Exception:  # the database is gone, the disk is full …: nothing of that lasts for ever
                _LOG.exception("a chore failed", chore=chore.name)
            self._stop.wait(chore.every_s)

    def _keep(self, settings: SiteSettings, begin: Callable[[], None] | None) -> None:
        # Ctrl-C in a terminal goes to all its processes; it is meant for this one, from the first moment.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            run_workers(settings, self._stop, begin)
        except Exception:
            _LOG.exception("workers can't be kept")
