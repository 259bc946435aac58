"""What an organiser sees first."""

from __future__ import annotations

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.organise.overview import OverviewFacts, read_overview
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = ["overview", "router"]

router = api_part("organise", "/organise")


@router.get("/overview", responses=problems(401, 403))
def overview(site: SiteOf, asker: OrganiserOf, now: Now) -> OverviewFacts:
    """What waits for a decision, the queue, failures, what happens next."""
    boards = site.boards.summaries(now)
    with site.database.reading() as session:
        return read_overview(session, site.challenge, site.rules, boards, site.settings, now)
