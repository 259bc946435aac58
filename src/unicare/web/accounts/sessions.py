"""Sessions of people who are logged in: opened, found, closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy import select as select_rows
from sqlalchemy.orm import Session

from unicare.web.accounts.door import Door, Origin
from unicare.web.accounts.people import Person, find_person
from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.secret_tokens import hash_token, new_session_token
from unicare.web.database import record
from unicare.web.database.tables import LoginSession, User

__all__ = [
    "LoggedIn",
    "close_all_sessions",
    "close_everywhere",
    "close_session",
    "open_session",
    "person_of_session",
]

_SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class LoggedIn:
    """A person came in.

    Attributes:
        user_id: who.
        token: for the cookie; known to nobody but the browser.
        expires_at: until when it is good.
    """

    user_id: int
    token: str
    expires_at: datetime

    def __repr__(self) -> str:
        return f"LoggedIn(user_id={self.user_id})"  # the token belongs in no log


def open_session(
    session: Session, rules: AccountRules, user_id: int, origin: Origin, now: datetime, old_token: str | None
) -> LoggedIn:
    """Lets a person in, always with a new token; what the browser had before is void."""
    if old_token:
        session.execute(delete(LoginSession).where(LoginSession.token_hash == hash_token(old_token)))
    token = new_session_token()
    expires_at = now + rules.session_lifetime
    session.add(
        LoginSession(
            token_hash=hash_token(token),
            user_id=user_id,
            created_at=now,
            last_seen_at=now,
            expires_at=expires_at,
            address=origin.address,
            agent=origin.agent,
        )
    )
    record(session, "session.opened", f"user:{user_id}", actor_id=user_id, now=now, address=origin.address)
    return LoggedIn(user_id, token, expires_at)


def person_of_session(door: Door, token: str) -> Person | None:
    """Whose the session of a cookie's token is; None if there is none, or none any more.

    That a person was seen is noted every five minutes only, so that reading pages doesn't write.
    """
    now = door.clock()
    with door.database.reading() as session:
        found = session.scalar(
            select_rows(LoginSession)
            .join(User, User.id == LoginSession.user_id)
            .where(
                LoginSession.token_hash == hash_token(token),
                LoginSession.expires_at > now,
                LoginSession.last_seen_at > now - door.rules.session_idle,
                User.disabled_at.is_(None),
            )
        )
        person = None if found is None else find_person(session, door.rules, found.user_id)
    if found is not None and now - found.last_seen_at >= _SEEN_EVERY:
        seen = update(LoginSession).where(LoginSession.id == found.id).values(last_seen_at=now)
        door.database.transact(lambda session: session.execute(seen))
    return person


def close_session(session: Session, token: str, *, now: datetime, address: str = "") -> None:
    """Logs out; a token that is void already is no error."""
    row = session.scalar(select_rows(LoginSession).where(LoginSession.token_hash == hash_token(token)))
    if row is not None:
        session.delete(row)
        record(
            session, "session.closed", f"user:{row.user_id}", actor_id=row.user_id, now=now, address=address
        )


def close_all_sessions(session: Session, user_id: int, *, keep: str | None = None) -> None:
    """Logs a person out everywhere, but for the browser with the token ``keep``."""
    rows = delete(LoginSession).where(LoginSession.user_id == user_id)
    if keep is not None:
        rows = rows.where(LoginSession.token_hash != hash_token(keep))
    session.execute(rows)


def close_everywhere(session: Session, user_id: int, *, now: datetime, address: str = "") -> None:
    """Logs a person out everywhere, because they ask for it."""
    close_all_sessions(session, user_id)
    record(
        session, "session.closed_everywhere", f"user:{user_id}", actor_id=user_id, now=now, address=address
    )
