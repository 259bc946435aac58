"""Phases on a line of time: where each bar begins and ends, in percent of the whole."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from unicare.web.challenge.times import end_of_minute
from unicare.web.facts.challenge import PhaseFacts, last_moment

__all__ = ["Bar", "Timeline", "timeline"]


@dataclass(frozen=True)
class Bar:
    """A phase's place.

    Attributes:
        phase: which.
        left: percent of the whole.
        width: the same.
        release: the same; None if results aren't held back.
    """

    phase: PhaseFacts
    left: float
    width: float
    release: float | None


@dataclass(frozen=True)
class Timeline:
    """All phases that have dates.

    Attributes:
        start: left end.
        end: right end; a deadline by its last minute.
        bars: in the challenge's order.
        today: percent of the whole; None if it lies outside.
    """

    start: datetime
    end: datetime
    bars: tuple[Bar, ...]
    today: float | None


def timeline(phases: Sequence[PhaseFacts], now: datetime) -> Timeline | None:
    """The places of phases; None if none has both a start and an end."""
    dated = [(one, one.start, one.end) for one in phases if one.start is not None and one.end is not None]
    if not dated:
        return None
    start = min(begin.astimezone(UTC) for _, begin, _ in dated)
    lasts = [(last_moment(one) or start, one) for one, _, _ in dated]
    end, last_phase = max(lasts, key=lambda one: one[0])
    whole = (end - start).total_seconds()
    if whole <= 0:
        return None

    def place(when: datetime) -> float:
        return round(100 * (when.astimezone(UTC) - start).total_seconds() / whole, 2)

    bars = tuple(
        Bar(
            one,
            place(begin),
            max(0.5, round(place(end_of_minute(finish)) - place(begin), 2)),
            None if one.release is None else place(one.release),
        )
        for one, begin, finish in dated
    )
    today = place(now)
    first = min((begin for _, begin, _ in dated), key=lambda one: one.astimezone(UTC))
    closed = last_phase.end is not None and end_of_minute(last_phase.end) == end
    shown = last_phase.end if closed and last_phase.end is not None else end
    return Timeline(first, shown.astimezone(first.tzinfo), bars, today if 0 <= today <= 100 else None)
