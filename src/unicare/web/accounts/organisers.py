"""What organisers decide about people."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from unicare.web.accounts import letters
from unicare.web.accounts.door import Door
from unicare.web.accounts.names import check_text, email_key, key_of
from unicare.web.accounts.people import require_organiser
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.registration import RegistrationForm, check_form
from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.sessions import close_all_sessions
from unicare.web.database import record
from unicare.web.database.tables import ApiToken, Registration, RegistrationStatus, User
from unicare.web.mail import enqueue

__all__ = [
    "count_organisers",
    "create_organiser",
    "decide",
    "disable_user",
    "enable_user",
    "has_account",
    "set_organiser",
]

_LONGEST_REASON = 2000


def create_organiser(door: Door, form: RegistrationForm) -> int:
    """Makes an organiser, whose address counts as confirmed: for whoever has the site's machine.

    An account that has the address becomes one, and keeps its password.

    Returns:
        The user's number.

    Raises:
        AccountError: a field can't be used.
    """
    form = check_form(form)
    password_hash = door.passwords.hash(form.password)

    def write(session: Session) -> int:
        now = door.clock()
        user = session.scalar(select(User).where(User.email_key == key_of(form.email)))
        if user is None:
            user = User(
                email=form.email,
                email_key=key_of(form.email),
                name=form.name,
                affiliation=form.affiliation,
                password_hash=password_hash,
                created_at=now,
            )
            session.add(user)
        elif user.email_confirmed_at is None:  # whoever registered it never showed that it is theirs
            user.password_hash, user.name = password_hash, form.name
        user.is_organiser = True
        user.email_confirmed_at = user.email_confirmed_at or now
        session.flush()
        record(session, "user.made_organiser", f"user:{user.id}", now=now)
        return user.id

    return door.database.transact(write)


def has_account(session: Session, email: str) -> bool:
    """Whether somebody has an account with an address, and has shown that it is theirs."""
    confirmed = (User.email_key == email_key(email)) & User.email_confirmed_at.is_not(None)
    return session.scalar(select(User.id).where(confirmed)) is not None


def count_organisers(session: Session) -> int:
    """How many people are organisers and can log in."""
    usable = User.is_organiser & User.email_confirmed_at.is_not(None) & User.disabled_at.is_(None)
    return session.scalar(select(func.count()).select_from(User).where(usable)) or 0


def set_organiser(
    session: Session,
    rules: AccountRules,
    organiser_id: int,
    user_id: int,
    is_organiser: bool,
    *,
    now: datetime,
    address: str = "",
    reason: str = "",
) -> None:
    """Makes somebody an organiser, or no longer; nobody does it to themselves, so that one always remains.

    Raises:
        AccountError: the person is no organiser, or there is no such other person.
    """
    require_organiser(session, rules, organiser_id)
    user = _other_user(session, organiser_id, user_id)
    user.is_organiser = is_organiser
    action = "user.made_organiser" if is_organiser else "user.unmade_organiser"
    _record(session, action, organiser_id, user_id, now, address, reason)


def decide(
    session: Session,
    rules: AccountRules,
    organiser_id: int,
    user_id: int,
    approve: bool,
    reason: str = "",
    *,
    now: datetime,
    address: str = "",
) -> None:
    """Approves or rejects a registration, also one that was decided before; the person gets a mail.

    Raises:
        AccountError: the person is no organiser, there is no such registration, or it is decided so already.
    """
    require_organiser(session, rules, organiser_id)
    registration, user = session.get(Registration, user_id), session.get(User, user_id)
    if registration is None or user is None or user.email_confirmed_at is None:
        raise AccountError("there is no such registration", Reason.NOT_FOUND)
    status: RegistrationStatus = "approved" if approve else "rejected"
    if registration.status == status:
        raise AccountError(f"the registration is {status} already", Reason.INVALID)
    reason = check_text(reason, "reason", _LONGEST_REASON)
    registration.status, registration.reason = status, reason
    registration.decided_by, registration.decided_at = organiser_id, now
    letter = letters.approved(rules, user.name) if approve else letters.rejected(rules, user.name, reason)
    enqueue(session, user.email, letter, now=now)
    record(
        session,
        f"registration.{status}",
        f"user:{user_id}",
        actor_id=organiser_id,
        now=now,
        address=address,
        reason=reason,
    )


def disable_user(
    session: Session,
    rules: AccountRules,
    organiser_id: int,
    user_id: int,
    *,
    now: datetime,
    address: str = "",
    reason: str = "",
) -> None:
    """Shuts a person out at once: no session or API token is good any more.

    Raises:
        AccountError: the person is no organiser, or there is no such other person.
    """
    require_organiser(session, rules, organiser_id)
    user = _other_user(session, organiser_id, user_id)
    user.disabled_at = now
    close_all_sessions(session, user_id)
    live = (ApiToken.user_id == user_id) & ApiToken.revoked_at.is_(None)
    session.execute(update(ApiToken).where(live).values(revoked_at=now))
    _record(session, "user.disabled", organiser_id, user_id, now, address, reason)


def enable_user(
    session: Session,
    rules: AccountRules,
    organiser_id: int,
    user_id: int,
    *,
    now: datetime,
    address: str = "",
    reason: str = "",
) -> None:
    """Lets a person log in again.

    Raises:
        AccountError: the person is no organiser, or there is no such other person.
    """
    require_organiser(session, rules, organiser_id)
    _other_user(session, organiser_id, user_id).disabled_at = None
    _record(session, "user.enabled", organiser_id, user_id, now, address, reason)


def _record(
    session: Session, action: str, organiser_id: int, user_id: int, now: datetime, address: str, reason: str
) -> None:
    why = {"reason": check_text(reason, "reason", _LONGEST_REASON)} if reason else {}
    record(session, action, f"user:{user_id}", actor_id=organiser_id, now=now, address=address, **why)


def _other_user(session: Session, organiser_id: int, user_id: int) -> User:
    user = session.get(User, user_id)
    if user is None or user_id == organiser_id:
        raise AccountError("there is no such other person", Reason.NOT_FOUND)
    return user
