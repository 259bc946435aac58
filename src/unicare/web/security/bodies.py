"""No request may send more than its route needs."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from unicare.web.security.refuse import Refuse

__all__ = ["LARGEST_BODY_BYTES", "BodyLimit"]

LARGEST_BODY_BYTES = 64 * 1024

_TOO_LARGE = "That is more than this address takes."


class _TooLargeError(Exception):
    pass


class BodyLimit:
    """Answers 413 to requests that say, or turn out, to be too large.

    Args:
        app: what answers.
        refuse: makes the answer.
        largest: bytes of a request.
        elsewhere: beginning of a path to the bytes that are taken there; the longest that fits counts.
    """

    def __init__(
        self,
        app: ASGIApp,
        refuse: Refuse,
        largest: int = LARGEST_BODY_BYTES,
        elsewhere: Mapping[str, int] | None = None,
    ) -> None:
        self.app = app
        self.refuse = refuse
        self.largest = largest
        self.elsewhere = sorted((elsewhere or {}).items(), key=lambda one: -len(one[0]))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        path: str = scope["path"]
        largest = next((size for start, size in self.elsewhere if path.startswith(start)), self.largest)
        said = Headers(scope=scope).get("content-length", "0")
        if not (said.isascii() and said.isdigit()):
            await self.refuse(scope, 400, "The length of the request isn’t a number.")(scope, receive, send)
        elif len(said) > 18 or int(said) > largest:
            await self.refuse(scope, 413, _TOO_LARGE)(scope, receive, send)
        else:
            await self._counted(largest, scope, receive, send)

    async def _counted(self, largest: int, scope: Scope, receive: Receive, send: Send) -> None:
        """The same for those that don't say how long they are, or say it wrongly."""
        got, too_large, begun = 0, False, False

        async def receive_counted() -> Message:
            nonlocal got, too_large
            message = await receive()
            got += len(message.get("body", b""))
            if got > largest:
                too_large = True
                raise _TooLargeError
            return message

        async def send_unless_too_large(message: Message) -> None:
            nonlocal begun
            if too_large and not begun:
                return  # what reads the body may have caught the error, and answers something else
            begun = True
            await send(message)

        with suppress(_TooLargeError):
            await self.app(scope, receive_counted, send_unless_too_large)
        if too_large and not begun:
            await self.refuse(scope, 413, _TOO_LARGE)(scope, receive, send)
