"""A new password for whoever forgot the old one."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from fastapi import Form, Query, Response
from pydantic import SecretStr

from unicare.web.accounts.one_time import whose_link
from unicare.web.accounts.passwords import SHORTEST_PASSWORD
from unicare.web.deps import Now, OriginOf, SiteOf
from unicare.web.facts.people import MailFacts
from unicare.web.routes.api.passwords import Forgotten, NewPassword, ask_link, set_by_link
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.quiet import quiet
from unicare.web.routes.refused import Told
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part()

_HERE = "/log-in"

Written = Annotated[str, Form()]


@router.get("/forgotten")
def forgotten(view: ViewOf) -> Response:
    """The form that asks for a link."""
    return quiet(view.page("forgotten", _HERE))


@router.post("/forgotten")
def asked(view: ViewOf, site: SiteOf, origin: OriginOf, email: Written = "") -> Response:
    """Says that a mail is on its way, whether the address has an account or not."""
    sent: list[MailFacts] = []

    def act() -> None:
        sent.append(ask_link(site, origin, Forgotten(email=email)))

    def done() -> Response:
        return quiet(
            view.page("mail_sent", _HERE, status=202, email=sent[0].email, why="reset", invited=False)
        )

    def again(told: Told) -> Response:
        given = {"email": email[:320]}
        return quiet(view.page("forgotten", _HERE, status=told.status, error=told, given=given))

    return view.form(act, done, again)


@router.get("/reset")
def reset(view: ViewOf, site: SiteOf, now: Now, token: Annotated[str, Query()] = "") -> Response:
    """The form behind the mail's link. To open it changes nothing."""
    return _form(view, site, now, token)


@router.post("/reset")
def was_reset(
    view: ViewOf, site: SiteOf, origin: OriginOf, now: Now, token: Written = "", password: Written = ""
) -> Response:
    """Sets the new password."""
    return view.form(
        lambda: set_by_link(site, origin, NewPassword(token=SecretStr(token), password=SecretStr(password))),
        lambda: quiet(view.go("/log-in", "password-set")),
        lambda told: _form(view, site, now, token, told),
    )


def _form(view: View, site: Site, now: datetime, token: str, told: Told | None = None) -> Response:
    with site.database.reading() as session:
        email = whose_link(session, token, "reset", now)
    void = email is None
    page = view.page(
        "reset",
        _HERE,
        status=told.status if told is not None else 410 if void else 200,
        error=None if void else told,
        token=token,
        void=void,
        email=email,
        shortest=SHORTEST_PASSWORD,
    )
    return quiet(page)
