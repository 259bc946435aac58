"""Logging in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Query, Request, Response
from pydantic import SecretStr

from unicare.web.accounts.people import find_person
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.deps import SESSION_COOKIE, Now, OriginOf, SiteOf
from unicare.web.routes.api.session import LogIn, begin_session, end_session, keep_session
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import ViewOf
from unicare.web.routes.quiet import quiet
from unicare.web.routes.refused import Told
from unicare.web.security.cookies import delete_cookie
from unicare.web.security.next_page import safe_next
from unicare.web.site import Site

__all__ = ["NextField", "NextQuery", "router"]

router = pages_part()

_HERE = "/log-in"

NextQuery = Annotated[str, Query(alias="next")]
NextField = Annotated[str, Form(alias="next")]


@router.get("/log-in")
def log_in(view: ViewOf, next_page: NextQuery = "") -> Response:
    """The form."""
    if view.asker.person is not None:
        return quiet(view.go(safe_next(next_page) or "/account"))
    return quiet(view.page("log_in", _HERE, next=safe_next(next_page)))


@router.post("/log-in")
def logged_in(
    view: ViewOf,
    site: SiteOf,
    request: Request,
    origin: OriginOf,
    now: Now,
    email: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next_page: NextField = "",
) -> Response:
    """Lets somebody in, and leads them where they wanted to go."""
    came: list[LoggedIn] = []

    def act() -> None:
        came.append(begin_session(site, request, origin, LogIn(email=email, password=SecretStr(password))))

    def done() -> Response:
        address = safe_next(next_page) or _first_page(site, came[0].user_id)
        response = view.go(address, "logged-in")
        keep_session(site, response, came[0], now)
        return quiet(response)

    def again(told: Told) -> Response:
        given = {"email": email[:320]}
        page = view.page(
            "log_in", _HERE, status=told.status, error=told, given=given, next=safe_next(next_page)
        )
        return quiet(page)

    return view.form(act, done, again)


@router.post("/log-out")
def log_out(view: ViewOf, site: SiteOf, now: Now) -> Response:
    """Ends the session of this browser."""
    end_session(site, view.asker, now)
    response = view.go("/", "logged-out")
    delete_cookie(response, site.settings, SESSION_COOKIE)
    return response


def _first_page(site: Site, user_id: int) -> str:
    """Where there is something to do for somebody who just came."""
    with site.database.reading() as session:
        person = find_person(session, site.rules, user_id)
    if person is None or person.may_take_part or person.role == "organiser":
        return "/team" if person is not None and person.may_take_part and person.team_id is None else "/"
    return "/account"
