"""Freezing boards: by their date, and by organisers, before it or anew to correct one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, TypeGuard

from sqlalchemy.orm import Session

from unicare.core.errors import UnicareError
from unicare.web.boards.rules import frozen_from
from unicare.web.challenge import BoardEntry, Challenge
from unicare.web.database import record
from unicare.web.database.tables import BoardSnapshot, BoardState
from unicare.web.life.site import WorkingSite
from unicare.web.standings.counting import candidates, still_running
from unicare.web.standings.states import newest_snapshot, newest_state

__all__ = ["FreezeRefusedError", "freeze_board", "freeze_if_due", "unfreeze_board"]

_ARRIVAL = timedelta(minutes=10)
"""For so long after a board's date, uploads that were begun before are waited for."""


class FreezeRefusedError(UnicareError):
    """A board that can't be frozen, or unfrozen, now."""


def freeze_if_due(site: WorkingSite, entry: BoardEntry) -> bool:
    """Freezes a board whose date is over, once all that was handed in before has come to its end.

    Returns:
        Whether it was frozen now; a board is frozen by its date once only, and not if
        organisers froze it before.
    """
    with site.database.reading() as session:
        if not _due(session, site.challenge, entry, site.clock(session)):
            return False

    def work(session: Session, now: datetime) -> bool:
        state = newest_state(session, entry.name)
        if state is None or not _due(session, site.challenge, entry, now):
            return False
        before = newest_snapshot(session, entry.name)
        _add_snapshot(session, entry.name, state, before, now, organiser_id=None, reason="")
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
    """Freezes a board as it stands, before its date or anew after it, with the next number. Old ones stay.

    Nothing else changes a frozen board. A team that is disqualified, a run that is evaluated again or handed
    in, after a board was frozen, leaves it as it was until an organiser freezes it anew by this, or
    unfreezes it before its date.

    Args:
        session: of the transaction.
        challenge: whose board it is.
        board: its name.
        organiser_id: who does it; the caller makes sure that it is an organiser.
        reason: for everybody to read.
        now: when.
        address: from where, for the audit log.

    Raises:
        FreezeRefusedError: there is no such board, nothing stands on it before its date, runs are being
            counted, or nothing has changed since it was frozen.
    """
    entry = _entry(challenge, board)
    state = newest_state(session, board)
    if not _is_over(challenge, entry, now) and (state is None or not state.content["runs"]):
        raise FreezeRefusedError(f"board {board} can't be frozen yet", found="no run stands on it")
    if state is None or state.runs != candidates(session, challenge, entry).digest:
        raise FreezeRefusedError(f"board {board}: runs are being counted", mend="try again in a minute")
    before = newest_snapshot(session, board)
    if _holds(before) and before.content["digests"] == [state.runs, state.rules]:
        raise FreezeRefusedError(f"board {board}: nothing has changed since it was frozen")
    return _add_snapshot(session, board, state, before, now, organiser_id, reason, address)


def unfreeze_board(
    session: Session,
    challenge: Challenge,
    board: str,
    *,
    organiser_id: int,
    reason: str,
    now: datetime,
    address: str = "",
) -> BoardSnapshot:
    """Lets runs change a board again that was frozen before its date. At its date it is frozen again.

    Args:
        session: of the transaction.
        challenge: whose board it is.
        board: its name.
        organiser_id: who does it; the caller makes sure that it is an organiser.
        reason: for the audit log.
        now: when.
        address: from where, for the audit log.

    Returns:
        What it was frozen as; everybody can look at that still.

    Raises:
        FreezeRefusedError: there is no such board, it isn't frozen, or its date is over.
    """
    entry = _entry(challenge, board)
    if _is_over(challenge, entry, now):
        raise FreezeRefusedError(
            f"board {board} can't be unfrozen", found="its date is over", mend="freeze it anew to correct it"
        )
    row = newest_snapshot(session, board)
    if not _holds(row):
        raise FreezeRefusedError(f"board {board} isn't frozen")
    row.lifted_at = now
    record(
        session,
        "board.unfreeze",
        f"board:{board}",
        now=now,
        actor_id=organiser_id,
        address=address,
        number=row.number,
        reason=reason,
    )
    return row


def _entry(challenge: Challenge, board: str) -> BoardEntry:
    found = {one.name: one for one in challenge.boards}.get(board)
    if found is None:
        raise FreezeRefusedError("there is no such board", found=board)
    return found


def _is_over(challenge: Challenge, entry: BoardEntry, now: datetime) -> bool:
    """Whether a board's date is."""
    until = frozen_from(challenge, entry)
    return until is not None and now.astimezone(UTC) >= until.astimezone(UTC)


def _holds(snapshot: BoardSnapshot | None) -> TypeGuard[BoardSnapshot]:
    """Whether a board is frozen, if this is its newest snapshot."""
    return snapshot is not None and snapshot.lifted_at is None


def _due(session: Session, challenge: Challenge, entry: BoardEntry, now: datetime) -> bool:
    """Whether its date says that a board has to be frozen, and nothing keeps it from that."""
    until = frozen_from(challenge, entry)
    if until is None or now.astimezone(UTC) < until.astimezone(UTC):
        return False
    if _holds(newest_snapshot(session, entry.name)):
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
    before: BoardSnapshot | None,
    now: datetime,
    organiser_id: int | None,
    reason: str,
    address: str = "",
) -> BoardSnapshot:
    number = 1 if before is None else before.number + 1
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
