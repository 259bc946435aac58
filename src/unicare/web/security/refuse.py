"""How those who turn a request away have it answered."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from starlette.responses import Response
from starlette.types import Scope

__all__ = ["Refuse"]


class Refuse(Protocol):
    """Makes the answer: a page for people, JSON for programs."""

    def __call__(
        self, scope: Scope, status: int, detail: str, headers: Mapping[str, str] | None = None
    ) -> Response:
        """The answer.

        Args:
            scope: of the request.
            status: of HTTP.
            detail: a sentence for whoever asked.
            headers: to be added.
        """
        ...
