"""Pages that everybody may see."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import HTMLResponse

from unicare.web.deps import Now, Site, SiteOf
from unicare.web.facts.challenge import challenge_facts, phase_facts, task_facts
from unicare.web.facts.texts import PICTURE_TYPES
from unicare.web.routes.api import BoardName, Edition, Ordered, Sort, board_or_error

__all__ = ["router"]

router = APIRouter(include_in_schema=False, default_response_class=HTMLResponse)

_FOR_GOOD = "public, max-age=31536000, immutable"
_OVERVIEW = "overview"


@router.get("/")
def home(site: SiteOf, now: Now) -> HTMLResponse:
    """What the challenge is about, its phases and tasks."""
    overview = site.texts.pages.get(_OVERVIEW)
    values = {
        "facts": challenge_facts(site.challenge, site.texts, now),
        "overview": overview.html if overview is not None else "",
        "phases": phase_facts(site.challenge, now),
        "tasks": task_facts(site.challenge),
        "boards": site.boards.summaries(now),
    }
    return _page(site, "home", "/", **values)


@router.get("/texts/{name}")
def text(site: SiteOf, name: str) -> HTMLResponse:
    """One of the challenge's pages."""
    page = site.texts.pages.get(name)
    if page is None:
        raise HTTPException(404)
    return _page(site, "text", f"/texts/{name}", text=page)


@router.get("/agreement")
def agreement(site: SiteOf) -> HTMLResponse:
    """What those who take part agree to."""
    if site.texts.agreement is None:
        raise HTTPException(404)
    return _page(site, "text", "/agreement", text=site.texts.agreement)


@router.get("/boards")
def boards(site: SiteOf, now: Now) -> HTMLResponse:
    """All boards."""
    phases = {one.name: one for one in phase_facts(site.challenge, now)}
    return _page(site, "boards", "/boards", boards=site.boards.summaries(now), phases=phases)


@router.get("/boards/{name}")
def board(
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
        "phase": next(one for one in phase_facts(site.challenge, now) if one.name == found.phase),
        "tasks": {one.name: one.title for one in site.challenge.tasks},
        "asked": {"edition": edition, "sort": sort, "order": order},
    }
    return _page(site, "board", "/boards", **values)


@router.get("/pictures/{path:path}")
def picture(site: SiteOf, path: str) -> Response:
    """A picture that one of the texts shows; nothing else of the challenge's folder."""
    file = site.texts.pictures.get(path)
    if file is None or not file.is_file():
        raise HTTPException(404)
    return Response(file.read_bytes(), media_type=PICTURE_TYPES[file.suffix.lower()])


@router.get("/assets/{name}")
def asset(site: SiteOf, name: str) -> Response:
    """A file that pages are made with."""
    found = site.pages.assets.get(name)
    if found is None:
        raise HTTPException(404)
    return Response(found.content, media_type=found.media_type, headers={"Cache-Control": _FOR_GOOD})


def _page(site: Site, template: str, here: str, **values: Any) -> HTMLResponse:
    return HTMLResponse(site.pages.render(template, here=here, **values))
