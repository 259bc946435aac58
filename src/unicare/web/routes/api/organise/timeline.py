"""All that happened and will happen."""

from __future__ import annotations

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.organise.timeline import TimelineFacts, read_timeline
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = ["router", "timeline"]

router = api_part("organise", "/organise")


@router.get("/timeline", responses=problems(401, 403))
def timeline(site: SiteOf, asker: OrganiserOf, now: Now) -> TimelineFacts:
    """Dates, news, frozen boards, and counts of each day, earliest first."""
    with site.database.reading() as session:
        return read_timeline(session, site.challenge, site.boards.summaries(now), now)
