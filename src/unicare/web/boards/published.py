"""Tables that were published before, and baselines of which figures were: read and ranked once."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.published import PublishedMean, rank_published, read_published
from unicare.evaluate.ranking.standings import BoardResult
from unicare.web.boards.facts import EditionFacts
from unicare.web.boards.rules import default_sort
from unicare.web.challenge import BoardEntry
from unicare.web.challenge.schema import Baseline, History

__all__ = ["CURRENT", "FROZEN", "Published", "published_baselines", "published_editions"]

CURRENT = "current"
FROZEN = "frozen-"
"""Names of the site's own editions, and how those begin that were frozen; no published one is called so."""


@dataclass(frozen=True)
class Published:
    """A table that was published before.

    Attributes:
        facts: what it is.
        by_sort: ranked by each column that one may choose; by the board's own if there is no choice.
    """

    facts: EditionFacts
    by_sort: Mapping[str, BoardResult]


def published_editions(entry: BoardEntry, history: Sequence[History]) -> tuple[Published, ...]:
    """Tables of a board that were published before.

    Newest first; those of which nobody knows when come last, in the challenge's order.

    Args:
        entry: the board.
        history: of the challenge; only what is of this board counts.

    Raises:
        SettingsError: one can't be read, or doesn't fit the board.
    """
    names: set[str] = {CURRENT}
    found = []
    for one in (each for each in history if each.board == entry.name):
        stem = re.sub(r"[^a-z0-9]+", "-", one.title.lower()).strip("-")[:60] or "published"
        stem = f"published-{stem}" if stem.startswith(FROZEN) else stem
        name = next(n for n in (stem, *(f"{stem}-{k}" for k in range(2, len(history) + 2))) if n not in names)
        names.add(name)
        facts = EditionFacts(
            name=name, title=one.title, published=one.published, source=one.source, own=False
        )
        found.append(Published(facts, _by_sort(entry, read_published(one.figures))))
    dated = [one for one in found if one.facts.published is not None]
    dated.sort(key=lambda one: str(one.facts.published), reverse=True)
    return (*dated, *(one for one in found if one.facts.published is None))


def published_baselines(entry: BoardEntry, baselines: Sequence[Baseline]) -> Mapping[str, BoardResult]:
    """Baselines of a board of which figures were published, ranked by every column that one may choose.

    Args:
        entry: the board.
        baselines: of the challenge; only what is of this board counts.

    Raises:
        SettingsError: one can't be read, or doesn't fit the board.
    """
    means: list[PublishedMean] = []
    for one in baselines:
        if one.board == entry.name and one.figures is not None:
            rows = read_published(one.figures)
            several = len({row.team for row in rows}) > 1
            means += [replace(row, team=f"{one.name}: {row.team}" if several else one.name) for row in rows]
    return _by_sort(entry, means) if means else {}


def _by_sort(entry: BoardEntry, means: Sequence[PublishedMean]) -> dict[str, BoardResult]:
    """Ranked by every column that one may choose.

    A published table may lack one of them (it has Dice alone): then it is ranked by what there is.
    """
    own = default_sort(entry.board)
    found: dict[str, BoardResult] = {}
    lacking: SettingsError | None = None
    for sort in dict.fromkeys((own, *entry.board.sorts)):
        try:
            found[sort] = rank_published(entry.board, means, sort=sort or None)
        except SettingsError as error:
            lacking = error
    if lacking is not None and not found:
        raise lacking
    some = next(iter(found.values()))
    return {sort: found.get(sort, some) for sort in (own, *entry.board.sorts)}
