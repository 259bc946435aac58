"""Boards, and what one may take away of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

from fastapi import HTTPException, Path, Query, Response

from unicare.core.errors import SettingsError
from unicare.web.boards.export import board_bibtex, board_csv
from unicare.web.boards.facts import BoardFacts, BoardSummary, HistoryFacts, Order
from unicare.web.deps import Now, SiteOf
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = [
    "BoardName",
    "Edition",
    "Ordered",
    "RankedBy",
    "Sort",
    "board_or_error",
    "csv_file",
    "history",
    "history_or_error",
    "router",
]

router = api_part("boards")

BoardName = Annotated[str, Path(description="Name of a board.", pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
Edition = Annotated[
    str,
    Query(
        description="One of the board's editions; the one with something on it if left out.",
        pattern=r"^[a-z0-9-]{0,70}$",
    ),
]
Sort = Annotated[
    str,
    Query(
        description="A column. The board ranks by it where it lets one choose, else only rows are ordered.",
        max_length=80,
    ),
]
RankedBy = Annotated[
    str, Query(description="A column that the board can be ranked by; its own if left out.", max_length=80)
]
Ordered = Annotated[Order, Query(description="Which rows come first.")]


@router.get("/boards", responses=problems())
def boards(site: SiteOf, now: Now) -> tuple[BoardSummary, ...]:
    """Its boards, without tables."""
    return site.boards.summaries(now)


@router.get("/boards/{name}", responses=problems(404, 422))
def board(
    site: SiteOf,
    now: Now,
    name: BoardName,
    edition: Edition = "",
    sort: Sort = "",
    order: Ordered = "best_first",
) -> BoardFacts:
    """A board with its tables; none while its runs are hidden."""
    return board_or_error(site, now, name, edition, sort, order)


@router.get("/boards/{name}/history", responses=problems(404, 422))
def history(
    site: SiteOf, now: Now, name: BoardName, edition: Edition = "", sort: RankedBy = ""
) -> HistoryFacts:
    """Every team's score and rank over time, one point for each change; none while runs are hidden."""
    return history_or_error(site, now, name, edition, sort)


@router.get(
    "/boards/{name}/figures.csv",
    responses={200: {"content": {"text/csv": {"schema": {"type": "string"}}}}, **problems(404, 422)},
    response_class=Response,
)
def figures(
    site: SiteOf,
    now: Now,
    name: BoardName,
    edition: Edition = "",
    sort: Sort = "",
    order: Ordered = "best_first",
) -> Response:
    """The same as a CSV, one line for each table, team and figure."""
    return csv_file(board_or_error(site, now, name, edition, sort, order))


@router.get(
    "/boards/{name}/cite.bib",
    responses={
        200: {"content": {"application/x-bibtex": {"schema": {"type": "string"}}}},
        **problems(404, 422),
    },
    response_class=Response,
)
def citation(site: SiteOf, now: Now, name: BoardName, edition: Edition = "") -> Response:
    """How to cite it."""
    found = board_or_error(site, now, name, edition, "", "best_first")
    address = f"{site.settings.base_url.rstrip('/')}/boards/{name}"
    if edition:
        address += f"?edition={edition}"
    challenge = site.challenge
    text = board_bibtex(found, challenge.title, challenge.organisers, address, now)
    return _file(text, "application/x-bibtex; charset=utf-8", f"{name}-{found.edition.name}.bib")


def board_or_error(
    site: Site,
    now: Now,
    name: str,
    edition: str,
    sort: str,
    order: Order,
    *,
    unveiled: bool = False,
) -> BoardFacts:
    """A board with its tables; with those that only organisers see if ``unveiled``.

    Raises:
        HTTPException: 422 if it has no such column.
        NoSuchBoardError: there is no such board or edition.
    """
    with _told_of_columns():
        return site.boards.show(name, now, edition=edition, sort=sort, order=order, unveiled=unveiled)


def history_or_error(
    site: Site, now: Now, name: str, edition: str, sort: str, *, unveiled: bool = False
) -> HistoryFacts:
    """How a board came to be as it is; with what only organisers see if ``unveiled``.

    Raises:
        HTTPException: 422 if it can't be ranked by that.
        NoSuchBoardError: there is no such board or edition.
    """
    with _told_of_columns():
        return site.boards.history(name, now, edition=edition, sort=sort, unveiled=unveiled)


def csv_file(found: BoardFacts) -> Response:
    """A board's tables as a CSV to be kept."""
    return _file(board_csv(found), "text/csv; charset=utf-8", f"{found.name}-{found.edition.name}.csv")


@contextmanager
def _told_of_columns() -> Iterator[None]:
    try:
        yield
    except SettingsError as error:
        raise HTTPException(422, str(error)) from None


def _file(text: str, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text.encode(), media_type=media_type, headers=headers)
