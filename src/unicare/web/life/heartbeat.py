"""Saying that a worker lives while it works, and hearing when its work isn't its any more."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.exc import SQLAlchemyError

from unicare.web.life.lease import Claim, renew
from unicare.web.life.site import WorkingSite
from unicare.web.life.watch import watch_workers

__all__ = ["Heartbeat"]

_LOG = structlog.get_logger(__name__)
_BEATS_PER_LEASE = 4


class Heartbeat:
    """Renews a lease from a thread of its own, as long as the block lasts."""

    def __init__(self, site: WorkingSite, mine: Claim) -> None:
        self._site = site
        self._mine = mine
        self._done = threading.Event()
        self._lost = threading.Event()
        self._thread = threading.Thread(
            target=self._beat, name=f"heartbeat {mine.job} {mine.id}", daemon=True
        )

    def __enter__(self) -> Self:
        """Begins."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Ends."""
        self._done.set()
        self._thread.join()

    @property
    def lost(self) -> bool:
        """Whether another worker may have the work by now, or it was cancelled."""
        return self._lost.is_set()

    def _beat(self) -> None:
        lease_s = self._site.lease.total_seconds()
        heard = time.monotonic()
        while not self._done.wait(lease_s / _BEATS_PER_LEASE):
            begun = time.monotonic()
            try:
                if not self._site.transact(
                    lambda session, now: renew(session, self._mine, lease=self._site.lease, now=now)
                ):
                    self._lost.set()
                    return
                heard = begun
                watch_workers(self._site)
            except SQLAlchemyError as error:
                _LOG.warning("the database didn't hear a worker", error=type(error).__name__)
                if time.monotonic() - heard > lease_s:
                    self._lost.set()
                    return
