"""Long lists, a page at a time."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import Session

from unicare.web.facts.base import Facts

__all__ = ["PER_PAGE", "PagingFacts", "count_rows", "page_of"]

PER_PAGE = 50


class PagingFacts(Facts):
    """Which part of a list this is.

    Attributes:
        page: from 1.
        pages: how many there are, at least 1.
        total: entries on all pages.
    """

    page: int
    pages: int
    total: int


def count_rows(session: Session, wanted: Select[*tuple[Any, ...]]) -> int:
    """How many rows a query finds, without fetching them."""
    bare = wanted.with_only_columns(literal(1), maintain_column_froms=True).order_by(None)
    return session.scalar(select(func.count()).select_from(bare.subquery())) or 0


def page_of(
    session: Session, wanted: Select[*tuple[Any, ...]], page: int, *, per_page: int = PER_PAGE
) -> tuple[Select[*tuple[Any, ...]], PagingFacts]:
    """The query for one page of a list; the last page for numbers beyond it.

    Args:
        session: to count with.
        wanted: the whole list, in its order.
        page: from 1.
        per_page: entries of a page.
    """
    total = count_rows(session, wanted)
    pages = max(1, -(-total // per_page))
    page = min(max(1, page), pages)
    return wanted.limit(per_page).offset((page - 1) * per_page), PagingFacts(
        page=page, pages=pages, total=total
    )
