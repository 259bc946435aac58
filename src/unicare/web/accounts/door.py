"""What the services at the site's door need, and who knocks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from unicare.web.accounts.passwords import Passwords
from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.secret_tokens import LinkTokens
from unicare.web.database import Database, utc_now

__all__ = ["Door", "Origin"]


@dataclass(frozen=True)
class Door:
    """What registration, log-in and new passwords need.

    Their functions make their own transactions, as hashing a password takes long and must lie between them;
    all other services work in the transaction of their caller.

    Attributes:
        database: the site's.
        passwords: hashes and checks them.
        links: makes tokens of links in mails.
        rules: of this site.
        clock: tells the time.
    """

    database: Database
    passwords: Passwords
    links: LinkTokens
    rules: AccountRules
    clock: Callable[[], datetime] = utc_now


@dataclass(frozen=True)
class Origin:
    """From where something is asked; characters that can't be shown are left out, and what is too long.

    Attributes:
        address: of the network.
        agent: the program, as it calls itself.
    """

    address: str
    agent: str = ""

    def __post_init__(self) -> None:
        for name, longest in (("address", 45), ("agent", 200)):  # headers may hold anything
            shown = "".join(c for c in getattr(self, name)[:longest] if c.isprintable())
            object.__setattr__(self, name, shown)
