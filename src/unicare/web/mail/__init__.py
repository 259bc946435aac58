"""Mail: written into the database with what it is about, sent by a worker afterwards."""

from unicare.web.mail.letter import TOKEN, Letter
from unicare.web.mail.mailer import LogMailer, Mailer, MailError, SmtpMailer, mailer_of
from unicare.web.mail.outbox import enqueue
from unicare.web.mail.send import SentMails, send_due

__all__ = [
    "TOKEN",
    "Letter",
    "LogMailer",
    "MailError",
    "Mailer",
    "SentMails",
    "SmtpMailer",
    "enqueue",
    "mailer_of",
    "send_due",
]
