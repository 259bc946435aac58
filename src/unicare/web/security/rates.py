"""How often one address may ask the API. Pieces of uploads are counted apart, as there are many of them."""

from __future__ import annotations

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from math import ceil

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unicare.web.security.refuse import Refuse

__all__ = ["PIECES", "MemoryRates", "Rate", "RateLimit", "asker"]

PIECES = 20
"""So many times the pieces of uploads are answered: 40 a second of 16 MB, unless settings say otherwise."""

_PIECE = re.compile(r"/submissions/[0-9]+/upload$")


@dataclass(frozen=True)
class Rate:
    """What one asker has left.

    Attributes:
        allowed: whether this request is answered.
        left: how many more are, until it begins anew.
        wait_s: until one more is allowed, if this one isn't; else until all are.
    """

    allowed: bool
    left: int
    wait_s: float


class MemoryRates:
    """Counts in this process: each asker has a bucket of requests that fills up evenly.

    The event loop asks it, so it waits for nothing.

    Args:
        per_minute: what a bucket holds, and what flows into it in a minute.
        most: askers that are remembered; those not seen for longest are forgotten first.
        clock: seconds, never going back.
    """

    def __init__(
        self, per_minute: int, most: int = 50_000, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.per_minute = per_minute
        self._most = most
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = (
            OrderedDict()
        )  # key to (requests left, seen at)

    def take(self, key: str) -> Rate:
        """Counts one request of somebody, and says whether it is one too many."""
        per_second = self.per_minute / 60
        with self._lock:
            now = self._clock()
            left, seen = self._buckets.pop(key, (float(self.per_minute), now))
            left = min(float(self.per_minute), left + (now - seen) * per_second)
            allowed = left >= 1
            left -= allowed
            self._buckets[key] = (left, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        wait_s = (self.per_minute - left) / per_second if allowed else (1 - left) / per_second
        return Rate(allowed, int(left), wait_s)


class RateLimit:
    """Answers 429 to whoever asks the API too often.

    Args:
        app: what answers.
        store: counts.
        limit: requests in a minute, to be told.
        start: beginning of the paths that are counted.
        refuse: makes the answer.
        pieces: counts pieces of uploads, ``PIECES`` times as many of which are answered; like all else if
            not given.
    """

    def __init__(
        self,
        app: ASGIApp,
        store: MemoryRates,
        limit: int,
        start: str,
        refuse: Refuse,
        pieces: MemoryRates | None = None,
    ) -> None:
        self.app = app
        self.store = store
        self.limit = limit
        self.start = start
        self.refuse = refuse
        self.pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or not scope["path"].startswith(self.start):
            await self.app(scope, receive, send)
            return
        store, limit = self.store, self.limit
        if self.pieces is not None and scope["method"] == "PATCH" and _PIECE.search(scope["path"]):
            store, limit = self.pieces, PIECES * self.limit
        rate = store.take(asker(scope))
        headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(rate.left),
            "RateLimit-Reset": str(ceil(rate.wait_s)),
        }
        if not rate.allowed:
            headers["Retry-After"] = str(max(1, ceil(rate.wait_s)))
            detail = f"Too many requests; {limit} a minute are answered. Wait, then go on."
            await self.refuse(scope, 429, detail, headers)(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(headers)
            await send(message)

        await self.app(scope, receive, send_with_headers)


def asker(scope: Scope) -> str:
    """Who asks: the address, of IPv6 the part that one household or machine is given."""
    host = str((scope.get("client") or ("",))[0])
    try:
        address = ip_address(host)
    except ValueError:
        return host[:64]
    if isinstance(address, IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped is not None else address.exploded[:19]
    return host
