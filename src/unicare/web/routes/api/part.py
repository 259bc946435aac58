"""Parts of the API, in which modules put their routes."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from unicare.web.deps import csrf_checked

__all__ = ["API_START", "api_part"]

API_START = "/api/v1"


def api_part(tag: str, start: str = "") -> APIRouter:
    """A part of the API. What changes something is let through only for this site's own pages and for tokens.

    Args:
        tag: what the API's document calls it.
        start: of the paths in it, below the API's own.
    """
    return APIRouter(prefix=API_START + start, tags=[tag], dependencies=[Depends(csrf_checked)])
