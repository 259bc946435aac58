"""Throwing away what is void: old sessions, links, counts of tries."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from unicare.web.accounts.rules import AccountRules
from unicare.web.database.tables import LoginSession, OneTimeToken, OutboxMail, Throttle

__all__ = ["sweep"]

_KEPT = timedelta(days=30)


def sweep(session: Session, rules: AccountRules, now: datetime) -> None:
    """Deletes what no longer lets anybody in, and what sent mails said. May run at any time, also twice.

    Addresses of the network and texts of mails are personal data, kept no longer than they are of use.
    Accounts that were never confirmed stay, as the audit log names them.
    """
    idle = LoginSession.last_seen_at <= now - rules.session_idle
    session.execute(delete(LoginSession).where(or_(LoginSession.expires_at <= now, idle)))
    session.execute(delete(Throttle).where(Throttle.window_end <= now))
    session.execute(delete(OneTimeToken).where(OneTimeToken.expires_at <= now - _KEPT))
    ended = or_(OutboxMail.sent_at <= now - _KEPT, OutboxMail.failed_at <= now - _KEPT)
    session.execute(update(OutboxMail).where(ended).values(body="", token_nonce=None))
