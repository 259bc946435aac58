"""The challenge's boards: which there are, what may be seen of them, and their tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile

from unicare.core.errors import SettingsError, UnicareError
from unicare.web.boards.facts import (
    BoardFacts,
    BoardState,
    BoardSummary,
    EditionFacts,
    FreezeFacts,
    HistoryFacts,
    HistoryTable,
    Order,
)
from unicare.web.boards.history import show_history
from unicare.web.boards.published import CURRENT, FROZEN, published_baselines, published_editions
from unicare.web.boards.rules import default_sort, frozen_from
from unicare.web.boards.source import Frozen, NoScores, ScoreSource
from unicare.web.boards.tables import Ranked, join_baselines, show_tables, table_columns
from unicare.web.challenge import BoardEntry, Challenge, Phase, PhaseState

__all__ = ["Boards", "NoSuchBoardError"]

_UNSEEN = (BoardState.HIDDEN, BoardState.UPCOMING)


class NoSuchBoardError(UnicareError):
    """There is no board, or no edition of it, of that name."""


def _no_edition(summary: BoardSummary, name: str) -> NoSuchBoardError:
    names = ", ".join(one.name for one in summary.editions)
    return NoSuchBoardError("this board has no such edition", found=name, expected=f"one of {names}")


@dataclass(frozen=True)
class _Shown:
    """What is to be shown.

    Attributes:
        ranked: tables.
        as_of: when these were the runs that count.
        counting: whether there are newer ones.
        frozen: when it was frozen.
        notes: what else must be known.
    """

    ranked: Ranked
    as_of: datetime | None = None
    counting: bool = False
    frozen: FreezeFacts | None = None
    notes: tuple[str, ...] = ()


_NOTHING = _Shown(Ranked(None))


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
            entry.name: published_editions(entry, challenge.history) for entry in challenge.boards
        }
        self._baselines = {
            entry.name: published_baselines(entry, challenge.baselines) for entry in challenge.boards
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
        unveiled: bool = False,
    ) -> BoardFacts:
        """A board with its tables.

        Args:
            name: of the board.
            now: the site's clock.
            edition: one of its editions; if empty, the site's own if there is something on it, else the
                newest that was published.
            sort: a column; the board ranks by it where it lets one choose, else only the rows are ordered.
            order: of the rows.
            unveiled: shows what is hidden from everybody but organisers.

        Raises:
            NoSuchBoardError: no such board, or no such edition.
            SettingsError: no table has such a column.
        """
        entry = self._entry(name)
        summary = self._summary(entry, now, unveiled)
        if edition not in ("", *(one.name for one in summary.editions)):
            raise _no_edition(summary, edition)
        published = {one.facts.name: one for one in self._published[name]}
        rank_by = sort if sort in entry.board.sorts else default_sort(entry.board)
        shown = _NOTHING
        if edition not in published:
            shown = self._own(entry, summary, rank_by, edition, unveiled)
        if edition == "" and published and shown.ranked.teams is None:
            edition = next(iter(published))
        if edition in published:
            shown = _Shown(Ranked(published[edition].by_sort[rank_by]))
        by = sort or rank_by
        if sort and sort not in entry.board.sorts and sort not in table_columns(shown.ranked):
            columns = ", ".join(sorted({*entry.board.sorts, *table_columns(shown.ranked)}))
            raise SettingsError(f"no table has a column {sort}", expected=columns or "none, it is empty")
        overall, tables = show_tables(shown.ranked, entry.board, by, order == "worst_first")
        base = shown.ranked.base
        return BoardFacts(
            **dict(summary),
            edition=next(one for one in summary.editions if one.name == (edition or CURRENT)),
            sort=by,
            order=order,
            overall=overall,
            tables=tables,
            as_of=shown.as_of,
            counting=shown.counting,
            frozen=shown.frozen,
            bootstrap=base.bootstrap if base is not None else 0,
            confidence=base.confidence if base is not None else 0.95,
            alpha=base.alpha if base is not None else 0.05,
            notes=(*(base.notes if base is not None else ()), *shown.notes),
        )

    def history(
        self, name: str, now: datetime, *, edition: str = "", sort: str = "", unveiled: bool = False
    ) -> HistoryFacts:
        """How a board of the site's own runs came to be as it is.

        Args:
            name: of the board.
            now: the site's clock.
            edition: one of its editions; if empty, the site's own. Those that were published before have no
                history.
            sort: a column that the board can be ranked by.
            unveiled: shows what is hidden from everybody but organisers.

        Raises:
            NoSuchBoardError: no such board, or no such edition.
            SettingsError: the board can't be ranked by that.
        """
        entry = self._entry(name)
        summary = self._summary(entry, now, unveiled)
        chosen = next((one for one in summary.editions if one.name == (edition or CURRENT)), None)
        if chosen is None:
            raise _no_edition(summary, edition)
        if sort not in ("", *entry.board.sorts):
            expected = ", ".join(entry.board.sorts) or "none, it leaves no choice"
            raise SettingsError(f"board {name} can't be ranked by {sort}", expected=expected)
        rank_by = sort or default_sort(entry.board)
        shown = self._own(entry, summary, rank_by, chosen.name, unveiled) if chosen.own else _NOTHING
        tables: tuple[HistoryTable, ...] = ()
        if shown.ranked.teams is not None:
            number = None if shown.frozen is None else shown.frozen.number
            changes = self._scores.history(entry, rank_by, number)
            tables = show_history(shown.ranked.teams, entry.board, changes)
        return HistoryFacts(board=name, edition=chosen.name, sort=rank_by, as_of=shown.as_of, tables=tables)

    def _entry(self, name: str) -> BoardEntry:
        if name not in self._entries:
            expected = f"one of {', '.join(self._entries)}" if self._entries else "none, there are no boards"
            raise NoSuchBoardError("there is no such board", found=name, expected=expected)
        return self._entries[name]

    def _summary(self, entry: BoardEntry, now: datetime, unveiled: bool = False) -> BoardSummary:
        phase = self._challenge.phase(entry.phase)
        ends = frozen_from(self._challenge, entry)
        over = ends is not None and now.astimezone(UTC) >= ends.astimezone(UTC)
        every = self._scores.frozen(entry)
        state = BoardState.FROZEN if over or _is_held(every) else BoardState.OPEN
        if phase.state(now) is PhaseState.UPCOMING:
            state = BoardState.UPCOMING
        elif not phase.shows_boards(now):
            state = BoardState.HIDDEN
        waiting = state in _UNSEEN
        shown_from = _release(phase) if phase.show_boards == "on_release" else phase.start
        own = EditionFacts(name=CURRENT, title="Runs handed in here", published=None, source=None, own=True)
        earlier = every[1:] if _is_held(every) else every
        corrected = earlier if unveiled or not waiting else ()
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
            frozen_from=ends,
            sorts=entry.board.sorts,
            editions=(
                own,
                *(_corrected(one) for one in corrected),
                *(one.facts for one in self._published[entry.name]),
            ),
        )

    def _own(
        self, entry: BoardEntry, summary: BoardSummary, sort: str, edition: str, unveiled: bool
    ) -> _Shown:
        """What the site's own runs give; nothing at all while they are hidden."""
        if summary.state is BoardState.UPCOMING or (summary.state is BoardState.HIDDEN and not unveiled):
            return _NOTHING
        published = self._baselines[entry.name].get(sort)
        over = summary.state is BoardState.FROZEN
        every = self._scores.frozen(entry)
        wanted = next((one for one in every if _corrected(one).name == edition), None)
        if wanted is None and _is_held(every):
            wanted = every[0]
        if wanted is not None:
            found = self._scores.snapshot(entry, sort, wanted.number)
            frozen = FreezeFacts(
                number=wanted.number,
                correction=_correction(every, wanted),
                at=wanted.at,
                reason=wanted.reason,
            )
            ranked = Ranked(found.result, join_baselines(found.baselines, published))
            return _Shown(ranked, found.as_of, frozen=frozen, notes=found.notes)
        scored = self._scores.scored(entry, sort, summary.frozen_from)
        if scored is None:
            return _Shown(Ranked(None, published))
        return _Shown(
            Ranked(scored.result, join_baselines(scored.baselines, published)),
            scored.as_of,
            counting=scored.counting or (over and scored.result is not None),  # else it were frozen
            notes=scored.notes,
        )


def _is_held(every: Sequence[Frozen]) -> bool:
    """Whether a board stands as it was frozen the last time."""
    return bool(every) and not every[0].lifted


def _correction(every: Sequence[Frozen], wanted: Frozen) -> int:
    """How many times a board was frozen before, since it was unfrozen."""
    before = (one for one in every if one.number < wanted.number)
    return sum(1 for _ in takewhile(lambda one: not one.lifted, before))


def _corrected(frozen: Frozen) -> EditionFacts:
    """What was frozen before, and corrected since."""
    title = f"As frozen {frozen.at.day} {frozen.at:%b %Y}, {frozen.at:%H:%M}"
    return EditionFacts(name=f"{FROZEN}{frozen.number}", title=title, published=None, source=None, own=True)


def _release(phase: Phase) -> datetime | None:
    """When results are shown that are hidden until then, in the time zone in which it is written."""
    if phase.release is not None or phase.closes is None or phase.end is None:
        return phase.release
    return phase.closes.astimezone(phase.end.tzinfo)
