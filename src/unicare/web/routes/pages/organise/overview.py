"""What an organiser sees first."""

from __future__ import annotations

from fastapi import Response

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.facts.challenge import phase_facts
from unicare.web.routes.api.organise import overview as api
from unicare.web.routes.pages.organise.shown import page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import ViewOf

__all__ = ["router"]

router = pages_part()


@router.get("/organise")
def overview(view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now) -> Response:
    """What waits for a decision, the queue, failures, what happens next."""
    facts = api.overview(site, asker, now)
    return page(view, "overview", "overview", facts=facts, phases=phase_facts(site.challenge, now))
