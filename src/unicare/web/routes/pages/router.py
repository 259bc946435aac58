"""Which pages there are."""

from __future__ import annotations

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from unicare.web.deps import csrf_checked
from unicare.web.routes.pages import (
    account,
    door,
    invitation,
    organise,
    passwords,
    public,
    registration,
    submissions,
    team,
)

__all__ = ["pages_router"]

_ROUTERS = (
    public.router,
    door.router,
    registration.router,
    passwords.router,
    account.router,
    team.router,
    organise.router,
    invitation.router,
    submissions.router,
)


def pages_router() -> APIRouter:
    """All of them. Forms are taken from this site's own pages only."""
    every = APIRouter(
        include_in_schema=False, default_response_class=HTMLResponse, dependencies=[Depends(csrf_checked)]
    )
    for router in _ROUTERS:
        every.include_router(router)
    return every
