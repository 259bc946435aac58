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

__all__ = ["router"]

router = APIRouter()

router.include_router(overview.router)
for _part in (people, teams, submissions, announcements, boards, timeline, audit):
    router.include_router(_part.router, prefix="/organise")
