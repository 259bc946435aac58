"""Which routes the API has."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from unicare.web.deps import csrf_checked
from unicare.web.routes.api import (
    boards,
    cases,
    challenge,
    images,
    invitations,
    me,
    organise,
    passwords,
    quotas,
    registrations,
    session,
    submissions,
    teams,
    uploads,
)

__all__ = ["API_START", "api_router"]

API_START = "/api/v1"

_ROUTERS = (
    challenge.router,
    boards.router,
    registrations.router,
    session.router,
    passwords.router,
    me.router,
    invitations.router,
    teams.router,
    organise.router,
    quotas.router,
    submissions.router,
    uploads.router,
    cases.router,
    images.router,
)


def api_router() -> APIRouter:
    """All of them. What changes something is let through only for this site's own pages and for tokens."""
    every = APIRouter(prefix=API_START, dependencies=[Depends(csrf_checked)])
    for router in _ROUTERS:
        every.include_router(router)
    return every
