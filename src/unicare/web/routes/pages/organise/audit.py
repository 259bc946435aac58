"""The audit log, and all that can be taken away."""

from __future__ import annotations

from datetime import date
from typing import Any

from fastapi import Response

from unicare.web.deps import OrganiserOf, SiteOf
from unicare.web.routes.api.organise import audit as api
from unicare.web.routes.pages.organise.shown import PageOf, chosen, page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import ViewOf

__all__ = ["router"]

router = pages_part("/organise")


@router.get("/audit")
def audit(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    actor: str = "",
    subject: str = "",
    action: str = "",
    day: str = "",
    page_number: PageOf = 1,
) -> Response:
    """Who did what; what can't be looked for is as if it weren't asked for."""
    wanted = api.wanted_of(_plain(actor), _plain(subject), _plain(action), _date(day))
    values: dict[str, Any] = {
        "facts": api.audit(site, asker, wanted, page_number),
        "asked": chosen(**wanted.model_dump()),
    }
    return page(view, "audit", "audit", **values)


@router.get("/export")
def export(view: ViewOf, asker: OrganiserOf) -> Response:
    """What is in the archive, and a link to it."""
    return page(view, "export", "export")


def _plain(written: str) -> str:
    return "".join(one for one in written[:200] if one.isprintable())


def _date(written: str) -> date | None:
    try:
        day = date.fromisoformat(written)
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None
