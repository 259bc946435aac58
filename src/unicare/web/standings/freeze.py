"""Freezing boards: by their date, and again by an organiser who corrects one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from unicare.core.errors import UnicareError
from unicare.web.boards.rules import frozen_from
from unicare.web.challenge import BoardEntry, Challenge
from unicare.web.database import record
from unicare.web.database.tables import BoardSnapshot, BoardState
from unicare.web.life.site import WorkingSite
from unicare.web.standings.counting import candidates, still_running
from unicare.web.standings.states import newest_snapshot, newest_state

__all__ = ["FreezeRefusedError", "freeze_board", "freeze_if_due"]

_ARRIVAL = timedelta(minutes=10)
"""For so long after a board's date, uploads that were begun before are waited for."""


class FreezeRefusedError(UnicareError):
    """A board that can't be frozen now."""


def freeze_if_due(site: WorkingSite, entry: BoardEntry) -> bool:
    """Freezes a board whose date is over, once all that was handed in before has come to its end.

    Returns:
        Whether it was frozen now; a board is frozen by its date once only.
    """
    with site.database.reading() as session:
        if not _due(session, site.challenge, entry, site.clock(session)):
            return False

    def work(session: Session, now: datetime) -> bool:
        state = newest_state(session, entry.name)
        if state is None or not _due(session, site.challenge, entry, now):
            return False
        _add_snapshot(session, entry.name, state, 1, now, organiser_id=None, reason="")
        return True

    return site.transact(work)


def freeze_board(
    session: Session,
    challenge: Challenge,
    board: str,
    *,
    organiser_id: int,
    reason: str,
    now: datetime,
    address: str = "",
) -> BoardSnapshot:
    """Freezes a board anew, as it stands now: a correction, with the next number. Old ones stay.

    Nothing else changes a frozen board. A team that is disqualified, or a run that is evaluated again, after
    a board was frozen stays on it as it was, until an organiser freezes it anew by this.

    Args:
        session: of the transaction.
        challenge: whose board it is.
        board: its name.
        organiser_id: who does it; the caller makes sure that it is an organiser.
        reason: for everybody to read.
        now: when.
        address: from where, for the audit log.

    Raises:
        FreezeRefusedError: there is no such board, it isn't frozen yet by its date, runs are being counted,
            or nothing has changed since it was frozen.
    """
    entry = {one.name: one for one in challenge.boards}.get(board)
    if entry is None:
        raise FreezeRefusedError("there is no such board", found=board)
    until = frozen_from(challenge, entry)
    if until is None or now.astimezone(UTC) < until.astimezone(UTC):
        when = "it has no date" if until is None else f"it is frozen from {until:%Y-%m-%d %H:%M %Z} on"
        raise FreezeRefusedError(f"board {board} can't be frozen yet", found=when)
    state = newest_state(session, board)
    if state is None or state.runs != candidates(session, challenge, entry).digest:
        raise FreezeRefusedError(f"board {board}: runs are being counted", mend="try again in a minute")
    before = newest_snapshot(session, board)
    if before is not None and (before.content["digests"] == [state.runs, state.rules]):
        raise FreezeRefusedError(f"board {board}: nothing has changed since it was frozen")
    number = 1 if before is None else before.number + 1
    return _add_snapshot(session, board, state, number, now, organiser_id, reason, address)


def _due(session: Session, challenge: Challenge, entry: BoardEntry, now: datetime) -> bool:
    """Whether its date says that a board has to be frozen, and nothing keeps it from that."""
    until = frozen_from(challenge, entry)
    if until is None or now.astimezone(UTC) < until.astimezone(UTC):
        return False
    if newest_snapshot(session, entry.name) is not None:
        return False
    state = newest_state(session, entry.name)
    if state is None or not state.content["runs"]:
        return False
    arriving = until if now.astimezone(UTC) < until.astimezone(UTC) + _ARRIVAL else None
    if still_running(session, challenge, entry, uploading_since=arriving):
        return False
    return state.runs == candidates(session, challenge, entry).digest


def _add_snapshot(
    session: Session,
    board: str,
    state: BoardState,
    number: int,
    now: datetime,
    organiser_id: int | None,
    reason: str,
    address: str = "",
) -> BoardSnapshot:
    content: dict[str, Any] = {
        **state.content,
        "as_of": state.as_of.isoformat(),
        "digests": [state.runs, state.rules],
        "reason": reason,
    }
    row = BoardSnapshot(board=board, number=number, frozen_at=now, frozen_by=organiser_id, content=content)
    session.add(row)
    session.flush()
    details = {"number": number, "reason": reason}
    record(
        session, "board.freeze", f"board:{board}", now=now, actor_id=organiser_id, address=address, **details
    )
    return row
