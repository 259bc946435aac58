"""Boards as workers have left them in the database, for whoever shows them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.boards.source import Change, Frozen, Scored
from unicare.web.challenge import BoardEntry, Challenge
from unicare.web.database import Database
from unicare.web.database.tables import BoardPoint, BoardSnapshot
from unicare.web.standings.content import ranked_by, team_names
from unicare.web.standings.counting import candidates
from unicare.web.standings.states import newest_head, newest_state

__all__ = ["StoredScores"]

T = TypeVar("T")

_MOST_KEPT = 200


@dataclass(frozen=True)
class _Look:
    """What the database says of a board, in short.

    Attributes:
        state: number of the newest state; None if there is none.
        current: whether its runs are those that can count now.
        frozen: how often it was frozen.
    """

    state: int | None
    current: bool
    frozen: tuple[Frozen, ...]


class StoredScores:
    """The boards of the site's own runs; nothing is ranked here.

    Contents are read once and remembered as long as they are the newest. Safe to share between threads.

    Args:
        database: where workers leave them.
        challenge: whose boards they are.
        look_every_s: for how long what the database says of a board is taken for true.
        clock: by which that is timed, in seconds.
    """

    def __init__(
        self,
        database: Database,
        challenge: Challenge,
        *,
        look_every_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._database = database
        self._challenge = challenge
        self._look_every_s = look_every_s
        self._clock = clock
        self._lock = threading.Lock()
        self._looks: dict[str, tuple[float, _Look]] = {}
        self._kept: dict[tuple[object, ...], Any] = {}

    def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
        """A board as it stands; until when runs count is known here."""
        look = self._look(entry)
        if look.state is None:
            return None
        kept: Scored | None = self._remembered(
            (entry.name, sort, look.state), lambda session: _scored(_newest(session, entry.name), sort)
        )
        return None if kept is None else replace(kept, counting=not look.current)

    def frozen(self, entry: BoardEntry) -> tuple[Frozen, ...]:
        """How often a board was frozen, the last time first."""
        return self._look(entry).frozen

    def snapshot(self, entry: BoardEntry, sort: str, number: int) -> Scored:
        """A board as it was frozen.

        Raises:
            LookupError: it wasn't, so often.
        """
        kept: Scored | None = self._remembered(
            (entry.name, sort, "frozen", number),
            lambda session: _scored(_snapshot(session, entry.name, number), sort),
        )
        if kept is None:
            raise LookupError(f"board {entry.name} has no snapshot {number}")
        return kept

    def history(self, entry: BoardEntry, sort: str, number: int | None) -> tuple[Change, ...]:
        """How the teams that are on a board came where they are, in the order of time."""
        look = self._look(entry)
        name, which = entry.name, look.state if number is None else number

        def read(session: Session) -> tuple[Change, ...]:
            shown = _newest(session, name) if number is None else _snapshot(session, name, number)
            return () if shown is None else _changes(session, name, sort, *shown)

        return self._remembered((name, sort, "history", number is None, which), read)

    def _look(self, entry: BoardEntry) -> _Look:
        now = self._clock()
        known = self._looks.get(entry.name)
        if known is not None and now - known[0] < self._look_every_s:
            return known[1]
        if known is not None:  # one looks; the others, who come meanwhile, take what was true a moment ago
            self._looks[entry.name] = (now, known[1])
        with self._database.reading() as session:
            head = newest_head(session, entry.name)
            runs = candidates(session, self._challenge, entry).digest
            look = _Look(
                None if head is None else head.id,
                head is not None and head.runs == runs,
                _frozen(session, entry.name),
            )
        self._looks[entry.name] = (now, look)
        return look

    def _remembered(self, key: tuple[object, ...], read: Callable[[Session], T]) -> T:
        if key in self._kept:
            found: T = self._kept[key]
            return found
        with self._database.reading() as session:
            found = read(session)
        if found is None:  # there may be something tomorrow
            return found
        with self._lock:
            while len(self._kept) >= _MOST_KEPT:  # the oldest; it may be one of a state that is gone
                self._kept.pop(next(iter(self._kept)))
            self._kept[key] = found
        return found


_Shown = tuple[Mapping[str, Any], datetime]
"""A content, and the moment at which its runs were those that count."""


def _scored(shown: _Shown | None, sort: str) -> Scored | None:
    if shown is None:
        return None
    content, as_of = shown
    ranked = ranked_by(content, sort)
    return Scored(ranked.teams, as_of, ranked.baselines, notes=ranked.notes)


def _newest(session: Session, board: str) -> _Shown | None:
    state = newest_state(session, board)
    return None if state is None else (state.content, state.as_of)


def _snapshot(session: Session, board: str, number: int) -> _Shown | None:
    wanted = select(BoardSnapshot).where(BoardSnapshot.board == board, BoardSnapshot.number == number)
    row = session.scalars(wanted).one_or_none()
    return None if row is None else (row.content, datetime.fromisoformat(row.content["as_of"]))


def _frozen(session: Session, board: str) -> tuple[Frozen, ...]:
    reason = BoardSnapshot.content["reason"].as_string()
    every = select(BoardSnapshot.number, BoardSnapshot.frozen_at, reason, BoardSnapshot.lifted_at)
    rows = session.execute(every.where(BoardSnapshot.board == board).order_by(BoardSnapshot.number.desc()))
    return tuple(Frozen(number, at, words or "", lifted is not None) for number, at, words, lifted in rows)


def _changes(
    session: Session, board: str, sort: str, content: Mapping[str, Any], until: datetime
) -> tuple[Change, ...]:
    names = team_names(content)
    points = select(BoardPoint).where(
        BoardPoint.board == board, BoardPoint.ranked_by == sort, BoardPoint.at <= until
    )
    return tuple(
        Change(one.part, names[one.team_id], one.at, one.score, one.place)
        for one in session.scalars(points.order_by(BoardPoint.at, BoardPoint.id))
        if one.team_id in names
    )
