"""Boards: looked at while they are hidden, frozen early or anew, unfrozen."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from fastapi import HTTPException, Response

from unicare.web.boards.facts import BoardFacts, HistoryFacts
from unicare.web.database.tables import BoardSnapshot
from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.facts.base import Facts
from unicare.web.organise.reason import check_reason
from unicare.web.routes.api.boards import (
    BoardName,
    Edition,
    Ordered,
    RankedBy,
    Sort,
    board_or_error,
    csv_file,
    history_or_error,
)
from unicare.web.routes.api.organise.asked import Because
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site
from unicare.web.standings.freeze import freeze_board, unfreeze_board

__all__ = ["FrozenFacts", "frozen", "router", "unfrozen", "unveiled"]

router = api_part("organise", "/organise")


class FrozenFacts(Facts):
    """A board as it was frozen.

    Attributes:
        board: name.
        number: 1 for the first time, 2 for the second …
        frozen_at: when.
        lifted_at: when it was unfrozen; null if it wasn't.
    """

    board: str
    number: int
    frozen_at: datetime
    lifted_at: datetime | None


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


@router.get("/boards/{name}/history", responses=problems(401, 403, 404, 422))
def unveiled_history(
    site: SiteOf, asker: OrganiserOf, now: Now, name: BoardName, edition: Edition = "", sort: RankedBy = ""
) -> HistoryFacts:
    """Every team's score and rank over time, also while they are hidden from everybody else."""
    return history_or_error(site, now, name, edition, sort, unveiled=True)


@router.get(
    "/boards/{name}/figures.csv",
    responses={
        200: {"content": {"text/csv": {"schema": {"type": "string"}}}},
        **problems(401, 403, 404, 422),
    },
    response_class=Response,
)
def unveiled_figures(
    site: SiteOf,
    asker: OrganiserOf,
    now: Now,
    name: BoardName,
    edition: Edition = "",
    sort: Sort = "",
    order: Ordered = "best_first",
) -> Response:
    """The tables as a CSV, also while they are hidden from everybody else."""
    return csv_file(board_or_error(site, now, name, edition, sort, order, unveiled=True))


@router.post("/boards/{name}/freeze", status_code=201, responses=problems(401, 403, 404, 409, 422))
def frozen(site: SiteOf, asker: OrganiserOf, now: Now, name: BoardName, body: Because) -> FrozenFacts:
    """Freezes a board as it stands, before its date or anew, to correct it. Everybody may read the reason.

    Later runs don't change it until it is frozen anew, or unfrozen before its date.
    """
    return _changed(freeze_board, site, asker, now, name, body)


@router.post("/boards/{name}/unfreeze", responses=problems(401, 403, 404, 409, 422))
def unfrozen(site: SiteOf, asker: OrganiserOf, now: Now, name: BoardName, body: Because) -> FrozenFacts:
    """Lets runs change a board again that was frozen before its date. At its date it is frozen again."""
    return _changed(unfreeze_board, site, asker, now, name, body)


def _changed(
    act: Callable[..., BoardSnapshot], site: Site, asker: OrganiserOf, now: datetime, name: str, body: Because
) -> FrozenFacts:
    if name not in {one.name for one in site.challenge.boards}:
        raise HTTPException(404)
    reason = check_reason(body.reason)
    row = site.database.transact(
        lambda session: act(
            *(session, site.challenge, name),
            organiser_id=asker.id,
            reason=reason,
            now=now,
            address=asker.origin.address,
        )
    )
    return FrozenFacts(board=row.board, number=row.number, frozen_at=row.frozen_at, lifted_at=row.lifted_at)
