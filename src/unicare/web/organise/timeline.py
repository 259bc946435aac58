"""All that happened and will happen, in the order of time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Date, cast, func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from unicare.web.boards.facts import BoardSummary
from unicare.web.challenge import Challenge
from unicare.web.challenge.times import end_of_minute
from unicare.web.database.tables import Announcement, BoardSnapshot, Evaluation, Registration, Submission
from unicare.web.facts.base import Facts

__all__ = ["EventFacts", "EventKind", "TimelineFacts", "planned_events", "read_timeline"]


class EventKind(StrEnum):
    """What happens."""

    REGISTRATION_OPENS = "registration_opens"
    REGISTRATION_CLOSES = "registration_closes"
    PHASE_OPENS = "phase_opens"
    PHASE_CLOSES = "phase_closes"
    PHASE_RELEASED = "phase_released"
    BOARD_FREEZES = "board_freezes"
    BOARD_FROZEN = "board_frozen"
    BOARD_UNFROZEN = "board_unfrozen"
    ANNOUNCEMENT = "announcement"
    REGISTRATIONS = "registrations"
    SUBMISSIONS = "submissions"
    EVALUATIONS = "evaluations"


class EventFacts(Facts):
    """Something that happened or will.

    Attributes:
        at: when; for counts of a day, its beginning in UTC.
        kind: what.
        title: in words.
        about: name of the phase or the board; empty if none.
        count: how many on this day; null for what isn't counted.
        failed: how many of them failed; the same.
        ahead: whether it is still to come.
    """

    at: datetime
    kind: EventKind
    title: str
    about: str
    count: int | None
    failed: int | None
    ahead: bool


class TimelineFacts(Facts):
    """All of it.

    Attributes:
        now: the site's clock.
        events: earliest first.
    """

    now: datetime
    events: tuple[EventFacts, ...]


def read_timeline(
    session: Session, challenge: Challenge, boards: tuple[BoardSummary, ...], now: datetime
) -> TimelineFacts:
    """All that happened and will happen.

    Args:
        session: to read with.
        challenge: whose dates these are.
        boards: its boards.
        now: the site's clock.
    """
    events = [*_dates(challenge, boards, now), *_announced(session, challenge, now), *_frozen(session, now)]
    events += _counts(session, now)
    return TimelineFacts(now=now, events=tuple(sorted(events, key=lambda one: one.at.astimezone(UTC))))


def planned_events(
    session: Session, challenge: Challenge, boards: tuple[BoardSummary, ...], now: datetime
) -> tuple[EventFacts, ...]:
    """What is still to come, earliest first."""
    events = [*_dates(challenge, boards, now), *_announced(session, challenge, now)]
    return tuple(sorted((one for one in events if one.ahead), key=lambda one: one.at.astimezone(UTC)))


def _event(
    kind: EventKind, at: datetime, now: datetime, title: str, about: str = "", **more: Any
) -> EventFacts:
    ahead = at.astimezone(UTC) > now
    return EventFacts(
        at=at, kind=kind, title=title, about=about, ahead=ahead, **{"count": None, "failed": None, **more}
    )


def _dates(challenge: Challenge, boards: tuple[BoardSummary, ...], now: datetime) -> Iterator[EventFacts]:
    """Those of challenge.yaml."""
    registration = challenge.registration
    if registration.opens is not None:
        yield _event(EventKind.REGISTRATION_OPENS, registration.opens, now, "Registration opens")
    if registration.closes is not None:
        closes = _after(registration.closes)
        yield _event(EventKind.REGISTRATION_CLOSES, closes, now, "Registration is closed")
    for phase in challenge.phases:
        title = phase.title or phase.name
        if phase.always_open:
            continue
        if phase.start is not None:
            yield _event(EventKind.PHASE_OPENS, phase.start, now, f"{title} opens", phase.name)
        if phase.end is not None:
            yield _event(EventKind.PHASE_CLOSES, _after(phase.end), now, f"{title} is closed", phase.name)
        if phase.release is not None:
            release = f"Results of {title} are shown"
            yield _event(EventKind.PHASE_RELEASED, phase.release, now, release, phase.name)
    for board in boards:
        if board.frozen_from is not None:
            title = f"Board {board.title} takes no more runs"
            yield _event(EventKind.BOARD_FREEZES, board.frozen_from, now, title, board.name)


def _after(last: datetime) -> datetime:
    """The first moment after the last minute, in its time zone."""
    return end_of_minute(last).astimezone(last.tzinfo)


def _announced(session: Session, challenge: Challenge, now: datetime) -> Iterator[EventFacts]:
    for news in challenge.announcements:
        yield _event(EventKind.ANNOUNCEMENT, news.at, now, f"News: {news.title}")
    shown = Announcement.withdrawn_at.is_(None)
    for at, title in session.execute(select(Announcement.published_at, Announcement.title).where(shown)):
        yield _event(EventKind.ANNOUNCEMENT, at, now, f"News: {title}")


def _frozen(session: Session, now: datetime) -> Iterator[EventFacts]:
    snapshots = select(
        BoardSnapshot.board, BoardSnapshot.number, BoardSnapshot.frozen_at, BoardSnapshot.lifted_at
    )
    for board, number, at, lifted_at in session.execute(snapshots):
        title = f"Board {board} was frozen" if number == 1 else f"Board {board} was frozen anew ({number})"
        yield _event(EventKind.BOARD_FROZEN, at, now, title, board)
        if lifted_at is not None:
            yield _event(EventKind.BOARD_UNFROZEN, lifted_at, now, f"Board {board} was unfrozen", board)


def _counts(session: Session, now: datetime) -> Iterator[EventFacts]:
    """A line for each day on which something happened, counted by the database."""
    for kind, moment, word in (
        (EventKind.REGISTRATIONS, Registration.created_at, "registration"),
        (EventKind.SUBMISSIONS, Submission.created_at, "submission"),
    ):
        for day, number in _by_day(session, moment):
            yield _event(kind, _midnight(day), now, _several(number, word), count=number)
    for day, number, bad in _evaluations_by_day(session):
        title = _several(number, "evaluation") + (f", {bad} failed" if bad else "")
        yield _event(EventKind.EVALUATIONS, _midnight(day), now, title, count=number, failed=bad)


def _by_day(session: Session, moment: InstrumentedAttribute[datetime]) -> list[tuple[date, int]]:
    day = _day(session, moment)
    rows = session.execute(select(day, func.count()).group_by(day))
    return [(_as_date(when), number) for when, number in rows]


def _evaluations_by_day(session: Session) -> list[tuple[date, int, int]]:
    day = _day(session, Evaluation.finished_at)
    ended = Evaluation.finished_at.is_not(None) & Evaluation.state.in_(["scored", "failed"])
    rows = session.execute(
        select(day, Evaluation.state, func.count()).where(ended).group_by(day, Evaluation.state)
    )
    found: dict[date, dict[str, int]] = {}
    for when, state, number in rows:
        found.setdefault(_as_date(when), {})[state] = number
    return [(when, sum(states.values()), states.get("failed", 0)) for when, states in found.items()]


def _day(session: Session, moment: InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    """The day of a moment, in UTC."""
    if session.get_bind().dialect.name == "sqlite":
        return func.date(moment)
    return cast(func.timezone("UTC", moment), Date)


def _as_date(value: date | str) -> date:
    """SQLite says it in words."""
    return date.fromisoformat(value) if isinstance(value, str) else value


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _several(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
