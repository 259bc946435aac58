"""Every request gets a number, is counted, timed and logged, without what stands in its address."""

from __future__ import annotations

import time
import uuid

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unicare.web.instruments import Instruments

__all__ = ["HeadAsGet", "RequestLog", "route_of"]

_LOG = structlog.get_logger(__name__)
_UNMATCHED = "unmatched"
_UNTOLD = frozenset({"/healthz", "/metrics"})


class RequestLog:
    """Tells log and instruments of every request.

    Args:
        app: what answers.
        instruments: count.
    """

    def __init__(self, app: ASGIApp, instruments: Instruments) -> None:
        self.app = app
        self.instruments = instruments

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        status = 500
        began = time.perf_counter()

        async def send_numbered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        self.instruments.began()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_numbered)
            finally:
                seconds = time.perf_counter() - began
                route = route_of(scope)
                self.instruments.ended(scope["method"], route, status, seconds)
                if route not in _UNTOLD:
                    _LOG.info(
                        "request",
                        method=scope["method"],
                        route=route,
                        status=status,
                        milliseconds=round(1000 * seconds, 1),
                    )


class HeadAsGet:
    """Answers HEAD as GET, without the body.

    Args:
        app: what answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return
        inner = {**scope, "method": "GET"}

        async def send_without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        await self.app(inner, receive, send_without_body)
        if "route" in inner:
            scope["route"] = inner["route"]


def route_of(scope: Scope) -> str:
    """The template of the route that answered, such as ``/boards/{name}``; never the address itself."""
    return str(getattr(scope.get("route"), "path", _UNMATCHED))
