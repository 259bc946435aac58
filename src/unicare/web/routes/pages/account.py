"""One's own account."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Form, Response
from pydantic import SecretStr

from unicare.web.accounts.passwords import SHORTEST_PASSWORD
from unicare.web.deps import SESSION_COOKIE, KnownOf, Now, SiteOf
from unicare.web.facts.people import NewApiTokenFacts
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.invitations import my_invitations
from unicare.web.routes.api.me import (
    Agreed,
    NewToken,
    agree,
    end_all_sessions,
    make_token,
    my_account,
    my_tokens,
    revoke_token,
)
from unicare.web.routes.api.passwords import ChangedPassword, set_by_old
from unicare.web.routes.api.registrations import agreement_facts
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told
from unicare.web.security.cookies import delete_cookie
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part()

_HERE = "/account"

Written = Annotated[str, Form()]


@router.get("/account")
def account(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now) -> Response:
    """Who one is here, and what is to come."""
    return _page(view, site, asker, now)


@router.post("/account/agreement")
def agreed(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, agreement_version: Written = "") -> Response:
    """Accepts the data-use agreement."""
    return view.form(
        lambda: agree(site, asker, now, Agreed(version=agreement_version)),
        lambda: view.go(_HERE, "agreed"),
        lambda told: _page(view, site, asker, now, told, "agreement"),
    )


@router.post("/account/password")
def changed(
    view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, old: Written = "", password: Written = ""
) -> Response:
    """Changes the password."""
    return view.form(
        lambda: set_by_old(site, asker, ChangedPassword(old=SecretStr(old), password=SecretStr(password))),
        lambda: view.go(_HERE, "password-changed"),
        lambda told: _page(view, site, asker, now, told, "password"),
    )


@router.post("/account/tokens")
def made_token(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, name: Written = "") -> Response:
    """Makes an API token, and shows it this once."""
    made: list[NewApiTokenFacts] = []
    return view.form(
        lambda: made.append(make_token(site, asker, now, NewToken(name=name))),
        lambda: _page(view, site, asker, now, new_token=made[0]),
        lambda told: _page(view, site, asker, now, told, "token", given={"name": name[:500]}),
    )


@router.post("/account/tokens/{token_id}/revoke")
def revoked_token(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, token_id: Number) -> Response:
    """Makes an API token void."""
    return view.form(
        lambda: revoke_token(site, asker, now, token_id),
        lambda: view.go(_HERE, "token-revoked"),
        lambda told: _page(view, site, asker, now, told, "token"),
    )


@router.post("/account/log-out-everywhere")
def ended_sessions(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now) -> Response:
    """Ends all sessions, this one included."""
    end_all_sessions(site, asker, now)
    response = view.go("/", "logged-out-everywhere")
    delete_cookie(response, site.settings, SESSION_COOKIE)
    return response


def _page(
    view: View,
    site: Site,
    asker: KnownOf,
    now: Now,
    told: Told | None = None,
    part: str = "",
    **values: Any,
) -> Response:
    """The page; ``part`` is which of its forms was refused."""
    shown: dict[str, Any] = {
        "me": my_account(site, asker, now),
        "tokens": my_tokens(site, asker),
        "invitations": my_invitations(site, asker, now),
        "agreement": agreement_facts(site),
        "approval": site.rules.approval,
        "shortest": SHORTEST_PASSWORD,
        "base_url": site.rules.base_url,
        "error": told,
        "part": part,
        "new_token": None,
    }
    return view.page("account", _HERE, status=200 if told is None else told.status, **{**shown, **values})
