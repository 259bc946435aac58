"""What routes are given: the site that they belong to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response

from unicare.web.boards import Boards
from unicare.web.challenge import Challenge
from unicare.web.database import Database
from unicare.web.facts.texts import Texts
from unicare.web.instruments import Instruments
from unicare.web.pages.render import Pages
from unicare.web.security.csrf import check_csrf, csrf_token
from unicare.web.settings import SiteSettings

__all__ = ["CsrfToken", "Now", "Site", "SiteOf", "csrf_checked", "site_of"]


@dataclass(frozen=True, eq=False)
class Site:
    """All that the routes of one application share.

    Attributes:
        settings: of the site.
        challenge: that it serves.
        texts: the challenge's pages.
        boards: its boards.
        pages: makes HTML.
        instruments: counts.
        database: None where nobody logs in.
        clock: says what time it is, with a time zone.
    """

    settings: SiteSettings
    challenge: Challenge
    texts: Texts
    boards: Boards
    pages: Pages
    instruments: Instruments
    database: Database | None
    clock: Callable[[], datetime]


def site_of(request: Request) -> Site:
    """The site that a request came to."""
    site: Site = request.app.state.site
    return site


SiteOf = Annotated[Site, Depends(site_of)]


def _now(site: SiteOf) -> datetime:
    return site.clock()


Now = Annotated[datetime, Depends(_now)]


def _csrf_token(request: Request, response: Response, site: SiteOf) -> str:
    return csrf_token(request, response, site.settings)


CsrfToken = Annotated[str, Depends(_csrf_token)]
"""For the hidden field ``csrf_token`` of a form that visitors fill in."""


async def csrf_checked(request: Request, site: SiteOf) -> None:
    """A dependency of every route that changes something for whoever a cookie says it is.

    Raises:
        HTTPException: 403 if another site made the browser send it.
    """
    await check_csrf(request, site.settings)
