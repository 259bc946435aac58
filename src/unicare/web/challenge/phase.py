"""A phase of a challenge: when it runs, what teams hand in, and when they see what."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field

from unicare.web.challenge.base import Slug, Strict, Title
from unicare.web.challenge.times import Moment, end_of_minute

__all__ = ["Phase", "PhaseState", "Shown"]

Shown = Literal["at_once", "on_release"]


class PhaseState(StrEnum):
    """Where a phase is in its life."""

    UPCOMING = "upcoming"
    OPEN = "open"
    CLOSED = "closed"
    RELEASED = "released"


class Phase(Strict):
    """One phase.

    Attributes:
        name: as in addresses and in ``reference/<task>/<phase>``.
        title: for people; the name if not given.
        kind: teams hand in ``predictions``, or a ``container``.
        tasks: that it is about; all if none is named.
        start: from when on teams may submit.
        end: the last minute in which they may.
        release: from when on results are shown that are shown on release; the end of the phase if not given.
        always_open: has neither start nor end.
        quota: successful evaluations that a team has for each task.
        counts: which of a team's runs stands on boards; the best is the one that its board's own sort puts
            first.
        show_scores: when a team sees its own figures.
        show_boards: when everyone sees boards.
        show_worst_cases: whether a team sees images and truths of its worst cases; for predictions only.
        hand_out_images: whether the site gives approved teams images and prompts; for predictions only.
    """

    name: Slug
    title: Title = ""
    kind: Literal["predictions", "container"]
    tasks: tuple[str, ...] = ()
    start: Moment | None = None
    end: Moment | None = None
    release: Moment | None = None
    always_open: bool = False
    quota: int = Field(default=10, ge=1, le=10_000)
    counts: Literal["best", "latest"] = "latest"
    show_scores: Shown = "at_once"
    show_boards: Shown = "on_release"
    show_worst_cases: bool = False
    hand_out_images: bool = False

    @property
    def closes(self) -> datetime | None:
        """The first moment at which it is too late, in UTC; None if there is none."""
        return None if self.always_open or self.end is None else end_of_minute(self.end)

    @property
    def released_from(self) -> datetime | None:
        """From when on everything is shown, in UTC; None if never."""
        return self.closes if self.release is None else self.release.astimezone(UTC)

    def state(self, now: datetime) -> PhaseState:
        """Where it is in its life.

        It opens with the minute of its start and closes when the minute of its end is over. Results that
        are released before a phase is over don't close it.

        Args:
            now: an aware datetime, in any time zone.

        Raises:
            ValueError: ``now`` has no time zone.
        """
        if now.tzinfo is None:
            raise ValueError("the time has no time zone")
        # All in UTC: Python compares times of one zone by their clocks, which are put back in autumn.
        moment = now.astimezone(UTC)
        if self.always_open:
            return PhaseState.OPEN
        if self.start is None or moment < self.start.astimezone(UTC):
            return PhaseState.UPCOMING
        if self.closes is None or moment < self.closes:
            return PhaseState.OPEN
        released = self.released_from
        return PhaseState.CLOSED if released is not None and moment < released else PhaseState.RELEASED

    def shows_scores(self, now: datetime) -> bool:
        """Whether a team sees its own figures."""
        return self._shows(self.show_scores, now)

    def shows_boards(self, now: datetime) -> bool:
        """Whether everyone sees the phase's boards."""
        return self._shows(self.show_boards, now)

    def _shows(self, when: Shown, now: datetime) -> bool:
        if self.state(now) is PhaseState.UPCOMING:
            return False
        released = self.released_from
        return when == "at_once" or (released is not None and now.astimezone(UTC) >= released)
