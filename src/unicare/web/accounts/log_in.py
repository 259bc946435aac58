"""Logging in: the same work and the same answer whether there is such an account or not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.accounts.door import Door, Origin
from unicare.web.accounts.names import email_key
from unicare.web.accounts.refusals import Reason, Refused
from unicare.web.accounts.sessions import LoggedIn, open_session
from unicare.web.accounts.throttle import count_try, forget_tries, give_back_try, network_of, throttle_key
from unicare.web.database import record
from unicare.web.database.tables import User

__all__ = ["count_password_try", "forget_password_tries", "log_in"]


def log_in(
    door: Door, email: str, password: str, origin: Origin, *, old_token: str | None = None
) -> LoggedIn | Refused:
    """Logs a person in.

    Wrong passwords are counted for the account from one address, for the account, and for the address. Only
    who knows the password is told that the account is disabled.

    Args:
        door: the site's.
        email: as written.
        password: as written.
        origin: from where.
        old_token: what the browser's cookie had; void afterwards.

    Returns:
        A session with a new token, or why not.
    """
    key = email_key(email)
    wait = count_password_try(door, key, origin)
    if wait is not None:
        return Refused(Reason.TOO_OFTEN, wait)
    with door.database.reading() as session:
        user = session.scalar(select(User).where(User.email_key == key))
    right = door.passwords.verify(None if user is None else user.password_hash, password)
    better = None
    if user is not None and right and door.passwords.is_outdated(user.password_hash):
        better = door.passwords.hash(password)

    def finish(session: Session) -> LoggedIn | Refused:
        now = door.clock()
        person = None if user is None else session.get(User, user.id)
        still = person is not None and user is not None and person.password_hash == user.password_hash
        if person is None or not right or not still or person.email_confirmed_at is None:
            return _refuse(session, person, Reason.WRONG, origin, now)
        if person.disabled_at is not None:
            return _refuse(session, person, Reason.DISABLED, origin, now)
        if better is not None:
            person.password_hash = better
        forget_password_tries(session, key, origin)
        return open_session(session, door.rules, person.id, origin, now, old_token)

    return door.database.transact(finish)


def count_password_try(door: Door, whom: str, origin: Origin) -> timedelta | None:
    """Counts a try before it is made, so that many at once are no way round.

    Args:
        door: the site's.
        whom: key of the account, or of whatever the password opens.
        origin: from where.

    Returns:
        None if it may be made, else how long to wait.
    """
    rules = door.rules
    limits = (rules.log_in, rules.log_in_address, rules.log_in_account)

    def count(session: Session) -> timedelta | None:
        now = door.clock()
        # in this order: what is refused for one address doesn't count for the whole account
        for key, limit in zip(_keys(whom, origin), limits, strict=True):
            wait = count_try(session, key, limit, now)
            if wait is not None:
                return wait
        return None

    return door.database.transact(count)


def forget_password_tries(session: Session, whom: str, origin: Origin) -> None:
    """The right password was given: wrong ones of the same person from the same place are forgotten.

    The right one doesn't count for the account or the address either: many people may share an address.
    """
    pair, address, account = _keys(whom, origin)
    forget_tries(session, pair)
    give_back_try(session, address)
    give_back_try(session, account)


def _keys(whom: str, origin: Origin) -> tuple[str, str, str]:
    """What is counted: the account from this address, the address, the account."""
    network = network_of(origin.address)
    return (
        throttle_key("log-in", whom, network),
        throttle_key("log-in:address", network),
        throttle_key("log-in:account", whom),
    )


def _refuse(session: Session, person: User | None, reason: Reason, origin: Origin, now: datetime) -> Refused:
    """Notes it; what was typed as an address isn't kept, as it may be a password."""
    subject = "user:unknown" if person is None else f"user:{person.id}"
    record(session, "session.refused", subject, now=now, address=origin.address, reason=reason.value)
    return Refused(reason)
