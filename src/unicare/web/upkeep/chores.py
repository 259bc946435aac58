"""What has to be done again and again while the site is up: mails, and throwing away what is void."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog
from sqlalchemy import select

from unicare.web.accounts.sweep import sweep
from unicare.web.challenge import Challenge
from unicare.web.database import Database, utc_now
from unicare.web.database.tables import OutboxMail
from unicare.web.life import find_arrivals
from unicare.web.life.watch import give_up_containers, watch_workers
from unicare.web.mail import Mailer, mailer_of, send_due
from unicare.web.settings import SiteSettings
from unicare.web.site import Site

__all__ = ["Chore", "chores_of", "mailer_here"]

_LOG = structlog.get_logger(__name__)
_MAIL_S = 1.0
_UPLOADS_S = 60.0
_WATCH_S = 60.0
_ACCOUNTS_S = 900.0
_CHALLENGE_S = 5.0


@dataclass(frozen=True)
class Chore:
    """Something that is done again and again.

    Attributes:
        name: for the log.
        every_s: the pause after each time.
        work: does it; what it raises is logged.
    """

    name: str
    every_s: float
    work: Callable[[], object]


def mailer_here(settings: SiteSettings) -> Mailer | None:
    """What sends the site's mails; None if nothing may.

    Without SMTP they are written to the log, links and all, which only one's own machine may have. A site
    that others can reach keeps them until there is SMTP.
    """
    return mailer_of(settings) if settings.smtp_url is not None or settings.local else None


def chores_of(site: Site, mailer: Mailer | None) -> tuple[Chore, ...]:
    """The chores of the process that serves a site.

    Args:
        site: that it serves.
        mailer: sends mails; None leaves them where they are.
    """
    database, settings = site.database, site.settings

    def send() -> None:
        if mailer is not None and _mail_is_due(database):
            send_due(database, mailer, sender=settings.mail_from, token_of=site.door.links.token_of)

    def tidy_accounts() -> None:
        database.transact(lambda session: sweep(session, site.rules, utc_now()))

    def watch() -> None:
        watch_workers(site.working, ())  # what serves pages does no work itself
        give_up_containers(site.working)

    return (
        Chore("mail", _MAIL_S, send),
        Chore("uploads", _UPLOADS_S, lambda: find_arrivals(site.working)),
        Chore("workers", _WATCH_S, watch),
        Chore("accounts", _ACCOUNTS_S, tidy_accounts),
        Chore("challenge", _CHALLENGE_S, ChallengeWatch(site.challenge).look),
    )


def _mail_is_due(database: Database) -> bool:
    """Looks without holding up those who write."""
    waiting = OutboxMail.sent_at.is_(None) & OutboxMail.failed_at.is_(None) & (OutboxMail.due_at <= utc_now())
    with database.reading() as session:
        return session.scalar(select(OutboxMail.id).where(waiting).limit(1)) is not None


class ChallengeWatch:
    """Says it when the challenge's folder is no longer what is served; that is read when the site starts."""

    def __init__(self, challenge: Challenge) -> None:
        self._challenge = challenge
        self._seen = dict(self._state())

    def look(self) -> bool:
        """Looks once; whether something has changed since the last time, which is then logged."""
        now = dict(self._state())
        changed = sorted(
            path.name for path in now.keys() | self._seen if now.get(path) != self._seen.get(path)
        )
        self._seen = now
        if changed:
            _LOG.warning(
                "the challenge has changed; restart unicare serve and its workers to take it up",
                files=changed,
            )
        return bool(changed)

    def _state(self) -> Iterator[tuple[Path, tuple[int, int] | None]]:
        """When its YAML, texts, and boards were written; not the reference data, which workers read anew."""
        folder = self._challenge.folder
        agreement = self._challenge.registration.agreement
        texts = [*self._challenge.texts.values(), *([agreement] if agreement is not None else [])]
        for path in {folder / "challenge.yaml", *texts, *folder.glob("boards/*.yaml")}:
            try:
                told = path.stat()
            except OSError:
                yield path, None
            else:
                yield path, (told.st_mtime_ns, told.st_size)
