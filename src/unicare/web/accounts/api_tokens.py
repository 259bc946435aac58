"""Tokens by which a person's programs come in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from unicare.web.accounts.door import Door
from unicare.web.accounts.names import check_line
from unicare.web.accounts.people import Person, find_person
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.rules import AccountRules
from unicare.web.accounts.secret_tokens import API_PREFIX, hash_token, new_api_token
from unicare.web.database import record
from unicare.web.database.tables import ApiToken, User

__all__ = ["NewApiToken", "create_api_token", "list_api_tokens", "person_of_api_token", "revoke_api_token"]

_LONGEST_NAME = 100
_SEEN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True)
class NewApiToken:
    """A new token.

    Attributes:
        id: by which it is revoked.
        name: given to it.
        token: shown now and never again.
    """

    id: int
    name: str
    token: str

    def __repr__(self) -> str:
        return f"NewApiToken(id={self.id})"  # the token belongs in no log


def create_api_token(
    session: Session, rules: AccountRules, user_id: int, name: str, *, now: datetime, address: str = ""
) -> NewApiToken:
    """Makes a token.

    Raises:
        AccountError: the name can't be used, or the person has too many.
    """
    name = check_line(name, "name", _LONGEST_NAME)
    live = select(func.count()).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    if (session.scalar(live) or 0) >= rules.api_tokens:
        raise AccountError(
            "there are too many API tokens",
            Reason.TOO_MANY,
            found=rules.api_tokens,
            expected=f"fewer than {rules.api_tokens}",
            mend="revoke one",
        )
    token = new_api_token()
    row = ApiToken(token_hash=hash_token(token), user_id=user_id, name=name, created_at=now)
    session.add(row)
    session.flush()
    record(session, "api_token.created", f"api_token:{row.id}", actor_id=user_id, now=now, address=address)
    return NewApiToken(row.id, name, token)


def list_api_tokens(session: Session, user_id: int) -> Sequence[ApiToken]:
    """A person's tokens that aren't revoked, newest first."""
    rows = select(ApiToken).where(ApiToken.user_id == user_id, ApiToken.revoked_at.is_(None))
    return session.scalars(rows.order_by(ApiToken.id.desc())).all()


def revoke_api_token(
    session: Session, user_id: int, token_id: int, *, now: datetime, address: str = ""
) -> None:
    """Makes a token void.

    Raises:
        AccountError: the person has none of this number.
    """
    row = session.get(ApiToken, token_id)
    if row is None or row.user_id != user_id or row.revoked_at is not None:
        raise AccountError("there is no such API token", Reason.NOT_FOUND)
    row.revoked_at = now
    record(session, "api_token.revoked", f"api_token:{row.id}", actor_id=user_id, now=now, address=address)


def person_of_api_token(door: Door, token: str) -> Person | None:
    """Whose a token is, unless it is void or its owner disabled. Its use is noted every five minutes only."""
    if not token.startswith(API_PREFIX):
        return None
    now = door.clock()
    with door.database.reading() as session:
        found = session.scalar(
            select(ApiToken)
            .join(User, User.id == ApiToken.user_id)
            .where(
                ApiToken.token_hash == hash_token(token),
                ApiToken.revoked_at.is_(None),
                User.disabled_at.is_(None),
            )
        )
        person = None if found is None else find_person(session, door.rules, found.user_id)
    if found is not None and (found.last_used_at is None or now - found.last_used_at >= _SEEN_EVERY):
        used = update(ApiToken).where(ApiToken.id == found.id).values(last_used_at=now)
        door.database.transact(lambda session: session.execute(used))
    return person
