"""Logging in and out with a browser."""

from __future__ import annotations

from fastapi import Request, Response

from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.people import find_person
from unicare.web.accounts.refusals import Refused
from unicare.web.accounts.secret_tokens import hash_token
from unicare.web.accounts.sessions import LoggedIn, close_session
from unicare.web.deps import SESSION_COOKIE, Asker, Now, OriginOf, SiteOf, SomebodyOf
from unicare.web.facts.people import SessionFacts, person_facts
from unicare.web.routes.api.asked import Asked, Email, Password
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.routes.refused import RefusedError
from unicare.web.security.cookies import delete_cookie, read_cookie, set_cookie
from unicare.web.security.csrf import csrf_token
from unicare.web.site import Site

__all__ = ["LogIn", "begin_session", "end_session", "keep_session", "new_session", "router"]

router = api_part("session")


class LogIn(Asked):
    """Who wants to come in.

    Attributes:
        email: of the account.
        password: of the account.
    """

    email: Email
    password: Password


def begin_session(site: Site, request: Request, origin: OriginOf, body: LogIn) -> LoggedIn:
    """Lets somebody in, with a new token; what the browser's cookie had before is void.

    Raises:
        RefusedError: wrong address or password, or too many tries.
    """
    old = read_cookie(request, site.settings, SESSION_COOKIE)
    came = log_in(site.door, body.email, body.password.get_secret_value(), origin, old_token=old or None)
    if isinstance(came, Refused):
        raise RefusedError(came)
    return came


def end_session(site: Site, asker: Asker, now: Now) -> None:
    """Makes the session of the browser that asks void; no error if there is none."""
    if asker.session_token:
        site.database.transact(
            lambda session: close_session(session, asker.session_token, now=now, address=asker.origin.address)
        )


def keep_session(site: Site, response: Response, came: LoggedIn, now: Now) -> None:
    """Gives the browser the cookie of a new session."""
    lasts_s = max(0, int((came.expires_at - now).total_seconds()))
    set_cookie(response, site.settings, SESSION_COOKIE, came.token, lasts_s)


def new_session(site: Site, request: Request, response: Response, came: LoggedIn, now: Now) -> SessionFacts:
    """What a program that came in by cookie is told, with the token that its next requests need."""
    keep_session(site, response, came, now)
    response.headers["Cache-Control"] = "no-store"
    with site.database.reading() as session:
        person = find_person(session, site.rules, came.user_id)
    return SessionFacts(
        person=None if person is None else person_facts(person),
        csrf_token=csrf_token(request, response, site.settings, hash_token(came.token)),
    )


@router.get("/session", responses=problems(401))
def shown_session(site: SiteOf, request: Request, response: Response, asker: SomebodyOf) -> SessionFacts:
    """Who is logged in, and the token for what changes something."""
    response.headers["Cache-Control"] = "no-store"
    return SessionFacts(
        person=None if asker.person is None else person_facts(asker.person),
        csrf_token=csrf_token(request, response, site.settings, asker.session),
    )


@router.post("/session", responses=problems(401, 403, 422))
def opened_session(
    site: SiteOf, request: Request, response: Response, origin: OriginOf, now: Now, body: LogIn
) -> SessionFacts:
    """Logs in. The answer has a cookie; the same is said of wrong passwords and unknown addresses."""
    came = begin_session(site, request, origin, body)
    return new_session(site, request, response, came, now)


@router.delete("/session", status_code=204, responses=problems(401, 403))
def closed_session(site: SiteOf, response: Response, asker: SomebodyOf, now: Now) -> None:
    """Logs out."""
    end_session(site, asker, now)
    delete_cookie(response, site.settings, SESSION_COOKIE)
