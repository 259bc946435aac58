"""Registrations and accounts."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from unicare.web.deps import Known, Now, OrganiserOf, SiteOf
from unicare.web.organise.people import PeopleState
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.organise import people as api
from unicare.web.routes.api.organise.asked import Because, Search
from unicare.web.routes.pages.organise.shown import PageOf, Written, chosen, page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part("/organise")

_LIST = "/organise/people"
_YES = "yes"


@router.get("/people")
def people(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    search: Search = "",
    state: str = "",
    page_number: PageOf = 1,
) -> Response:
    """Everybody with an account."""
    wanted = PeopleState(state) if state in {one.value for one in PeopleState} else None
    values: dict[str, Any] = {
        "facts": api.people(site, asker, search, wanted, page_number),
        "states": list(PeopleState),
        "asked": chosen(search=search, state=wanted),
    }
    return page(view, "people", "people", **values)


@router.get("/people/{user_id}")
def person(view: ViewOf, site: SiteOf, asker: OrganiserOf, user_id: Number) -> Response:
    """One of them."""
    return _page(view, site, asker, user_id)


@router.post("/people/{user_id}/decision")
def decided(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    now: Now,
    user_id: Number,
    approve: Written = "",
    reason: Written = "",
    back: Written = "",
) -> Response:
    """Approves or rejects a registration."""
    yes = approve == _YES
    address = f"{_LIST}?state=waiting" if back == "list" else f"{_LIST}/{user_id}"
    return view.form(
        lambda: api.decided(site, asker, now, user_id, api.Decision(approve=yes, reason=reason)),
        lambda: view.go(address, "person-approved" if yes else "person-rejected"),
        lambda told: _page(view, site, asker, user_id, told, "decision", {"reason": reason}),
    )


@router.post("/people/{user_id}/disable")
def disabled(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, user_id: Number, reason: Written = ""
) -> Response:
    """Shuts a person out."""
    return view.form(
        lambda: api.disabled(site, asker, now, user_id, Because(reason=reason)),
        lambda: view.go(f"{_LIST}/{user_id}", "person-disabled"),
        lambda told: _page(view, site, asker, user_id, told, "access", {"reason": reason}),
    )


@router.post("/people/{user_id}/enable")
def enabled(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, user_id: Number, reason: Written = ""
) -> Response:
    """Lets a person log in again."""
    return view.form(
        lambda: api.enabled(site, asker, now, user_id, Because(reason=reason)),
        lambda: view.go(f"{_LIST}/{user_id}", "person-enabled"),
        lambda told: _page(view, site, asker, user_id, told, "access", {"reason": reason}),
    )


@router.post("/people/{user_id}/role")
def role(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    now: Now,
    user_id: Number,
    organiser: Written = "",
    reason: Written = "",
) -> Response:
    """Makes somebody an organiser, or no longer."""
    yes = organiser == _YES
    return view.form(
        lambda: api.role(site, asker, now, user_id, api.Role(organiser=yes, reason=reason)),
        lambda: view.go(f"{_LIST}/{user_id}", "organiser-made" if yes else "organiser-unmade"),
        lambda told: _page(view, site, asker, user_id, told, "role", {"reason": reason}),
    )


def _page(
    view: View,
    site: Site,
    asker: Known,
    user_id: int,
    told: Told | None = None,
    form: str = "",
    given: dict[str, str] | None = None,
) -> Response:
    one = api.person(site, asker, user_id)
    own = user_id == asker.id
    return page(view, "people", "person", told, form, one=one, oneself=own, given=given or {})
