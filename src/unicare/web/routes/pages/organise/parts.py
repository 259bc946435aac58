"""Which pages organisers have."""

from __future__ import annotations

from fastapi import APIRouter

from unicare.web.routes.pages.organise import (
    announcements,
    audit,
    boards,
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
)
