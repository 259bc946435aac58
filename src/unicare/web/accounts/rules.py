"""How accounts work on this site: lifetimes, limits, what the challenge asks for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from unicare.web.settings import SiteSettings

__all__ = ["AccountRules", "Limit", "agreement_version", "rules_of"]


@dataclass(frozen=True)
class Limit:
    """How often something may be tried.

    Attributes:
        count: tries.
        window: in this time.
    """

    count: int
    window: timedelta


@dataclass(frozen=True)
class AccountRules:
    """How accounts work on this site.

    Attributes:
        site_name: title of the challenge.
        base_url: of the site, for links in mails.
        session_lifetime: after which a person has to log in again.
        session_idle: the same if the person wasn't seen.
        confirm_lifetime: of links that confirm an address.
        reset_lifetime: of links that set a new password.
        invitation_lifetime: of invitations.
        log_in: tries for one account from one address.
        log_in_account: the same from all addresses.
        log_in_address: the same for all accounts.
        mails: to one person, caused from one address.
        mails_account: to one person, whoever caused them.
        forms: registrations and other forms that cost work, from one address.
        api_tokens: of one person.
        invitations: open at once, of one team.
        approval: whether an organiser must approve each person.
        agreement_version: of the data-use agreement that everybody has to accept; None if there is none.
        largest_team: persons; None for any number.
        opens: from when on one can register.
        closes: until when.
    """

    site_name: str = "unicare"
    base_url: str = "http://127.0.0.1:8000"
    session_lifetime: timedelta = timedelta(days=14)
    session_idle: timedelta = timedelta(days=3)
    confirm_lifetime: timedelta = timedelta(days=3)
    reset_lifetime: timedelta = timedelta(hours=2)
    invitation_lifetime: timedelta = timedelta(days=14)
    log_in: Limit = Limit(5, timedelta(minutes=15))
    log_in_account: Limit = Limit(50, timedelta(minutes=15))
    log_in_address: Limit = Limit(100, timedelta(minutes=15))
    mails: Limit = Limit(5, timedelta(hours=1))
    mails_account: Limit = Limit(20, timedelta(hours=1))
    forms: Limit = Limit(60, timedelta(hours=1))
    api_tokens: int = 20
    invitations: int = 20
    approval: bool = True
    agreement_version: str | None = None
    largest_team: int | None = None
    opens: datetime | None = None
    closes: datetime | None = None


def agreement_version(text: str) -> str:
    """The version of a data-use agreement: it changes with the text, not with white space."""
    return sha256(" ".join(text.split()).encode()).hexdigest()[:16]


def rules_of(
    settings: SiteSettings,
    *,
    site_name: str,
    approval: bool = True,
    agreement: str | None = None,
    largest_team: int | None = None,
    opens: datetime | None = None,
    closes: datetime | None = None,
) -> AccountRules:
    """The rules of a site.

    Args:
        settings: of the site.
        site_name: title of the challenge.
        approval: whether an organiser must approve each person.
        agreement: text of the data-use agreement.
        largest_team: persons.
        opens: from when on one can register.
        closes: until when.
    """
    window = timedelta(minutes=settings.log_in_window_minutes)
    return AccountRules(
        site_name=site_name,
        base_url=settings.base_url.rstrip("/"),
        session_lifetime=timedelta(days=settings.session_days),
        session_idle=timedelta(hours=settings.session_idle_hours),
        log_in=Limit(settings.log_in_tries, window),
        log_in_account=Limit(settings.log_in_tries_account, window),
        log_in_address=Limit(settings.log_in_tries_address, window),
        mails=Limit(settings.mails_per_hour, timedelta(hours=1)),
        mails_account=Limit(4 * settings.mails_per_hour, timedelta(hours=1)),
        approval=approval,
        agreement_version=None if agreement is None else agreement_version(agreement),
        largest_team=largest_team,
        opens=opens,
        closes=closes,
    )
