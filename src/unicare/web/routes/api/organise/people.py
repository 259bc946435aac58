"""Registrations and accounts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from fastapi import Query
from sqlalchemy.orm import Session

from unicare.web.accounts.organisers import decide, disable_user, enable_user, set_organiser
from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.organise.people import PeopleFacts, PeopleState, PersonRecord, list_people, read_person
from unicare.web.organise.reason import check_reason
from unicare.web.routes.api.asked import Asked, Number
from unicare.web.routes.api.organise.asked import Because, PageNumber, Search, Why
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = [
    "Decision",
    "InState",
    "Role",
    "decided",
    "disabled",
    "enabled",
    "people",
    "person",
    "role",
    "router",
]

router = api_part("organise", "/organise")

InState = Annotated[PeopleState | None, Query(description="Only these people.")]


class Decision(Asked):
    """What becomes of a registration.

    Attributes:
        approve: whether the person may take part.
        reason: sent to the person; needed to reject.
    """

    approve: bool
    reason: Why = ""


class Role(Because):
    """Whether somebody is an organiser.

    Attributes:
        organiser: the same.
    """

    organiser: bool


@router.get("/people", responses=problems(401, 403, 422))
def people(
    site: SiteOf, asker: OrganiserOf, search: Search = "", state: InState = None, page: PageNumber = 1
) -> PeopleFacts:
    """Everybody with an account: those who wait for a decision first, then the newest."""
    with site.database.reading() as session:
        return list_people(session, site.rules, search=search, state=state, page=page)


@router.get("/people/{user_id}", responses=problems(401, 403, 404, 422))
def person(site: SiteOf, asker: OrganiserOf, user_id: Number) -> PersonRecord:
    """One of them."""
    with site.database.reading() as session:
        return read_person(session, site.rules, user_id)


@router.post("/people/{user_id}/decision", responses=problems(401, 403, 404, 422))
def decided(site: SiteOf, asker: OrganiserOf, now: Now, user_id: Number, body: Decision) -> PersonRecord:
    """Approves or rejects a registration, also one that was decided before; the person gets a mail."""
    reason = body.reason if body.approve else check_reason(body.reason)

    def work(session: Session) -> None:
        decide(
            *(session, site.rules, asker.id, user_id, body.approve, reason),
            now=now,
            address=asker.origin.address,
        )

    return _changed(site, work, user_id)


@router.post("/people/{user_id}/disable", responses=problems(401, 403, 404, 422))
def disabled(site: SiteOf, asker: OrganiserOf, now: Now, user_id: Number, body: Because) -> PersonRecord:
    """Shuts a person out at once; sessions end, API tokens are revoked. Nobody does it to themselves."""
    reason = check_reason(body.reason)

    def work(session: Session) -> None:
        disable_user(
            *(session, site.rules, asker.id, user_id), now=now, address=asker.origin.address, reason=reason
        )

    return _changed(site, work, user_id)


@router.post("/people/{user_id}/enable", responses=problems(401, 403, 404, 422))
def enabled(site: SiteOf, asker: OrganiserOf, now: Now, user_id: Number, body: Because) -> PersonRecord:
    """Lets a person log in again."""
    reason = check_reason(body.reason)

    def work(session: Session) -> None:
        enable_user(
            *(session, site.rules, asker.id, user_id), now=now, address=asker.origin.address, reason=reason
        )

    return _changed(site, work, user_id)


@router.post("/people/{user_id}/role", responses=problems(401, 403, 404, 422))
def role(site: SiteOf, asker: OrganiserOf, now: Now, user_id: Number, body: Role) -> PersonRecord:
    """Makes somebody an organiser, or no longer. Nobody does it to themselves, so one always remains."""
    reason = check_reason(body.reason)

    def work(session: Session) -> None:
        set_organiser(
            *(session, site.rules, asker.id, user_id, body.organiser),
            now=now,
            address=asker.origin.address,
            reason=reason,
        )

    return _changed(site, work, user_id)


def _changed(site: Site, work: Callable[[Session], None], user_id: int) -> PersonRecord:
    """Does something to a person, who is shown as they are then."""
    site.database.transact(work)
    site.wake.ring()
    with site.database.reading() as session:
        return read_person(session, site.rules, user_id)
