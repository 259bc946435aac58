"""Ways for a mail to leave the site: SMTP, or the log."""

from __future__ import annotations

import smtplib
import ssl
import sys
from email.message import EmailMessage
from typing import Protocol, TextIO
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import SecretStr

from unicare.core.errors import UnicareError
from unicare.web.settings import SiteSettings, is_local

__all__ = ["LogMailer", "MailError", "Mailer", "SmtpMailer", "mailer_of"]

_PATIENCE_S = 30.0


class MailError(UnicareError):
    """A mail that couldn't be sent.

    Attributes:
        permanent: whether it never can be.
    """

    def __init__(self, what: str, *, permanent: bool, found: object = None) -> None:
        super().__init__(what, found=found)
        self.permanent = permanent


class Mailer(Protocol):
    """Sends mails."""

    def send(self, message: EmailMessage) -> None:
        """Hands over one mail.

        Raises:
            MailError: it wasn't taken.
        """
        ...


class LogMailer:
    """Writes mails out instead of sending them, links included: for one's own machine only."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr

    def send(self, message: EmailMessage) -> None:
        """Writes one mail."""
        text = str(message.get_content()).rstrip()
        lines = [f"To: {message['To']}", f"Subject: {message['Subject']}", "", *text.splitlines()]
        self._stream.write("mail, not sent:\n" + "".join(f"    {line}".rstrip() + "\n" for line in lines))
        self._stream.flush()


class SmtpMailer:
    """Sends mails through a server, each over a connection of its own.

    Args:
        url: ``smtp://user:password@host:587``, where TLS is begun if the server offers it and insisted on
            before a password is sent to another machine, or ``smtps://user:password@host:465``.
    """

    def __init__(self, url: SecretStr) -> None:
        self._url = url

    def send(self, message: EmailMessage) -> None:
        """Sends one mail.

        Raises:
            MailError: the server wasn't reached, or refused it.
        """
        server = urlsplit(self._url.get_secret_value())
        try:
            with _connect(server) as connection:
                _prepare(connection, server)
                connection.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            codes = {code for code, _ in error.recipients.values()}
            permanent = all(500 <= code < 600 for code in codes)
            raise MailError("the recipient is refused", permanent=permanent, found=sorted(codes)) from None
        except smtplib.SMTPResponseException as error:
            raise MailError(
                "the mail server refuses", permanent=False, found=f"{type(error).__name__} {error.smtp_code}"
            ) from None
        except (smtplib.SMTPException, OSError) as error:
            raise MailError(
                "the mail server can't be used", permanent=False, found=type(error).__name__
            ) from None


def _connect(server: SplitResult) -> smtplib.SMTP:
    host = server.hostname or "localhost"
    if server.scheme == "smtps":
        tls = ssl.create_default_context()
        return smtplib.SMTP_SSL(host, server.port or 465, timeout=_PATIENCE_S, context=tls)
    return smtplib.SMTP(host, server.port or 587, timeout=_PATIENCE_S)


def _prepare(connection: smtplib.SMTP, server: SplitResult) -> None:
    """TLS, and the log-in."""
    connection.ehlo_or_helo_if_needed()
    encrypted = server.scheme == "smtps"
    if not encrypted and connection.has_extn("starttls"):
        connection.starttls(context=ssl.create_default_context())
        connection.ehlo()
        encrypted = True
    if server.username is None:
        return
    if not encrypted and not is_local(server.hostname or ""):
        raise MailError("the mail server offers no TLS, a password isn't sent to it", permanent=False)
    connection.login(unquote(server.username), unquote(server.password or ""))


def mailer_of(settings: SiteSettings) -> Mailer:
    """SMTP where a server is set, else the log."""
    return LogMailer() if settings.smtp_url is None else SmtpMailer(settings.smtp_url)
