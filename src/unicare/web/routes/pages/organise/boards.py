"""Boards, as far as organisers have a say in them."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.facts.challenge import phase_facts
from unicare.web.pages.curves import curves
from unicare.web.routes.api.boards import BoardName, Edition, Ordered, Sort
from unicare.web.routes.api.organise import boards as api
from unicare.web.routes.api.organise.asked import Because
from unicare.web.routes.pages.organise.shown import Written, page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told
from unicare.web.site import Site
from unicare.web.standings.states import held_boards

__all__ = ["router"]

router = pages_part("/organise")

_UNVEILED = "Only organisers see this page. Everybody else is told that the board is hidden."


@router.get("/boards")
def boards(view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now) -> Response:
    """All boards, and how each is frozen and unfrozen."""
    return _page(view, site, now)


@router.get("/boards/{name}")
def unveiled(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    now: Now,
    name: BoardName,
    edition: Edition = "",
    sort: Sort = "",
    order: Ordered = "best_first",
) -> Response:
    """A board as everybody will see it, while only organisers do."""
    found = api.unveiled(site, asker, now, name, edition, sort, order)
    by = sort if sort in found.sorts else ""
    values: dict[str, Any] = {
        "board": found,
        "phase": next(one for one in phase_facts(site.challenge, now) if one.name == found.phase),
        "tasks": {one.name: one.title for one in site.challenge.tasks},
        "asked": {"edition": edition, "sort": sort, "order": order},
        "curves": curves(site.boards.history(name, now, edition=edition, sort=by, unveiled=True)),
        "unveiled": True,
        "notice": _UNVEILED if found.state in ("hidden", "upcoming") else None,
    }
    return view.page("board", "/organise", **values)


@router.post("/boards/{name}/freeze")
def frozen(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, name: BoardName, reason: Written = ""
) -> Response:
    """Freezes a board as it stands now."""
    return view.form(
        lambda: api.frozen(site, asker, now, name, Because(reason=reason)),
        lambda: view.go("/organise/boards", "board-frozen"),
        lambda told: _page(view, site, now, told, f"freeze-{name}", {"reason": reason}),
    )


@router.post("/boards/{name}/unfreeze")
def unfrozen(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, name: BoardName, reason: Written = ""
) -> Response:
    """Lets runs change a board again that was frozen before its date."""
    return view.form(
        lambda: api.unfrozen(site, asker, now, name, Because(reason=reason)),
        lambda: view.go("/organise/boards", "board-unfrozen"),
        lambda told: _page(view, site, now, told, f"unfreeze-{name}", {"reason": reason}),
    )


def _page(
    view: View,
    site: Site,
    now: Now,
    told: Told | None = None,
    form: str = "",
    given: dict[str, str] | None = None,
) -> Response:
    with site.database.reading() as session:
        held = held_boards(session)
    values: dict[str, Any] = {
        "boards": site.boards.summaries(now),
        "phases": {one.name: one.title or one.name for one in site.challenge.phases},
        "held": held,
        "given": given or {},
        "now": now,
    }
    return page(view, "boards", "boards", told, form, **values)
