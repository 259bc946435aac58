"""The challenge's boards: which there are, what may be seen of them, and their tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.published import PublishedMean, rank_published, read_published
from unicare.evaluate.ranking.standings import BoardResult
from unicare.web.boards.facts import BoardFacts, BoardState, BoardSummary, EditionFacts, Order
from unicare.web.boards.source import NoScores, ScoreSource
from unicare.web.boards.tables import Ranked, show_tables, table_columns
from unicare.web.challenge import BoardEntry, Challenge, Phase, PhaseState
from unicare.web.challenge.schema import Baseline, History
from unicare.web.challenge.times import end_of_minute

__all__ = ["CURRENT", "Boards", "NoSuchBoardError"]

CURRENT = "current"


class NoSuchBoardError(LookupError):
    """There is no board, or no edition of it, of that name."""


@dataclass(frozen=True)
class _Published:
    """A table that was published before.

    Attributes:
        facts: what it is.
        by_sort: ranked by each column that one may choose; by the board's own if there is no choice.
    """

    facts: EditionFacts
    by_sort: Mapping[str, BoardResult]


class Boards:
    """The boards of a challenge; published tables are read and ranked once.

    Args:
        challenge: whose they are.
        scores: the site's own evaluations.

    Raises:
        SettingsError: a published table can't be read, or fits no board.
    """

    def __init__(self, challenge: Challenge, scores: ScoreSource | None = None) -> None:
        self._challenge = challenge
        self._scores = scores or NoScores()
        self._entries = {entry.name: entry for entry in challenge.boards}
        self._published = {
            entry.name: _published(entry, [one for one in challenge.history if one.board == entry.name])
            for entry in challenge.boards
        }
        self._baselines = {
            entry.name: _baselines(entry, [one for one in challenge.baselines if one.board == entry.name])
            for entry in challenge.boards
        }

    def summaries(self, now: datetime) -> tuple[BoardSummary, ...]:
        """All boards without their tables, in the challenge's order."""
        return tuple(self._summary(entry, now) for entry in self._entries.values())

    def summary(self, name: str, now: datetime) -> BoardSummary:
        """One of them.

        Raises:
            NoSuchBoardError: there is none of that name.
        """
        return self._summary(self._entry(name), now)

    def show(
        self,
        name: str,
        now: datetime,
        *,
        edition: str = "",
        sort: str = "",
        order: Order = "best_first",
    ) -> BoardFacts:
        """A board with its tables.

        Args:
            name: of the board.
            now: the site's clock.
            edition: one of its editions; if empty, the site's own if there is something on it, else the
                newest that was published.
            sort: a column; the board ranks by it where it lets one choose, else only the rows are ordered.
            order: of the rows.

        Raises:
            NoSuchBoardError: no such board, or no such edition.
            SettingsError: no table has such a column.
        """
        entry = self._entry(name)
        summary = self._summary(entry, now)
        published = {one.facts.name: one for one in self._published[name]}
        if edition not in ("", CURRENT, *published):
            raise NoSuchBoardError(f"board {name} has no edition {edition}")
        rank_by = sort if sort in entry.board.sorts else entry.board.sort or next(iter(entry.board.sorts), "")
        ranked, as_of = (None, None)
        if edition in ("", CURRENT):
            ranked, as_of = self._current(entry, summary, rank_by)
        hidden = summary.state in (BoardState.HIDDEN, BoardState.UPCOMING)
        if edition == "" and published and (hidden or ranked is None or ranked.teams is None):
            edition, as_of = next(iter(published)), None
        if edition in published:
            ranked = Ranked(published[edition].by_sort[rank_by])
        ranked = ranked or Ranked(None)
        by = sort or rank_by
        if sort and sort not in entry.board.sorts and sort not in table_columns(ranked):
            columns = ", ".join(sorted({*entry.board.sorts, *table_columns(ranked)}))
            raise SettingsError(f"no table has a column {sort}", expected=columns or "none, it is empty")
        overall, tables = show_tables(ranked, entry.board, by, order == "worst_first")
        base = ranked.base
        return BoardFacts(
            **dict(summary),
            edition=next(one for one in summary.editions if one.name == (edition or CURRENT)),
            sort=by,
            order=order,
            overall=overall,
            tables=tables,
            as_of=as_of,
            bootstrap=base.bootstrap if base is not None else 0,
            confidence=base.confidence if base is not None else 0.95,
            alpha=base.alpha if base is not None else 0.05,
            notes=base.notes if base is not None else (),
        )

    def _entry(self, name: str) -> BoardEntry:
        if name not in self._entries:
            raise NoSuchBoardError(f"there is no board {name}")
        return self._entries[name]

    def _summary(self, entry: BoardEntry, now: datetime) -> BoardSummary:
        phase = self._challenge.phase(entry.phase)
        last = entry.freeze or (None if phase.always_open else phase.end)
        frozen_from = None if last is None else end_of_minute(last).astimezone(last.tzinfo)
        state = BoardState.OPEN
        if phase.state(now) is PhaseState.UPCOMING:
            state = BoardState.UPCOMING
        elif not phase.shows_boards(now):
            state = BoardState.HIDDEN
        elif frozen_from is not None and now.astimezone(UTC) >= frozen_from.astimezone(UTC):
            state = BoardState.FROZEN
        waiting = state in (BoardState.UPCOMING, BoardState.HIDDEN)
        shown_from = _release(phase) if phase.show_boards == "on_release" else phase.start
        own = EditionFacts(name=CURRENT, title="Runs handed in here", published=None, source=None, own=True)
        return BoardSummary(
            name=entry.name,
            title=entry.title or entry.board.title,
            about=entry.board.about,
            scheme=entry.board.scheme,
            phase=entry.phase,
            tasks=tuple(task.name for task in self._challenge.tasks_on(entry)),
            counts=phase.counts,
            state=state,
            shown_from=shown_from if waiting else None,
            frozen_from=frozen_from,
            sorts=entry.board.sorts,
            editions=(own, *(one.facts for one in self._published[entry.name])),
        )

    def _current(
        self, entry: BoardEntry, summary: BoardSummary, sort: str
    ) -> tuple[Ranked | None, datetime | None]:
        """What the site's own runs give; nothing at all while they are hidden."""
        if summary.state in (BoardState.HIDDEN, BoardState.UPCOMING):
            return None, None
        found = self._scores.scored(entry, sort, summary.frozen_from)
        baselines = self._baselines[entry.name].get(sort)
        if found is None:
            return Ranked(None, baselines), None
        return Ranked(found.result, baselines), found.as_of


def _release(phase: Phase) -> datetime | None:
    """When results are shown that are hidden until then, in the time zone in which it is written."""
    if phase.release is not None or phase.closes is None or phase.end is None:
        return phase.release
    return phase.closes.astimezone(phase.end.tzinfo)


def _published(entry: BoardEntry, history: Sequence[History]) -> tuple[_Published, ...]:
    """Newest first; those of which nobody knows when come last, in the challenge's order."""
    names: set[str] = {CURRENT}
    found = []
    for one in history:
        stem = re.sub(r"[^a-z0-9]+", "-", one.title.lower()).strip("-")[:60] or "published"
        name = next(n for n in (stem, *(f"{stem}-{k}" for k in range(2, len(history) + 2))) if n not in names)
        names.add(name)
        facts = EditionFacts(
            name=name, title=one.title, published=one.published, source=one.source, own=False
        )
        found.append(_Published(facts, _by_sort(entry, read_published(one.figures))))
    dated = [one for one in found if one.facts.published is not None]
    dated.sort(key=lambda one: str(one.facts.published), reverse=True)
    return (*dated, *(one for one in found if one.facts.published is None))


def _baselines(entry: BoardEntry, baselines: Sequence[Baseline]) -> Mapping[str, BoardResult]:
    means: list[PublishedMean] = []
    for one in baselines:
        if one.figures is not None:
            rows = read_published(one.figures)
            several = len({row.team for row in rows}) > 1
            means += [replace(row, team=f"{one.name}: {row.team}" if several else one.name) for row in rows]
    return _by_sort(entry, means) if means else {}


def _by_sort(entry: BoardEntry, means: Sequence[PublishedMean]) -> dict[str, BoardResult]:
    """Ranked by every column that one may choose.

    A published table may lack one of them (it has Dice alone): then it is ranked by what there is.
    """
    own = entry.board.sort or next(iter(entry.board.sorts), "")
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
