"""Which parts organisers have of the API."""

from __future__ import annotations

from fastapi import APIRouter

from unicare.web.routes.api.organise import (
    announcements,
    audit,
    boards,
    export,
    overview,
    people,
    submissions,
    teams,
    timeline,
)

__all__ = ["PARTS"]

PARTS: tuple[APIRouter, ...] = (
    overview.router,
    people.router,
    teams.router,
    submissions.router,
    announcements.router,
    boards.router,
    timeline.router,
    audit.router,
    export.router,
)
