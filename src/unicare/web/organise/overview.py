"""What an organiser sees first: what waits, what runs, what went wrong, what comes next."""

from __future__ import annotations

import shutil
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.accounts.rules import AccountRules
from unicare.web.boards.facts import BoardSummary
from unicare.web.challenge import Challenge
from unicare.web.database.tables import BoardTurn, OutboxMail
from unicare.web.facts.base import Facts
from unicare.web.organise.failures import FailureFacts, read_failures
from unicare.web.organise.people import PeopleState, PersonRecord, list_people
from unicare.web.organise.queue import QueueFacts, read_queue
from unicare.web.organise.timeline import EventFacts, planned_events
from unicare.web.settings import SiteSettings

__all__ = [
    "DiskFacts",
    "MailboxFacts",
    "OverviewFacts",
    "disk_room",
    "read_overview",
]

_MOST_WAITING = 10
_MOST_EVENTS = 6


class MailboxFacts(Facts):
    """Mail that isn't sent.

    Attributes:
        waiting: to be sent, or to be tried again.
        failed: given up.
        last_error: of those.
    """

    waiting: int
    failed: int
    last_error: str


class DiskFacts(Facts):
    """Room for uploads, and for what is kept if that lies on the same disk.

    Attributes:
        free_bytes: room that is left.
        total_bytes: size of the disk.
    """

    free_bytes: int
    total_bytes: int


class OverviewFacts(Facts):
    """What an organiser sees first.

    Attributes:
        now: the site's clock.
        waiting: registrations that nobody decided about, the newest ten.
        waiting_total: how many there are.
        queue: what waits for workers.
        failures: of the last seven days, newest first.
        troubled_boards: name to why it couldn't be ranked.
        mail: that isn't sent.
        next: what happens next.
        disk: room that is left; null if it can't be asked.
    """

    now: datetime
    waiting: tuple[PersonRecord, ...]
    waiting_total: int
    queue: QueueFacts
    failures: tuple[FailureFacts, ...]
    troubled_boards: dict[str, str]
    mail: MailboxFacts
    next: tuple[EventFacts, ...]
    disk: DiskFacts | None


def read_overview(
    session: Session,
    challenge: Challenge,
    rules: AccountRules,
    boards: tuple[BoardSummary, ...],
    settings: SiteSettings,
    now: datetime,
) -> OverviewFacts:
    """What an organiser sees first.

    Args:
        session: to read with.
        challenge: of the site.
        rules: of the site.
        boards: of the challenge.
        settings: of the site; of its folder only the room is told.
        now: the site's clock.
    """
    waiting = list_people(session, rules, state=PeopleState.WAITING)
    return OverviewFacts(
        now=now,
        waiting=waiting.people[:_MOST_WAITING],
        waiting_total=waiting.paging.total,
        queue=read_queue(session, challenge, settings, now),
        failures=read_failures(session, now),
        troubled_boards=_troubled(session),
        mail=_mail(session),
        next=planned_events(session, challenge, boards, now)[:_MOST_EVENTS],
        disk=disk_room(settings.data_dir),
    )


def disk_room(folder: Path) -> DiskFacts | None:
    """Room on the disk of a folder."""
    try:
        usage = shutil.disk_usage(folder)
    except OSError:
        return None
    return DiskFacts(free_bytes=usage.free, total_bytes=usage.total)


def _troubled(session: Session) -> dict[str, str]:
    rows = session.execute(
        select(BoardTurn.board, BoardTurn.problem)
        .where(BoardTurn.problem.is_not(None))
        .order_by(BoardTurn.board)
    )
    return {board: problem or "" for board, problem in rows}


def _mail(session: Session) -> MailboxFacts:
    open_ones = OutboxMail.sent_at.is_(None) & OutboxMail.failed_at.is_(None)
    waiting = session.scalar(select(func.count()).select_from(OutboxMail).where(open_ones)) or 0
    given_up = OutboxMail.failed_at.is_not(None)
    failed = session.scalar(select(func.count()).select_from(OutboxMail).where(given_up)) or 0
    newest = select(OutboxMail.last_error).where(given_up | (open_ones & (OutboxMail.last_error != "")))
    last = session.scalar(newest.order_by(OutboxMail.id.desc()).limit(1))
    return MailboxFacts(waiting=waiting, failed=failed, last_error=last or "")
