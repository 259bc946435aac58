"""Counting tries, and refusing too many."""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from ipaddress import IPv6Address, ip_address

from sqlalchemy import delete
from sqlalchemy.orm import Session

from unicare.web.accounts.rules import AccountRules, Limit
from unicare.web.database.tables import Throttle

__all__ = ["count_try", "forget_tries", "give_back_try", "may_mail", "network_of", "throttle_key"]


def throttle_key(what: str, *whom: str) -> str:
    """A key that tells nothing of the people whom it is about."""
    return f"{what}:{sha256(chr(0).join(whom).encode()).hexdigest()[:40]}"


def network_of(address: str) -> str:
    """Whom an address belongs to: itself, or of IPv6 the /64 that one household has to choose from."""
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{IPv6Address(int(parsed) >> 64 << 64)}/64"


def count_try(session: Session, key: str, limit: Limit, now: datetime) -> timedelta | None:
    """Counts a try, unless there were too many; those that are refused don't make the wait longer.

    Returns:
        None if it may go on, else how long to wait.
    """
    row = session.get(Throttle, key)
    if row is None:
        session.add(Throttle(key=key, window_start=now, window_end=now + limit.window, count=1))
        session.flush()
        return None
    if row.window_end <= now or row.window_start > now:  # it is over, or the clock was put back
        row.window_start, row.window_end, row.count = now, now + limit.window, 1
        return None
    if row.count >= limit.count:
        return row.window_end - now
    row.count += 1
    return None


def may_mail(session: Session, rules: AccountRules, email_key: str, address: str, now: datetime) -> bool:
    """Whether one more mail may go to a person because of what somebody did; counts it.

    Args:
        session: of the transaction.
        rules: of this site.
        email_key: of the person.
        address: from where it was caused.
        now: when.
    """
    pair = throttle_key("mail", email_key, network_of(address))
    if count_try(session, pair, rules.mails, now) is not None:
        return False
    return count_try(session, throttle_key("mail:account", email_key), rules.mails_account, now) is None


def forget_tries(session: Session, key: str) -> None:
    """Begins to count anew."""
    session.execute(delete(Throttle).where(Throttle.key == key))


def give_back_try(session: Session, key: str) -> None:
    """Takes one try off the count: it was a right one."""
    row = session.get(Throttle, key)
    if row is not None and row.count > 0:
        row.count -= 1
