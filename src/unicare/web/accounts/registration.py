"""Registering, and confirming the address.

Whoever registers gets the same answer, and costs the same work, whether the address has an account or not;
the mail tells its owner. An address that wasn't confirmed belongs to nobody: registering it again replaces
what was said before. Confirming needs the link and the password, so that nobody confirms a stranger's
registration of their address by following a link.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.accounts import letters
from unicare.web.accounts.door import Door, Origin
from unicare.web.accounts.log_in import count_password_try, forget_password_tries
from unicare.web.accounts.names import check_email, check_line, key_of
from unicare.web.accounts.one_time import find_link, make_link
from unicare.web.accounts.passwords import check_password
from unicare.web.accounts.refusals import AccountError, Reason, Refused
from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.secret_tokens import hash_token
from unicare.web.accounts.sessions import LoggedIn, open_session
from unicare.web.accounts.throttle import count_try, may_mail, network_of, throttle_key
from unicare.web.database import record
from unicare.web.database.tables import Registration, User
from unicare.web.mail import enqueue

__all__ = [
    "MailSent",
    "RegistrationForm",
    "check_form",
    "confirm_email",
    "count_form",
    "register",
]

_LONGEST_NAME = 100
_LONGEST_AFFILIATION = 200
_WRONG_PASSWORD = (
    "This isn't the password that was chosen when this address was registered. If it wasn't you, or you "
    "don't remember it, register again: the new mail's link counts."
)


@dataclass(frozen=True)
class RegistrationForm:
    """What a new person says.

    Attributes:
        email: address.
        name: for people.
        affiliation: for people.
        password: with which to log in.
        agreement_version: of the data-use agreement that was shown and accepted; None if none was.
    """

    email: str
    name: str
    affiliation: str
    password: str
    agreement_version: str | None = None

    def __repr__(self) -> str:
        return "RegistrationForm(…)"  # the password belongs in no log


@dataclass(frozen=True)
class MailSent:
    """The one answer to whoever asks for a mail: it is on its way, if there is anybody to send it to.

    Attributes:
        email: as written.
    """

    email: str


def register(door: Door, form: RegistrationForm, origin: Origin) -> MailSent | Refused:
    """Registers a person, who then has to confirm the address.

    Raises:
        AccountError: a field can't be used, the agreement isn't accepted, or it is too early or too late.
    """
    form = check_form(form)
    _check_rules(door.rules, form, door.clock())
    form = replace(form, agreement_version=door.rules.agreement_version)  # whatever was sent if there is none
    refused = count_form(door, origin)
    if refused is not None:
        return refused
    password_hash = door.passwords.hash(form.password)

    def write(session: Session) -> None:
        now = door.clock()
        user = session.scalar(select(User).where(User.email_key == key_of(form.email)))
        allowed = may_mail(session, door.rules, key_of(form.email), origin.address, now)
        if user is not None and not allowed:
            return
        if user is not None and user.email_confirmed_at is not None:
            enqueue(session, user.email, letters.already_registered(door.rules, user.name), now=now)
            record(session, "user.registered_again", f"user:{user.id}", now=now, address=origin.address)
            return
        user = _write_user(session, user, form, password_hash, now)
        nonce = make_link(
            session, door.links, user.id, "confirm", lifetime=door.rules.confirm_lifetime, now=now
        )
        letter = letters.confirm_address(door.rules, user.name)
        enqueue(session, user.email, letter, now=now, token_nonce=nonce)
        record(session, "user.registered", f"user:{user.id}", now=now, address=origin.address)

    door.database.transact(write)
    return MailSent(form.email)


def confirm_email(door: Door, token: str, password: str, origin: Origin) -> LoggedIn | Refused:
    """Confirms an address with the link that was sent there and the password of the registration; logs in.

    Where the challenge needs no approval, the person may take part from then on.
    """
    whom = hash_token(token)
    wait = count_password_try(door, whom, origin)
    if wait is not None:
        return Refused(Reason.TOO_OFTEN, wait)
    with door.database.reading() as session:
        link = find_link(session, token, "confirm", door.clock())
        user = None if link is None else session.get(User, link.user_id)
    right = door.passwords.verify(None if user is None else user.password_hash, password)

    def write(session: Session) -> LoggedIn | Refused:
        now = door.clock()
        link = find_link(session, token, "confirm", now)
        person = None if link is None else session.get(User, link.user_id)
        if link is None or person is None or user is None or person.disabled_at is not None:
            return Refused(Reason.LINK_VOID)
        if not right or person.password_hash != user.password_hash:
            return Refused(Reason.WRONG, instead=_WRONG_PASSWORD)
        link.used_at = person.email_confirmed_at = now
        registration = session.get(Registration, person.id)
        if registration is not None and not door.rules.approval and registration.status == "pending":
            registration.status, registration.decided_at = "approved", now
        forget_password_tries(session, whom, origin)
        record(
            session,
            "user.confirmed",
            f"user:{person.id}",
            actor_id=person.id,
            now=now,
            address=origin.address,
        )
        return open_session(session, door.rules, person.id, origin, now, None)

    return door.database.transact(write)


def check_form(form: RegistrationForm) -> RegistrationForm:
    """The form as it is kept.

    Raises:
        AccountError: a field can't be used.
    """
    form = replace(
        form,
        email=check_email(form.email),
        name=check_line(form.name, "name", _LONGEST_NAME),
        affiliation=check_line(form.affiliation, "affiliation", _LONGEST_AFFILIATION, empty=True),
    )
    check_password(form.password, form.email, form.name)
    return form


def count_form(door: Door, origin: Origin) -> Refused | None:
    """Counts a form that costs work; the limit is one of the sender's address alone."""
    key = throttle_key("form", network_of(origin.address))
    wait = door.database.transact(lambda session: count_try(session, key, door.rules.forms, door.clock()))
    return None if wait is None else Refused(Reason.TOO_OFTEN, wait)


def _check_rules(rules: AccountRules, form: RegistrationForm, now: datetime) -> None:
    if rules.opens is not None and now < rules.opens:
        raise AccountError(
            "registration isn't open yet", Reason.CLOSED, mend=f"it opens at {rules.opens:%Y-%m-%d %H:%M %Z}"
        )
    if rules.closes is not None and now >= rules.closes:
        raise AccountError("registration is closed", Reason.CLOSED, mend="write to the organisers")
    if rules.agreement_version not in (None, form.agreement_version):
        raise AccountError(
            "the data-use agreement isn't accepted, or has changed",
            Reason.AGREEMENT,
            field="agreement",
            mend="read and accept it",
        )


def _write_user(
    session: Session, user: User | None, form: RegistrationForm, password_hash: str, now: datetime
) -> User:
    """A new person, or what is said anew of an address that nobody has confirmed."""
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
        session.flush()
        session.add(Registration(user_id=user.id, status="pending", created_at=now))
        session.flush()
    user.email, user.name, user.affiliation = form.email, form.name, form.affiliation
    user.password_hash = password_hash
    registration = session.get_one(Registration, user.id)
    registration.agreement_version = form.agreement_version
    registration.agreed_at = None if form.agreement_version is None else now
    return user
