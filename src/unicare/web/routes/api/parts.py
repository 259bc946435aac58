"""Which parts the API has."""

from __future__ import annotations

from fastapi import APIRouter

from unicare.web.routes.api import (
    boards,
    cases,
    challenge,
    images,
    invitations,
    me,
    passwords,
    quotas,
    registrations,
    session,
    submissions,
    teams,
    uploads,
)
from unicare.web.routes.api.organise.parts import PARTS as ORGANISE

__all__ = ["PARTS"]

PARTS: tuple[APIRouter, ...] = (
    challenge.router,
    boards.router,
    registrations.router,
    session.router,
    passwords.router,
    me.router,
    invitations.router,
    teams.router,
    *ORGANISE,
    quotas.router,
    submissions.router,
    uploads.router,
    cases.router,
    images.router,
)
"""In the order in which a path is looked for in them."""
