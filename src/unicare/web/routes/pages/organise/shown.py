"""What all pages of organisers have in common."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Query
from fastapi.responses import HTMLResponse

from unicare.web.organise.reason import LONGEST_REASON
from unicare.web.routes.pages.view import View
from unicare.web.routes.refused import Told

__all__ = ["PageOf", "Written", "chosen", "page"]

Written = Annotated[str, Form()]
PageOf = Annotated[int, Query(alias="page", ge=1, le=1_000_000)]

_HERE = "/organise"


def page(
    view: View, part: str, template: str, told: Told | None = None, form: str = "", **values: Any
) -> HTMLResponse:
    """A page of organisers.

    Args:
        view: makes it.
        part: in the bar of their pages, that it belongs to.
        template: in ``templates/organise``.
        told: why a form was refused; None if none was.
        form: which one it was.
        values: what the template shows.
    """
    shared: dict[str, Any] = {"part": part, "error": told, "form": form, "longest_reason": LONGEST_REASON}
    status = 200 if told is None else told.status
    return view.page(f"organise/{template}", _HERE, status=status, **{**shared, **values})


def chosen(**asked: object) -> dict[str, str]:
    """What a list is narrowed down to, for links to its other pages; nothing that wasn't asked for."""
    return {name: str(value) for name, value in asked.items() if value not in ("", None)}
