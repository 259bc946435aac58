"""Pages that everybody may see."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import Header, HTTPException, Response
from fastapi.responses import HTMLResponse

from unicare.web.deps import Now, SiteOf
from unicare.web.facts.challenge import phase_facts, task_facts
from unicare.web.facts.texts import PICTURE_TYPES
from unicare.web.pages.curves import curves
from unicare.web.routes.api import challenge as challenge_api
from unicare.web.routes.api.boards import BoardName, Edition, Ordered, Sort, board_or_error, history
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import ViewOf

__all__ = ["router"]

router = pages_part()

_OVERVIEW = "overview"


@router.get("/")
def home(view: ViewOf, site: SiteOf, now: Now) -> HTMLResponse:
    """What the challenge is about, its phases and tasks."""
    overview = site.texts.pages.get(_OVERVIEW)
    values: dict[str, Any] = {
        "facts": challenge_api.challenge(site, now),
        "overview": overview.html if overview is not None else "",
        "phases": phase_facts(site.challenge, now),
        "tasks": task_facts(site.challenge),
        "boards": site.boards.summaries(now),
    }
    return view.page("home", "/", **values)


@router.get("/texts/{name}")
def text(view: ViewOf, site: SiteOf, name: str) -> HTMLResponse:
    """One of the challenge's pages."""
    page = site.texts.pages.get(name)
    if page is None:
        raise HTTPException(404)
    return view.page("text", f"/texts/{name}", text=page)


@router.get("/agreement")
def agreement(view: ViewOf, site: SiteOf) -> HTMLResponse:
    """What those who take part agree to."""
    if site.texts.agreement is None:
        raise HTTPException(404)
    return view.page("text", "/agreement", text=site.texts.agreement)


@router.get("/boards")
def boards(view: ViewOf, site: SiteOf, now: Now) -> HTMLResponse:
    """All boards."""
    phases = {one.name: one for one in phase_facts(site.challenge, now)}
    return view.page("boards", "/boards", boards=site.boards.summaries(now), phases=phases)


@router.get("/boards/{name}")
def board(
    view: ViewOf,
    site: SiteOf,
    now: Now,
    name: BoardName,
    edition: Edition = "",
    sort: Sort = "",
    order: Ordered = "best_first",
) -> HTMLResponse:
    """One of them."""
    found = board_or_error(site, now, name, edition, sort, order)
    values: dict[str, Any] = {
        "board": found,
        "unveiled": False,
        "phase": next(one for one in phase_facts(site.challenge, now) if one.name == found.phase),
        "tasks": {one.name: one.title for one in site.challenge.tasks},
        "asked": {"edition": edition, "sort": sort, "order": order},
        "curves": curves(history(site, now, name, edition, sort if sort in found.sorts else "")),
    }
    return view.page("board", "/boards", **values)


@router.get("/pictures/{path:path}")
def picture(site: SiteOf, path: str) -> Response:
    """A picture that one of the texts shows; nothing else of the challenge's folder."""
    file = site.texts.pictures.get(path)
    if file is None or not file.is_file():
        raise HTTPException(404)
    return Response(file.read_bytes(), media_type=PICTURE_TYPES[file.suffix.lower()])


@router.get("/assets/{name}")
def asset(site: SiteOf, name: str, accept_encoding: Annotated[str, Header()] = "") -> Response:
    """A file that pages are made with."""
    found = site.pages.assets.get(name)
    if found is None:
        raise HTTPException(404)
    content, headers = found.answer(accept_encoding)
    return Response(content, headers=headers)
