"""All that happened and will happen."""

from __future__ import annotations

from fastapi import Response

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.pages.days import days_of
from unicare.web.routes.api.organise import timeline as api
from unicare.web.routes.pages.organise.shown import page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import ViewOf

__all__ = ["router"]

router = pages_part("/organise")


@router.get("/timeline")
def timeline(view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now) -> Response:
    """A line for each day on which something happens."""
    facts = api.timeline(site, asker, now)
    return page(view, "timeline", "timeline", days=days_of(facts))
