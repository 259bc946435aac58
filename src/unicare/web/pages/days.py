"""A timeline a day at a time, for pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta
from itertools import groupby

from unicare.web.organise.timeline import EventFacts, EventKind, TimelineFacts
from unicare.web.pages.deadlines import CLOSING

__all__ = ["DayOfEvents", "days_of"]


@dataclass(frozen=True)
class DayOfEvents:
    """A day: of the time zones in which dates are written, and of UTC for what is counted.

    Attributes:
        day: which.
        dated: what has a time of its own, earliest first.
        counted: numbers of the day.
        share: of the evaluations of the busiest day, in percent.
        failed_share: the part of it that failed.
        today: whether it is this one.
        ahead: whether it is still to come.
    """

    day: date
    dated: tuple[EventFacts, ...]
    counted: tuple[EventFacts, ...]
    share: float
    failed_share: float
    today: bool
    ahead: bool


def days_of(facts: TimelineFacts) -> tuple[DayOfEvents, ...]:
    """Days on which something happens, and this one, latest first."""
    now = facts.now.astimezone(UTC).date()
    most = max((one.count or 0 for one in facts.events if one.kind is EventKind.EVALUATIONS), default=0)
    events = sorted(facts.events, key=_day)
    found = {day: tuple(every) for day, every in groupby(events, _day)}
    found.setdefault(now, ())
    return tuple(_made(day, found[day], most, now) for day in sorted(found, reverse=True))


def _made(day: date, events: tuple[EventFacts, ...], most: int, now: date) -> DayOfEvents:
    evaluations = [one for one in events if one.kind is EventKind.EVALUATIONS]
    number = sum(one.count or 0 for one in evaluations)
    failed = sum(one.failed or 0 for one in evaluations)
    return DayOfEvents(
        day=day,
        dated=tuple(one for one in events if one.count is None),
        counted=tuple(one for one in events if one.count is not None),
        share=round(100 * number / most, 1) if most else 0.0,
        failed_share=round(100 * failed / most, 1) if most else 0.0,
        today=day == now,
        ahead=day > now,
    )


def _day(event: EventFacts) -> date:
    """As it is written, in its own time zone; a deadline's is that of its last minute."""
    return (event.at - timedelta(minutes=1) if event.kind in CLOSING else event.at).date()
