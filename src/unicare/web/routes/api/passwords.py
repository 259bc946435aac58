"""New passwords: for those who forgot theirs, and for those who know it."""

from __future__ import annotations

from unicare.web.accounts.door import Origin
from unicare.web.accounts.refusals import Refused
from unicare.web.accounts.reset import ask_reset, change_password, reset_password
from unicare.web.deps import Known, KnownOf, OriginOf, SiteOf
from unicare.web.facts.people import MailFacts
from unicare.web.routes.api.asked import Asked, Email, Password, Token
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.routes.refused import RefusedError
from unicare.web.site import Site

__all__ = ["ChangedPassword", "Forgotten", "NewPassword", "ask_link", "router", "set_by_link", "set_by_old"]

router = api_part("passwords")


class Forgotten(Asked):
    """Whose password is forgotten.

    Attributes:
        email: of the account.
    """

    email: Email


class NewPassword(Asked):
    """A new password for whoever reads the mailbox.

    Attributes:
        token: of the mail's link.
        password: from now on.
    """

    token: Token
    password: Password


class ChangedPassword(Asked):
    """A new password for whoever knows the old one.

    Attributes:
        old: until now.
        password: from now on.
    """

    old: Password
    password: Password


def ask_link(site: Site, origin: Origin, body: Forgotten) -> MailFacts:
    """Sends the link of a new password; the same is said whether the address has an account or not.

    Raises:
        RefusedError: too many tries.
    """
    sent = ask_reset(site.door, body.email, origin)
    if isinstance(sent, Refused):
        raise RefusedError(sent)
    return MailFacts(email=sent.email)


def set_by_link(site: Site, origin: Origin, body: NewPassword) -> None:
    """Sets a new password; all sessions and API tokens are void then.

    Raises:
        AccountError: the password isn't good enough.
        RefusedError: the link is void, or too many tries.
    """
    refused = reset_password(
        site.door, body.token.get_secret_value(), body.password.get_secret_value(), origin
    )
    if refused is not None:
        raise RefusedError(refused)


def set_by_old(site: Site, asker: Known, body: ChangedPassword) -> None:
    """Changes a password; all other sessions are closed.

    Raises:
        AccountError: the new one isn't good enough.
        RefusedError: the old one is wrong, or too many tries.
    """
    refused = change_password(
        site.door,
        asker.id,
        body.old.get_secret_value(),
        body.password.get_secret_value(),
        asker.origin,
        session_token=asker.session_token or None,
    )
    if refused is not None:
        raise RefusedError(refused)


@router.post("/password-resets", status_code=202, responses=problems(403, 422))
def link_asked(site: SiteOf, origin: OriginOf, body: Forgotten) -> MailFacts:
    """Sends a link that sets a new password, if the address has an account; the answer is the same if not."""
    return ask_link(site, origin, body)


@router.put("/password-resets", status_code=204, responses=problems(403, 410, 422))
def set_with_link(site: SiteOf, origin: OriginOf, body: NewPassword) -> None:
    """Sets a new password by the link of the mail. All sessions and API tokens are void then."""
    set_by_link(site, origin, body)


@router.put("/me/password", status_code=204, responses=problems(401, 403, 422))
def changed(site: SiteOf, asker: KnownOf, body: ChangedPassword) -> None:
    """Changes the password of whoever asks. All other sessions are closed; API tokens stay."""
    set_by_old(site, asker, body)
