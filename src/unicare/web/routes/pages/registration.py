"""Registering, and confirming the address by the link of the mail."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import Form, Query, Response
from pydantic import SecretStr

from unicare.web.accounts.one_time import whose_link
from unicare.web.accounts.passwords import SHORTEST_PASSWORD
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.deps import Now, OriginOf, SiteOf
from unicare.web.facts.people import MailFacts
from unicare.web.routes.api.registrations import (
    Confirmation,
    NewRegistration,
    agreement_facts,
    confirm_registration,
    new_registration,
)
from unicare.web.routes.api.session import end_session, keep_session
from unicare.web.routes.pages.door import NextField, NextQuery
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.quiet import quiet
from unicare.web.routes.refused import Told
from unicare.web.security.next_page import safe_next
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part()

_HERE = "/register"

Written = Annotated[str, Form()]


@router.get("/register")
def register(view: ViewOf, site: SiteOf, now: Now, next_page: NextQuery = "") -> Response:
    """The form, or when it will be there."""
    if view.asker.person is not None:
        return quiet(view.go(safe_next(next_page) or "/account"))
    return _form(view, site, now, safe_next(next_page))


@router.post("/register")
def registered(
    view: ViewOf,
    site: SiteOf,
    origin: OriginOf,
    now: Now,
    name: Written = "",
    email: Written = "",
    affiliation: Written = "",
    password: Written = "",
    agreement: Written = "",
    agreement_version: Written = "",
    next_page: NextField = "",
) -> Response:
    """Says that a mail is on its way, whether the address has an account or not."""
    sent: list[MailFacts] = []

    def act() -> None:
        body = NewRegistration(
            email=email,
            name=name,
            affiliation=affiliation,
            password=SecretStr(password),
            agreement_version=agreement_version if agreement else None,
        )
        sent.append(new_registration(site, origin, body))

    def done() -> Response:
        invited = safe_next(next_page).startswith("/invitation?")
        return quiet(
            view.page("mail_sent", _HERE, status=202, email=sent[0].email, why="register", invited=invited)
        )

    def again(told: Told) -> Response:
        given = {"name": name, "email": email, "affiliation": affiliation}
        if told.field != "agreement":
            given["agreement"] = agreement
        return _form(view, site, now, safe_next(next_page), status=told.status, error=told, given=given)

    return view.form(act, done, again)


@router.get("/confirm")
def confirm(view: ViewOf, site: SiteOf, now: Now, token: Annotated[str, Query()] = "") -> Response:
    """The form behind the mail’s link. To open it changes nothing, as mail scanners do it, too."""
    return _confirm_form(view, site, now, token)


@router.post("/confirm")
def confirmed(
    view: ViewOf, site: SiteOf, origin: OriginOf, now: Now, token: Written = "", password: Written = ""
) -> Response:
    """Confirms the address, and lets its person in."""
    came: list[LoggedIn] = []

    def act() -> None:
        body = Confirmation(token=SecretStr(token), password=SecretStr(password))
        came.append(confirm_registration(site, origin, body))

    def done() -> Response:
        end_session(site, view.asker, now)  # somebody else's, who was logged in here
        response = view.go("/account", "confirmed")
        keep_session(site, response, came[0], now)
        return quiet(response)

    def again(told: Told) -> Response:
        return _confirm_form(view, site, now, token, told)

    return view.form(act, done, again)


def _confirm_form(view: View, site: Site, now: datetime, token: str, told: Told | None = None) -> Response:
    with site.database.reading() as session:
        email = whose_link(session, token, "confirm", now)
    void = email is None
    status = told.status if told is not None else 410 if void else 200
    error = None if void else told
    return quiet(view.page("confirm", _HERE, status=status, error=error, token=token, void=void, email=email))


def _form(view: View, site: Site, now: datetime, next_page: str, **values: Any) -> Response:
    rules = site.rules
    state = "open"
    if rules.opens is not None and now < rules.opens:
        state = "upcoming"
    elif rules.closes is not None and now >= rules.closes:
        state = "closed"
    page = view.page(
        "register",
        _HERE,
        **{
            "state": state,
            "registration": site.challenge.registration,
            "agreement": agreement_facts(site),
            "shortest": SHORTEST_PASSWORD,
            "next": next_page,
            **values,
        },
    )
    return quiet(page)
