"""Waking workers when there is something to do. A call that isn't heard costs time only: they look anyway."""

from __future__ import annotations

import queue
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from unicare.core.errors import SettingsError

__all__ = ["EmbeddedWake", "HueyWake", "Wake", "open_wake"]

_QUEUE = "unicare"
_CALL = b"1"
_MOST_CALLS = 256
_LOOK_S = 0.2


class Wake(Protocol):
    """Something that workers wait for."""

    def ring(self) -> None:
        """Says that there is something to do. Never raises: the worker would look by itself later."""

    def wait(self, timeout_s: float) -> bool:
        """Waits for a call, at most so long; whether there was one."""


class EmbeddedWake:
    """For workers that are threads of the process that calls them."""

    def __init__(self) -> None:
        self._calls: queue.Queue[bytes] = queue.Queue(_MOST_CALLS)

    def ring(self) -> None:
        """Wakes one worker, or the next one that waits."""
        with suppress(queue.Full):
            self._calls.put_nowait(_CALL)

    def wait(self, timeout_s: float) -> bool:
        """Waits for a call."""
        try:
            self._calls.get(timeout=timeout_s)
        except queue.Empty:
            return False
        return True


class HueyWake:
    """For workers in other processes, or on other machines: calls go through a queue of huey's.

    Only the queue is used. What is to be done, by whom and how often stands in the database.
    """

    def __init__(self, storage: Any) -> None:
        self._storage = storage

    def ring(self) -> None:
        """Leaves a call for one worker, unless many lie there already."""
        try:
            if self._storage.queue_size() < _MOST_CALLS:
                self._storage.enqueue(_CALL)
        except Exception:  # a queue that is gone wakes nobody; the sweep does
            return

    def wait(self, timeout_s: float) -> bool:
        """Looks for a call again and again."""
        until = time.monotonic() + timeout_s
        while True:
            try:
                if self._storage.dequeue() is not None:
                    return True
            except Exception:
                time.sleep(min(_LOOK_S, timeout_s))
            left = until - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(_LOOK_S, left))


def open_wake(url: str) -> Wake:
    """What wakes workers.

    Args:
        url: ``sqlite:///path`` for one machine, ``redis://host:port/0`` for several, or empty for
            workers that are threads of one process; those that hear nothing find their work by looking.

    Raises:
        SettingsError: a URL of another kind, or what it needs isn't installed.
    """
    scheme = urlsplit(url).scheme
    if url == "":
        return EmbeddedWake()
    try:
        if scheme == "sqlite":
            from huey.storage import SqliteStorage

            file = Path(url.removeprefix("sqlite:///"))
            file.parent.mkdir(parents=True, exist_ok=True)
            return HueyWake(SqliteStorage(_QUEUE, filename=str(file)))
        if scheme in ("redis", "rediss"):
            from huey.storage import RedisStorage

            return HueyWake(RedisStorage(_QUEUE, blocking=False, url=url))
    except Exception as error:  # the URL may hold a password: it isn't shown
        raise SettingsError(
            "the queue that wakes workers can't be opened",
            found=f"{scheme}:// ({type(error).__name__})",
            mend="check UNICARE_WAKE_URL; redis:// needs the package redis",
        ) from None
    raise SettingsError(
        "no such queue",
        found=f"{scheme}://",
        expected="sqlite:///path or redis://host",
        mend="set UNICARE_WAKE_URL",
    )
