"""New passwords: for people who forgot theirs, and for those who know it."""

from __future__ import annotations

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from unicare.web.accounts import letters
from unicare.web.accounts.door import Door, Origin
from unicare.web.accounts.log_in import count_password_try, forget_password_tries
from unicare.web.accounts.names import email_key
from unicare.web.accounts.one_time import find_link, make_link, void_links
from unicare.web.accounts.passwords import check_password
from unicare.web.accounts.refusals import Reason, Refused
from unicare.web.accounts.registration import MailSent, count_form
from unicare.web.accounts.sessions import close_all_sessions
from unicare.web.accounts.throttle import may_mail
from unicare.web.database import record
from unicare.web.database.tables import ApiToken, Registration, User
from unicare.web.mail import enqueue

__all__ = ["ask_reset", "change_password", "reset_password"]


def ask_reset(door: Door, email: str, origin: Origin) -> MailSent | Refused:
    """Sends a link that sets a new password, if the address has an account; the answer is the same if not."""
    refused = count_form(door, origin)
    if refused is not None:
        return refused
    key = email_key(email)
    # Its time varies by more than a mail in the outbox costs, so the few tries in an hour tell nothing.
    door.passwords.verify(None, "")

    def write(session: Session) -> None:
        now = door.clock()
        user = session.scalar(select(User).where(User.email_key == key))
        allowed = may_mail(session, door.rules, key, origin.address, now)  # counted for unknown ones as well
        sent = user is not None and allowed and user.disabled_at is None
        if user is not None and sent:
            nonce = make_link(
                session, door.links, user.id, "reset", lifetime=door.rules.reset_lifetime, now=now
            )
            letter = letters.new_password(door.rules, user.name)
            enqueue(session, user.email, letter, now=now, token_nonce=nonce)
        subject = "user:unknown" if user is None else f"user:{user.id}"
        record(session, "password.reset_asked", subject, now=now, address=origin.address, sent=sent)

    door.database.transact(write)
    return MailSent(email)


def reset_password(door: Door, token: str, password: str, origin: Origin) -> Refused | None:
    """Sets a new password by the link of a mail; every session and API token of the person is void then.

    As the link shows who reads the mailbox, the address counts as confirmed. Where it wasn't, whoever
    registered it may have been somebody else, and the data-use agreement has to be accepted again.

    Returns:
        None if it is done, else why not.

    Raises:
        AccountError: the password isn't good enough.
    """
    refused = count_form(door, origin)
    if refused is not None:
        return refused
    with door.database.reading() as session:
        link = find_link(session, token, "reset", door.clock())
        user = None if link is None else session.get(User, link.user_id)
    if user is None:
        return Refused(Reason.LINK_VOID)
    check_password(password, user.email, user.name)
    password_hash = door.passwords.hash(password)

    def write(session: Session) -> Refused | None:
        now = door.clock()
        link = find_link(session, token, "reset", now)
        person = None if link is None else session.get(User, link.user_id)
        if link is None or person is None or person.disabled_at is not None:
            return Refused(Reason.LINK_VOID)
        link.used_at = now
        person.password_hash = password_hash
        void_links(session, person.id, "confirm", now)
        if person.email_confirmed_at is None:
            person.email_confirmed_at = now
            _begin_registration_anew(session, door, person.id)
        close_all_sessions(session, person.id)
        session.execute(
            update(ApiToken)
            .where(ApiToken.user_id == person.id, ApiToken.revoked_at.is_(None))
            .values(revoked_at=now)
        )
        enqueue(session, person.email, letters.password_changed(door.rules, person.name), now=now)
        record(
            session,
            "password.reset",
            f"user:{person.id}",
            actor_id=person.id,
            now=now,
            address=origin.address,
        )
        return None

    return door.database.transact(write)


def change_password(
    door: Door, user_id: int, old: str, new: str, origin: Origin, *, session_token: str | None = None
) -> Refused | None:
    """Changes the password of a person who knows it; all other sessions are closed.

    Args:
        door: the site's.
        user_id: the person.
        old: the password until now.
        new: the password from now on.
        origin: from where.
        session_token: of the browser that goes on.

    Returns:
        None if it is done, else why not.

    Raises:
        AccountError: the new one isn't good enough.
    """
    with door.database.reading() as session:
        user = session.get_one(User, user_id)
    check_password(new, user.email, user.name)
    wait = count_password_try(door, user.email_key, origin)
    if wait is not None:
        return Refused(Reason.TOO_OFTEN, wait)
    if not door.passwords.verify(user.password_hash, old):
        return Refused(Reason.WRONG, instead="The password until now isn't right.")
    password_hash = door.passwords.hash(new)

    def write(session: Session) -> Refused | None:
        now = door.clock()
        person = session.get_one(User, user_id)
        if person.password_hash != user.password_hash:
            return Refused(Reason.WRONG)
        person.password_hash = password_hash
        void_links(session, person.id, "reset", now)
        close_all_sessions(session, person.id, keep=session_token)
        forget_password_tries(session, person.email_key, origin)
        enqueue(session, person.email, letters.password_changed(door.rules, person.name), now=now)
        record(
            session,
            "password.changed",
            f"user:{user_id}",
            actor_id=user_id,
            now=now,
            address=origin.address,
        )
        return None

    return door.database.transact(write)


def _begin_registration_anew(session: Session, door: Door, user_id: int) -> None:
    registration = session.get(Registration, user_id)
    if registration is None:
        return
    registration.agreement_version = registration.agreed_at = None
    if not door.rules.approval and registration.status == "pending":
        registration.status, registration.decided_at = "approved", door.clock()
