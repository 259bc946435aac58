"""Deadlines as organisers wrote them: the last minute that counts, in their own time zone.

The site reckons with the moment after it, in UTC, and so does the API. A person who reads 23:59 on one page
and 00:00, or 22:00, on another takes these for several deadlines.
"""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

from unicare.web.challenge import Challenge
from unicare.web.challenge.times import end_of_minute
from unicare.web.organise.timeline import EventFacts, EventKind
from unicare.web.pages.wording import moment

__all__ = ["CLOSING", "Deadlines"]

CLOSING = frozenset({EventKind.REGISTRATION_CLOSES, EventKind.PHASE_CLOSES, EventKind.BOARD_FREEZES})
"""What happens as a deadline is over."""


class Deadlines:
    """Says moments from which on something is over, or is shown because it is.

    Args:
        challenge: that has the dates; None if there are none to know.
    """

    def __init__(self, challenge: Challenge | None) -> None:
        self._written: dict[datetime, datetime] = {}
        if challenge is None:
            return
        releases = [one.release for one in challenge.phases if one.release is not None]
        self._written.update((one.astimezone(UTC), one) for one in releases)
        lasts = [one.end for one in challenge.phases]
        lasts += [one.freeze for one in challenge.boards]
        lasts.append(challenge.registration.closes)
        self._written.update((end_of_minute(one), one) for one in lasts if one is not None)

    def written(self, when: datetime) -> datetime:
        """The last minute before a moment, or the moment itself, as it stands in challenge.yaml."""
        return self._written.get(when.astimezone(UTC), when)

    def show(self, when: datetime) -> Markup:
        """The same for people, to be read with "until" or "after"."""
        return moment(self.written(when))

    def when(self, event: EventFacts) -> Markup:
        """When something happens; a deadline by its last minute."""
        if event.kind in CLOSING:
            return Markup("after {}").format(self.show(event.at))
        return moment(event.at)
