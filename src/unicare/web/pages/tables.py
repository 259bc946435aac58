"""Small things that the templates of boards need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from unicare.web.boards.facts import FigureFacts

__all__ = ["anchor", "board_query", "has_change"]


def anchor(name: str) -> str:
    """A table's place in its page."""
    return "table-" + (re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-") or "all")


def board_query(asked: Mapping[str, str], sort: str, order: str) -> str:
    """The query that shows the same edition, sorted in another way."""
    chosen = {"edition": asked["edition"], "sort": sort, "order": "" if order == "best_first" else order}
    return "?" + urlencode({name: value for name, value in chosen.items() if value})


def has_change(figures: Mapping[str, FigureFacts]) -> bool:
    """Whether a row tells how it changed from ID to OOD."""
    return any(figure.change_from_id is not None for figure in figures.values())
