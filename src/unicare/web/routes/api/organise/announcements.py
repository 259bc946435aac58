"""News that organisers write on the site."""

from __future__ import annotations

from typing import Annotated

from pydantic import AwareDatetime, Field

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.facts.base import Facts
from unicare.web.organise.announcements import (
    LONGEST_TEXT,
    LONGEST_TITLE,
    AnnouncementFacts,
    announce,
    list_announcements,
    withdraw,
)
from unicare.web.organise.reason import check_reason
from unicare.web.routes.api.asked import Asked, Number
from unicare.web.routes.api.organise.asked import Because
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = [
    "NewAnnouncement",
    "PreviewFacts",
    "WrittenText",
    "announced",
    "announcements",
    "preview",
    "router",
    "withdrawn",
]

router = api_part("organise", "/organise")

Markdown = Annotated[str, Field(max_length=2 * LONGEST_TEXT, description="Markdown; HTML is shown as text.")]


class WrittenText(Asked):
    """A text to look at.

    Attributes:
        text: Markdown.
    """

    text: Markdown


class NewAnnouncement(WrittenText):
    """News.

    Attributes:
        title: one line.
        at: from when on they are shown, with a time zone; at once if null.
    """

    title: Annotated[str, Field(max_length=2 * LONGEST_TITLE)]
    at: AwareDatetime | None = None


class PreviewFacts(Facts):
    """A text as it would be shown.

    Attributes:
        html: of it.
    """

    html: str


@router.get("/announcements", responses=problems(401, 403))
def announcements(site: SiteOf, asker: OrganiserOf, now: Now) -> tuple[AnnouncementFacts, ...]:
    """All news: shown, planned, withdrawn, and those of challenge.yaml; newest first."""
    with site.database.reading() as session:
        return list_announcements(session, site.challenge, site.texts, now)


@router.post("/announcements/preview", responses=problems(401, 403, 422))
def preview(site: SiteOf, asker: OrganiserOf, body: WrittenText) -> PreviewFacts:
    """How a text would look; nothing is kept."""
    return PreviewFacts(html=site.texts.html_of(body.text[:LONGEST_TEXT]))


@router.post("/announcements", status_code=201, responses=problems(401, 403, 422))
def announced(site: SiteOf, asker: OrganiserOf, now: Now, body: NewAnnouncement) -> AnnouncementFacts:
    """Writes news, to be shown at once or from a moment on."""
    number = site.database.transact(
        lambda session: announce(
            *(session, asker.id, body.title, body.text, body.at), now=now, address=asker.origin.address
        )
    )
    return next(one for one in announcements(site, asker, now) if one.id == number)


@router.post("/announcements/{announcement_id}/withdraw", responses=problems(401, 403, 404, 409, 422))
def withdrawn(
    site: SiteOf, asker: OrganiserOf, now: Now, announcement_id: Number, body: Because
) -> AnnouncementFacts:
    """Takes news back; organisers still see them."""
    reason = check_reason(body.reason)
    site.database.transact(
        lambda session: withdraw(
            *(session, asker.id, announcement_id, reason), now=now, address=asker.origin.address
        )
    )
    return next(one for one in announcements(site, asker, now) if one.id == announcement_id)
