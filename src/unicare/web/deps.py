"""What routes are given: the site, the time, who asks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from starlette.concurrency import run_in_threadpool

from unicare.web.accounts.api_tokens import person_of_api_token
from unicare.web.accounts.door import Origin
from unicare.web.accounts.people import Person, Role, check_organiser, check_participant
from unicare.web.accounts.secret_tokens import hash_token
from unicare.web.accounts.sessions import person_of_session
from unicare.web.security.cookies import read_cookie
from unicare.web.security.csrf import check_csrf
from unicare.web.site import Site

__all__ = [
    "SESSION_COOKIE",
    "Asker",
    "Known",
    "KnownOf",
    "Now",
    "OrganiserOf",
    "OriginOf",
    "ParticipantOf",
    "SiteOf",
    "SomebodyOf",
    "TeamMemberOf",
    "asker_of",
    "csrf_checked",
    "site_of",
]

SESSION_COOKIE = "session"
_BEARER = "bearer "


async def site_of(request: Request) -> Site:
    """The site that a request came to."""
    site: Site = request.app.state.site
    return site


SiteOf = Annotated[Site, Depends(site_of)]


async def _now(site: SiteOf) -> datetime:
    return site.clock()


Now = Annotated[datetime, Depends(_now)]


async def _origin(request: Request) -> Origin:
    address = request.client.host if request.client is not None else ""
    return Origin(address, request.headers.get("User-Agent", ""))


OriginOf = Annotated[Origin, Depends(_origin)]


@dataclass(frozen=True)
class Asker:
    """Who asks, as far as that is known.

    Attributes:
        person: None for visitors.
        origin: from where.
        session_token: of the browser's cookie; empty for visitors and programs.
        by_program: whether it was an API token that said who it is.
    """

    person: Person | None
    origin: Origin
    session_token: str = ""
    by_program: bool = False

    @property
    def session(self) -> str:
        """What forms are tied to; empty for visitors."""
        return hash_token(self.session_token) if self.session_token else ""


@dataclass(frozen=True)
class Known(Asker):
    """Somebody with an account.

    Attributes:
        person: who.
    """

    person: Person

    @property
    def id(self) -> int:
        """Of the user."""
        return self.person.id


async def asker_of(request: Request, site: SiteOf, origin: OriginOf) -> Asker:
    """Whoever a token of the API, or else the browser's cookie, says that it is.

    Raises:
        HTTPException: 401 for a token that isn't good; a cookie that isn't makes a visitor.
    """
    written = request.headers.get("Authorization", "")
    if written[: len(_BEARER)].lower() == _BEARER:
        return await run_in_threadpool(_by_token, site, origin, written[len(_BEARER) :].strip())
    cookie = read_cookie(request, site.settings, SESSION_COOKIE)
    if not cookie:  # most are visitors: they wait for no thread
        return Asker(None, origin)
    return await run_in_threadpool(_by_cookie, site, origin, cookie)


def _by_token(site: Site, origin: Origin, written: str) -> Known:
    person = person_of_api_token(site.door, written)
    if person is None:
        raise HTTPException(
            401, "This API token isn’t good (any more). Make a new one on your account’s page."
        )
    return Known(person, origin, by_program=True)


def _by_cookie(site: Site, origin: Origin, cookie: str) -> Asker:
    person = person_of_session(site.door, cookie)
    return Asker(None, origin) if person is None else Known(person, origin, cookie)


SomebodyOf = Annotated[Asker, Depends(asker_of)]
"""Anybody; ``person`` is None for visitors."""


async def _known(asker: SomebodyOf) -> Known:
    if not isinstance(asker, Known):
        raise HTTPException(401, "Log in first.", {"WWW-Authenticate": "Bearer"})
    return asker


KnownOf = Annotated[Known, Depends(_known)]
"""Somebody with an account, approved or not; else 401."""


async def _participant(asker: KnownOf) -> Known:
    check_participant(asker.person)
    return asker


ParticipantOf = Annotated[Known, Depends(_participant)]
"""Somebody who may take part; else 401, or 403 with what is lacking."""


async def _team_member(asker: KnownOf) -> Known:
    if asker.person.team_id is None and asker.person.role is Role.ORGANISER:
        raise HTTPException(
            403,
            "You organise this challenge and are in no team. What all teams handed in is at "
            "/organise/submissions, for programs at /api/v1/organise/submissions.",
        )
    check_participant(asker.person)
    if asker.person.team_id is None:
        raise HTTPException(403, "You are in no team yet. Found one, or have somebody invite you.")
    return asker


TeamMemberOf = Annotated[Known, Depends(_team_member)]
"""A participant with a team; ``person.team_id`` is set."""


async def _organiser(asker: KnownOf) -> Known:
    check_organiser(asker.person)
    return asker


OrganiserOf = Annotated[Known, Depends(_organiser)]
"""An organiser; else 401 or 403."""


async def csrf_checked(request: Request, site: SiteOf, asker: SomebodyOf) -> None:
    """A dependency of all parts with routes that change something.

    Programs that say who they are with a token are let through: no browser sends one by itself.

    Raises:
        HTTPException: 403 if another site made the browser send it.
    """
    if not asker.by_program:
        await check_csrf(request, site.settings, asker.session)
