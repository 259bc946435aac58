"""News that organisers write on the site."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fastapi import Response

from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.challenge import Challenge
from unicare.web.challenge.times import parse_moment
from unicare.web.deps import Known, Now, OrganiserOf, SiteOf
from unicare.web.organise.announcements import LONGEST_TEXT, LONGEST_TITLE
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.organise import announcements as api
from unicare.web.routes.api.organise.asked import Because
from unicare.web.routes.pages.organise.shown import Written, page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part("/organise")

_LIST = "/organise/announcements"


@router.get("/announcements")
def announcements(view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now) -> Response:
    """All news, and a form for more."""
    return _page(view, site, asker, now)


@router.post("/announcements")
def announced(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    now: Now,
    title: Written = "",
    text: Written = "",
    at: Written = "",
    zone: Written = "",
    do: Written = "",
) -> Response:
    """Publishes news, or shows how they would look."""
    given = {"title": title, "text": text, "at": at, "zone": zone}

    def act() -> None:
        body = api.NewAnnouncement(title=title, text=text, at=_moment(at, zone))
        api.announced(site, asker, now, body)

    if do == "preview":
        return _page(view, site, asker, now, given=given, looks=True)
    return view.form(
        act,
        lambda: view.go(_LIST, "announced-later" if at.strip() else "announced"),
        lambda told: _page(view, site, asker, now, told, "write", given),
    )


@router.post("/announcements/{announcement_id}/withdraw")
def withdrawn(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, announcement_id: Number, reason: Written = ""
) -> Response:
    """Takes news back."""
    return view.form(
        lambda: api.withdrawn(site, asker, now, announcement_id, Because(reason=reason)),
        lambda: view.go(_LIST, "announcement-withdrawn"),
        lambda told: _page(view, site, asker, now, told, f"withdraw-{announcement_id}", {"reason": reason}),
    )


def _moment(at: str, zone: str) -> datetime | None:
    """What was written; None if nothing was, which means at once.

    Raises:
        AccountError: there is no such date or time zone.
    """
    if not at.strip():
        return None
    try:
        return parse_moment(f"{at.strip()[:16].replace('T', ' ')} {zone.strip() or 'UTC'}")
    except ValueError as error:
        raise AccountError(str(error)[:300], Reason.INVALID, field="at") from None


def _page(
    view: View,
    site: Site,
    asker: Known,
    now: datetime,
    told: Told | None = None,
    form: str = "",
    given: dict[str, str] | None = None,
    looks: bool = False,
) -> Response:
    given = given or {}
    values: dict[str, Any] = {
        "facts": api.announcements(site, asker, now),
        "given": {"zone": _own_zone(site.challenge), **given},
        "preview": None,
        "longest_title": LONGEST_TITLE,
        "longest_text": LONGEST_TEXT,
    }
    if looks:
        written = api.WrittenText(text=given["text"][: 2 * LONGEST_TEXT])
        values["preview"] = api.preview(site, asker, written)
    return page(view, "announcements", "announcements", told, form, **values)


def _own_zone(challenge: Challenge) -> str:
    """In which the challenge has its dates."""
    dates = [one.start for one in challenge.phases if one.start is not None]
    return str(dates[0].tzinfo) if dates else "UTC"
