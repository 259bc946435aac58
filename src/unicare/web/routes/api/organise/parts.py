"""Which routes organisers have."""

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

__all__ = ["router"]

router = APIRouter(prefix="/organise", tags=["organise"])

for _part in (overview, people, teams, submissions, announcements, boards, timeline, audit, export):
    router.include_router(_part.router)
