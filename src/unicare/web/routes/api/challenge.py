"""The challenge, its tasks and phases."""

from __future__ import annotations

from unicare.web.deps import Now, SiteOf
from unicare.web.facts.challenge import (
    ChallengeFacts,
    PhaseFacts,
    TaskFacts,
    challenge_facts,
    phase_facts,
    task_facts,
)
from unicare.web.organise.announcements import shown_news
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = ["router"]

router = api_part("challenge")


@router.get("/challenge", responses=problems())
def challenge(site: SiteOf, now: Now) -> ChallengeFacts:
    """The challenge."""
    with site.database.reading() as session:
        written = shown_news(session, site.texts, now)
    return challenge_facts(site.challenge, site.texts, now, written)


@router.get("/tasks", responses=problems())
def tasks(site: SiteOf) -> tuple[TaskFacts, ...]:
    """Its tasks, with their labels."""
    return task_facts(site.challenge)


@router.get("/phases", responses=problems())
def phases(site: SiteOf, now: Now) -> tuple[PhaseFacts, ...]:
    """Its phases, as they are now."""
    return phase_facts(site.challenge, now)
