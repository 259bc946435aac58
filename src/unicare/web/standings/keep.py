"""Workers keep boards as they should be: a look shows which aren't, and those are ranked anew."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.challenge import BoardEntry
from unicare.web.database.tables import BoardPoint, BoardState
from unicare.web.interrupt import Interrupted, InterruptedWorkError, check_wanted
from unicare.web.life.site import WorkingSite
from unicare.web.standings.baselines import keep_baselines
from unicare.web.standings.content import places
from unicare.web.standings.counting import Candidates, candidates
from unicare.web.standings.files import FileDigests
from unicare.web.standings.freeze import freeze_if_due
from unicare.web.standings.make import make_state, rules_digest
from unicare.web.standings.states import StateHead, newest_head, newest_state
from unicare.web.standings.turns import end_turn, take_turn

__all__ = ["BoardKeeper"]

_LOG = structlog.get_logger(__name__)
_REST = 4.0
"""All boards together take one part of the workers' time at most, and leave so many parts to other work."""

_AT_A_TIME_S = 5.0
"""After so long no further board is begun before the next sweep, so that the queue goes on."""

_AFTER_A_FAULT = timedelta(seconds=30)


@dataclass(frozen=True)
class _Wanted:
    """A board that isn't as it should be.

    Attributes:
        found: the runs that can count.
        rules: digest of those that hold.
        as_of: when this was so.
        before: the state that is there.
    """

    found: Candidates
    rules: str
    as_of: datetime
    before: StateHead | None


class BoardKeeper:
    """Brings boards up to date; all it knows is in the database, so it may die at any moment.

    Args:
        site: the worker's.
    """

    def __init__(self, site: WorkingSite) -> None:
        self._site = site
        self._files = FileDigests()

    def keep(self, stop: Interrupted) -> int:
        """Ranks every board that runs, teams, rules or baselines have changed of; freezes what is due.

        Args:
            stop: asked from time to time; it ends early once it says yes.

        Returns:
            How many boards were ranked. What goes wrong is written down and tried again later.
        """
        ranked, began = 0, time.monotonic()
        with suppress(InterruptedWorkError):
            self._guarded(partial(keep_baselines, self._site, self._files, stop))
            for entry in self._site.challenge.boards:
                check_wanted(stop)
                if ranked and time.monotonic() - began > _AT_A_TIME_S:
                    break
                ranked += bool(self._guarded(partial(self._keep_one, entry, stop)))
                self._guarded(partial(freeze_if_due, self._site, entry))
        return ranked

    def _guarded(self, work: Callable[[], bool]) -> bool:
        """Boards must never keep a worker from its other work, nor one board another."""
        try:
            return work()
        except InterruptedWorkError:
            raise
        except Exception:
            _LOG.exception("a board can't be kept")
            return False

    def _keep_one(self, entry: BoardEntry, stop: Interrupted) -> bool:
        site = self._site
        wanted = self._look(entry)
        if wanted is None or not site.transact(
            lambda session, now: take_turn(session, entry.name, site.owner, lease=site.lease, now=now)
        ):
            return False
        problem, pause, done = None, timedelta(), False
        try:
            wanted = self._look(entry)  # another worker may have done it meanwhile
            if wanted is not None:
                pause = self._rank(entry, wanted, stop)
                done = True
        except InterruptedWorkError:
            raise
        except Exception as error:
            _LOG.exception("a board can't be ranked", board=entry.name)
            problem, pause = f"{type(error).__name__}: {error}", _AFTER_A_FAULT
        finally:
            site.transact(
                lambda session, now: end_turn(
                    session, entry.name, site.owner, pause=pause, now=now, problem=problem
                )
            )
        return done

    def _look(self, entry: BoardEntry) -> _Wanted | None:
        """What has to be done for a board; None if it is as it should be."""
        site = self._site
        rules = rules_digest(site.challenge, entry, self._files)
        with site.database.reading() as session:
            as_of = site.clock(session)
            found = candidates(session, site.challenge, entry)
            before = newest_head(session, entry.name)
        if before is not None and (before.runs, before.rules) == (found.digest, rules):
            return None
        return _Wanted(found, rules, as_of, before)

    def _rank(self, entry: BoardEntry, wanted: _Wanted, stop: Interrupted) -> timedelta:
        """Ranks a board; for how long it may rest then."""
        site, before = self._site, wanted.before
        began = time.monotonic()
        choices: list[Any] = []
        if before is not None and before.rules == wanted.rules:
            with site.database.reading() as session:
                state = newest_state(session, entry.name)
                choices = state.content["choices"] if state is not None else []
        content = make_state(site.storage, site.challenge, entry, wanted.found, choices, stop)
        kept = site.transact(lambda session, _: _store(session, entry.name, wanted, content))
        took_s = time.monotonic() - began
        _LOG.info("a board was ranked", board=entry.name, runs=len(content["runs"]), kept=kept, s=took_s)
        return timedelta(seconds=_REST * took_s * len(site.challenge.boards))


def _store(session: Session, board: str, wanted: _Wanted, content: dict[str, Any]) -> bool:
    """Puts a state in the place of the one before, and notes what has changed.

    Returns:
        False if another worker has put one there meanwhile; then the next look tells whether it is right.
    """
    before = newest_state(session, board)
    if (None if before is None else before.id) != (None if wanted.before is None else wanted.before.id):
        return False
    session.add(
        BoardState(
            board=board,
            runs=wanted.found.digest,
            rules=wanted.rules,
            as_of=wanted.as_of,
            content=content,
        )
    )
    old = places(before.content) if before is not None else {}
    new = places(content)
    for sort, table, team_id in sorted({*old, *new}):
        place = new.get((sort, table, team_id))
        if place != old.get((sort, table, team_id)):
            session.add(
                BoardPoint(
                    board=board,
                    ranked_by=sort,
                    part=table,
                    team_id=team_id,
                    at=wanted.as_of,
                    score=None if place is None else place.score,
                    place=None if place is None else place.rank,
                )
            )
    for one in session.scalars(select(BoardState).where(BoardState.board == board)):
        if before is not None and one.id <= before.id:
            session.delete(one)
    return True
