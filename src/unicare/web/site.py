"""All that the routes of one application share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from unicare.web.accounts.door import Door
from unicare.web.accounts.passwords import Passwords
from unicare.web.accounts.rules import AccountRules, rules_of
from unicare.web.accounts.secret_tokens import LinkTokens
from unicare.web.boards import Boards
from unicare.web.challenge import Challenge
from unicare.web.challenge.times import end_of_minute
from unicare.web.database import Database
from unicare.web.facts.texts import Texts
from unicare.web.hand_in.receive import Receiver
from unicare.web.instruments import Instruments
from unicare.web.life import Wake, WorkingSite
from unicare.web.pages.render import Pages
from unicare.web.settings import SiteSettings

__all__ = ["Site", "open_door"]


@dataclass(frozen=True, eq=False)
class Site:
    """All that the routes of one application share.

    Attributes:
        settings: of the site.
        challenge: that it serves.
        texts: the challenge's pages.
        boards: its boards.
        pages: makes HTML.
        instruments: counts.
        database: what it knows.
        door: registration, log-in, new passwords.
        working: uploads, storage and whatever else submissions need.
        receiver: takes pieces of uploads.
        wake: rung when there is something to do for workers.
        clock: says what time it is, with a time zone.
    """

    settings: SiteSettings
    challenge: Challenge
    texts: Texts
    boards: Boards
    pages: Pages
    instruments: Instruments
    database: Database
    door: Door
    working: WorkingSite
    receiver: Receiver
    wake: Wake
    clock: Callable[[], datetime]

    @property
    def rules(self) -> AccountRules:
        """How accounts work here."""
        return self.door.rules


def open_door(
    settings: SiteSettings, challenge: Challenge, database: Database, clock: Callable[[], datetime]
) -> Door:
    """What lets people of a challenge in."""
    registration = challenge.registration
    agreement = registration.agreement
    rules = rules_of(
        settings,
        site_name=challenge.title,
        approval=registration.approval,
        agreement=None if agreement is None else agreement.read_text(encoding="utf-8"),
        largest_team=registration.largest_team,
        opens=registration.opens,
        closes=None if registration.closes is None else end_of_minute(registration.closes),
    )
    return Door(database, Passwords.of(settings), LinkTokens(settings.secret_key), rules, clock)
