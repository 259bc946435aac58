"""Boards: looked at while they are hidden, frozen anew after a correction."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, HTTPException

from unicare.web.boards.facts import BoardFacts
from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.facts.base import Facts
from unicare.web.organise.reason import check_reason
from unicare.web.routes.api.boards import BoardName, Edition, Ordered, Sort, board_or_error
from unicare.web.routes.api.organise.asked import Because
from unicare.web.routes.problems import problems
from unicare.web.standings.freeze import freeze_board

__all__ = ["FrozenFacts", "frozen", "router", "unveiled"]

router = APIRouter()


class FrozenFacts(Facts):
    """A board as it was frozen.

    Attributes:
        board: name.
        number: 1 for the first time, 2 for the first correction …
        frozen_at: when.
    """

    board: str
    number: int
    frozen_at: datetime


@router.get("/boards/{name}", responses=problems(401, 403, 404, 422))
def unveiled(
    site: SiteOf,
    asker: OrganiserOf,
    now: Now,
    name: BoardName,
    edition: Edition = "",
    sort: Sort = "",
    order: Ordered = "best_first",
) -> BoardFacts:
    """A board with its tables, also while they are hidden from everybody else."""
    return board_or_error(site, now, name, edition, sort, order, unveiled=True)


@router.post("/boards/{name}/freeze", status_code=201, responses=problems(401, 403, 404, 409, 422))
def frozen(site: SiteOf, asker: OrganiserOf, now: Now, name: BoardName, body: Because) -> FrozenFacts:
    """Freezes a board, whose date is over, as it stands now: a correction. Everybody may read the reason."""
    if name not in {one.name for one in site.challenge.boards}:
        raise HTTPException(404)
    reason = check_reason(body.reason)
    row = site.database.transact(
        lambda session: freeze_board(
            *(session, site.challenge, name),
            organiser_id=asker.id,
            reason=reason,
            now=now,
            address=asker.origin.address,
        )
    )
    return FrozenFacts(board=row.board, number=row.number, frozen_at=row.frozen_at)
