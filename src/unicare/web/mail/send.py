"""Sending what lies in the outbox, by any number of workers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from functools import partial

import structlog
from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from unicare.web.database import Database, utc_now
from unicare.web.database.tables import OutboxMail
from unicare.web.mail.letter import TOKEN
from unicare.web.mail.mailer import Mailer, MailError

__all__ = ["PATIENCE", "SentMails", "send_due"]

PATIENCE = timedelta(hours=72)
"""As long as links to confirm an address are good; a server may be away over a weekend."""

_LEASE = timedelta(minutes=5)
_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=4)
_LOG = structlog.get_logger(__name__)


@dataclass(frozen=True)
class SentMails:
    """What became of mails that were due.

    Attributes:
        sent: how many went out.
        put_off: how many will be tried again.
        given_up: how many never will.
    """

    sent: int = 0
    put_off: int = 0
    given_up: int = 0


def send_due(
    database: Database,
    mailer: Mailer,
    *,
    sender: str,
    token_of: Callable[[str], str],
    most: int = 100,
    clock: Callable[[], datetime] = utc_now,
) -> SentMails:
    """Sends mails that are due, oldest first.

    May run at the same time in any number of threads, processes and machines: one of them takes a mail, for
    five minutes. Who is killed between sending a mail and noting it leaves one that is sent again, with the
    same Message-ID. What isn't taken by the server is tried again ever less often, twelve times in all.

    Args:
        database: the site's.
        mailer: sends them.
        sender: address that they come from.
        token_of: from a mail's nonce to the token of its link.
        most: how many at most.
        clock: tells the time.
    """
    sent = put_off = given_up = 0
    for _ in range(most):
        now = clock()
        mail = database.transact(partial(_take, now=now))
        if mail is None:
            break
        error: MailError | None = None
        try:
            mailer.send(_message(mail, sender, token_of, now))
        except MailError as refused:
            error = refused
        except ValueError:  # an address that no header can hold
            error = MailError("the mail can't be written", permanent=True)
        ended = database.transact(partial(_note, mail=mail, error=error, now=clock()))
        sent, put_off, given_up = sent + ended.sent, put_off + ended.put_off, given_up + ended.given_up
    return SentMails(sent, put_off, given_up)


def _take(session: Session, *, now: datetime) -> OutboxMail | None:
    free = or_(OutboxMail.lease_expires_at.is_(None), OutboxMail.lease_expires_at <= now)
    waiting = OutboxMail.sent_at.is_(None) & OutboxMail.failed_at.is_(None) & (OutboxMail.due_at <= now)
    mail = session.scalar(
        select(OutboxMail)
        .where(waiting, free)
        .order_by(OutboxMail.due_at, OutboxMail.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    if mail is not None:
        mail.attempts += 1
        mail.lease_expires_at = now + _LEASE
    return mail


def _message(mail: OutboxMail, sender: str, token_of: Callable[[str], str], now: datetime) -> EmailMessage:
    token = "" if mail.token_nonce is None else token_of(mail.token_nonce)
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    message = EmailMessage()
    message["From"] = sender
    message["To"] = mail.recipient
    message["Subject"] = mail.subject
    message["Date"] = format_datetime(now)
    message["Message-ID"] = f"<outbox.{mail.id}.{mail.created_at:%Y%m%d%H%M%S%f}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.body.replace(TOKEN, token))
    return message


def _note(session: Session, *, mail: OutboxMail, error: MailError | None, now: datetime) -> SentMails:
    """What became of it, unless another worker has taken it since, because this one was too slow."""
    given_up = error is not None and (error.permanent or now - mail.created_at > PATIENCE)
    pause = min(_FIRST_PAUSE * 2 ** min(mail.attempts - 1, 10), _LONGEST_PAUSE)
    changes: dict[str, object] = {"lease_expires_at": None, "last_error": "" if error is None else str(error)}
    if error is None:
        changes["sent_at"] = now
    elif given_up:
        changes["failed_at"] = now
    else:
        changes["due_at"] = now + pause
    own = (OutboxMail.id == mail.id) & OutboxMail.sent_at.is_(None)
    if error is not None:
        own &= OutboxMail.attempts == mail.attempts
    session.execute(update(OutboxMail).where(own).values(changes))
    if error is None:
        return SentMails(sent=1)
    _LOG.warning("mail not sent", mail=mail.id, attempts=mail.attempts, given_up=given_up, error=str(error))
    return SentMails(given_up=1) if given_up else SentMails(put_off=1)
