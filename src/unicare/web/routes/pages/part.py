"""Parts of the pages, in which modules put their routes."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from unicare.web.deps import csrf_checked

__all__ = ["pages_part"]


def pages_part(start: str = "") -> APIRouter:
    """A part of the pages. Forms are taken from this site's own pages only.

    Args:
        start: of the paths in it.
    """
    return APIRouter(
        prefix=start,
        include_in_schema=False,
        default_response_class=HTMLResponse,
        dependencies=[Depends(csrf_checked)],
    )
