"""Which parts the pages have."""

from __future__ import annotations

from fastapi import APIRouter

from unicare.web.routes.pages import (
    account,
    door,
    invitation,
    passwords,
    public,
    registration,
    submissions,
    team,
)
from unicare.web.routes.pages.organise.parts import PARTS as ORGANISE

__all__ = ["PARTS"]

PARTS: tuple[APIRouter, ...] = (
    public.router,
    door.router,
    registration.router,
    passwords.router,
    account.router,
    team.router,
    *ORGANISE,
    invitation.router,
    submissions.router,
)
"""In the order in which a path is looked for in them."""
