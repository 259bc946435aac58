"""News that organisers write on the site, beside those of challenge.yaml."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.accounts.names import check_text
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.challenge import Challenge
from unicare.web.database import record
from unicare.web.database.tables import Announcement, User
from unicare.web.facts.base import Facts
from unicare.web.facts.challenge import NewsFacts
from unicare.web.facts.texts import Texts

__all__ = [
    "LONGEST_TEXT",
    "LONGEST_TITLE",
    "AnnouncementFacts",
    "AnnouncementState",
    "announce",
    "list_announcements",
    "shown_news",
    "withdraw",
]

LONGEST_TITLE = 200
LONGEST_TEXT = 20_000
_FURTHEST = timedelta(days=3660)


class AnnouncementState(StrEnum):
    """Whether news are shown. ``planned``: not yet."""

    PLANNED = "planned"
    SHOWN = "shown"
    WITHDRAWN = "withdrawn"


class AnnouncementFacts(Facts):
    """News, as organisers see them.

    Attributes:
        id: of the announcement; null for those of challenge.yaml, which only its file changes.
        at: from when on they are shown.
        state: whether they are.
        title: one line.
        text: Markdown.
        html: the same as it is shown.
        author: the organiser's name; null for those of challenge.yaml.
        withdrawn_at: since when they aren't shown; null if they are.
    """

    id: int | None
    at: datetime
    state: AnnouncementState
    title: str
    text: str
    html: str
    author: str | None
    withdrawn_at: datetime | None


def announce(
    session: Session,
    organiser_id: int,
    title: str,
    text: str,
    at: datetime | None,
    *,
    now: datetime,
    address: str,
) -> int:
    """Writes news.

    Args:
        session: of a transaction.
        organiser_id: by whom.
        title: one line.
        text: Markdown.
        at: from when on they are shown; at once if None.
        now: this moment.
        address: from where.

    Returns:
        The announcement's number.

    Raises:
        AccountError: title or text can't be used, or the moment has passed or is too far away.
    """
    title = " ".join(check_text(title, "title", LONGEST_TITLE).split())
    text = check_text(text, "text", LONGEST_TEXT)
    for field, value in (("title", title), ("text", text)):
        if not value:
            raise AccountError(f"the {field} is empty", Reason.INVALID, field=field)
    moment = now if at is None else at.astimezone(UTC)
    if not now - timedelta(minutes=1) <= moment <= now + _FURTHEST:
        raise AccountError(
            "news can’t be shown from then on",
            Reason.INVALID,
            field="at",
            found=f"{moment:%Y-%m-%d %H:%M} UTC",
            expected="a time to come, in the next ten years",
        )
    row = Announcement(title=title, text=text, author_id=organiser_id, published_at=moment)
    session.add(row)
    session.flush()
    record(
        session,
        "announcement.written",
        f"announcement:{row.id}",
        now=now,
        actor_id=organiser_id,
        address=address,
        title=title,
        at=moment.isoformat(),
    )
    return row.id


def withdraw(
    session: Session, organiser_id: int, announcement_id: int, reason: str, *, now: datetime, address: str
) -> None:
    """Takes news back, shown or planned; organisers still see them.

    Raises:
        AccountError: there are no such news, or they are withdrawn already.
    """
    row = session.get(Announcement, announcement_id)
    if row is None:
        raise AccountError("there is no such announcement", Reason.NOT_FOUND)
    if row.withdrawn_at is not None:
        raise AccountError("it is withdrawn already", Reason.TAKEN)
    row.withdrawn_at = now
    record(
        session,
        "announcement.withdrawn",
        f"announcement:{announcement_id}",
        now=now,
        actor_id=organiser_id,
        address=address,
        reason=reason,
    )


def list_announcements(
    session: Session, challenge: Challenge, texts: Texts, now: datetime
) -> tuple[AnnouncementFacts, ...]:
    """All news there are, newest first."""
    rows = session.execute(select(Announcement, User.name).join(User, User.id == Announcement.author_id))
    written = [
        AnnouncementFacts(
            id=row.id,
            at=row.published_at,
            state=_state(row.published_at, row.withdrawn_at, now),
            title=row.title,
            text=row.text,
            html=texts.html_of(row.text),
            author=author,
            withdrawn_at=row.withdrawn_at,
        )
        for row, author in rows
    ]
    given = [
        AnnouncementFacts(
            id=None,
            at=one.at,
            state=_state(one.at, None, now),
            title=one.title,
            text=one.text,
            html=texts.html_of(one.text),
            author=None,
            withdrawn_at=None,
        )
        for one in challenge.announcements
    ]
    return tuple(
        sorted([*written, *given], key=lambda one: (one.at.astimezone(UTC), one.id or 0), reverse=True)
    )


def shown_news(session: Session, texts: Texts, now: datetime) -> Sequence[NewsFacts]:
    """What everybody sees of the news that were written here, newest first."""
    shown = (Announcement.published_at <= now) & Announcement.withdrawn_at.is_(None)
    newest = (Announcement.published_at.desc(), Announcement.id.desc())
    return [
        NewsFacts(at=one.published_at, title=one.title, html=texts.html_of(one.text))
        for one in session.scalars(select(Announcement).where(shown).order_by(*newest))
    ]


def _state(at: datetime, withdrawn_at: datetime | None, now: datetime) -> AnnouncementState:
    if withdrawn_at is not None:
        return AnnouncementState.WITHDRAWN
    return AnnouncementState.PLANNED if at.astimezone(UTC) > now else AnnouncementState.SHOWN
