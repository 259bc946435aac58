"""A site's door with a clock that is set by hand, weak argon2id, and mails that are read at once."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from pydantic import SecretStr

from unicare.web.accounts.door import Door, Origin
from unicare.web.accounts.organisers import create_organiser, decide
from unicare.web.accounts.passwords import Passwords
from unicare.web.accounts.registration import RegistrationForm, confirm_email, register
from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.secret_tokens import LinkTokens
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.accounts.teams import found_team
from unicare.web.database import Database
from unicare.web.mail import send_due

PASSWORD = "seven green lanterns"
HOME = Origin("192.0.2.7", "Firefox")


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self) -> None:
        self.now = datetime(2025, 7, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **time: float) -> None:
        self.now += timedelta(**time)


class Site:
    """A site, and short ways to get people and teams into it."""

    def __init__(self, database: Database) -> None:
        self.clock = Clock()
        self.door = Door(
            database=database,
            passwords=Passwords(memory_mb=0.05, rounds=1),
            links=LinkTokens(SecretStr("k" * 40)),
            rules=AccountRules(site_name="Virtual", base_url="https://site.test", approval=False),
            clock=self.clock,
        )
        self.database = database
        self.mails: list[EmailMessage] = []

    def set_rules(self, **changes: object) -> None:
        self.door = replace(self.door, rules=replace(self.door.rules, **changes))

    @property
    def rules(self) -> AccountRules:
        return self.door.rules

    @property
    def now(self) -> datetime:
        return self.clock.now

    def read_mails(self) -> list[EmailMessage]:
        """Mails that were sent since the last time."""
        self.mails.clear()
        send_due(
            self.database, self, sender="site@site.test", token_of=self.door.links.token_of, clock=self.clock
        )
        return list(self.mails)

    def send(self, message: EmailMessage) -> None:
        self.mails.append(message)

    def link(self, kind: str) -> str:
        """The token in the newest mail's link of a kind."""
        texts = [str(mail.get_content()) for mail in self.read_mails()]
        return re.findall(rf"https://site\.test/{kind}\?token=([\w-]+)$", "\n".join(texts), re.MULTILINE)[-1]

    def person(self, name: str) -> int:
        """A person who may take part: ``name@people.test``."""
        form = RegistrationForm(f"{name}@people.test", name, "Somewhere", PASSWORD)
        register(self.door, form, HOME)
        came_in = confirm_email(self.door, self.link("confirm"), PASSWORD, HOME)
        assert isinstance(came_in, LoggedIn)
        if self.rules.approval:
            chief = self.organiser()
            self.do(decide, self.rules, chief, came_in.user_id, True)
            self.read_mails()
        return came_in.user_id

    def organiser(self) -> int:
        return create_organiser(self.door, RegistrationForm("chief@site.test", "Chief", "", PASSWORD))

    def team(self, captain: int, name: str = "Reds") -> int:
        return self.do(found_team, self.rules, captain, name).id

    def do(self, work: Callable[..., Any], *args: object, **more: object) -> Any:
        """Calls a service in a transaction of its own."""
        return self.database.transact(lambda session: work(session, *args, now=self.now, **more))

    def ask(self, work: Callable[..., Any], *args: object) -> Any:
        """Calls what only reads."""
        with self.database.reading() as session:
            return work(session, *args)


@pytest.fixture
def site(database: Database) -> Site:
    """A site without people."""
    return Site(database)
