"""What organisers' programs and forms send."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from unicare.web.organise.reason import LONGEST_REASON
from unicare.web.routes.api.asked import Asked

__all__ = ["Because", "PageNumber", "Search", "Why"]

Why = Annotated[
    str,
    Field(
        max_length=2 * LONGEST_REASON, description=f"Why; at most {LONGEST_REASON} characters of plain text."
    ),
]
Search = Annotated[str, Query(description="Words that all have to be found.", max_length=200)]
PageNumber = Annotated[int, Query(description="Of the list, from 1.", ge=1, le=1_000_000)]


class Because(Asked):
    """Why something is done.

    Attributes:
        reason: for the audit log; people whom it is about are told where it says so.
    """

    reason: Why
