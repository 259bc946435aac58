"""Numbers and times as pages have them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from markupsafe import Markup, escape

__all__ = ["capital", "contact_link", "count", "day", "figure", "moment", "narrow_head", "signed"]

_MINUS = "−"
_SHORT = {
    "hausdorff_mm": "HD",
    "hd95_mm": "HD95",
    "assd_mm": "ASSD",
    "nsd": "NSD",
    "volume_error_ml": "Volume error",
    "generalised_dice": "gen. Dice",
    "expected_calibration_error": "ECE",
    "crps_volume_ml": "CRPS",
}
"""What the field calls metrics whose titles are longer than their figures."""


def figure(value: float | None, digits: int = 3) -> str:
    """A number with a true minus; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", _MINUS)


def signed(value: float, digits: int = 3) -> str:
    """The same with its sign, also of zero and what rounds to it."""
    text = f"{value:+.{digits}f}".replace("-", _MINUS)
    return f"±{text[1:]}" if not any(digit in text for digit in "123456789") else text


def count(number: int, thing: str, things: str | None = None) -> str:
    """1 case, 2 cases."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def capital(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]


def narrow_head(title: str, metric: str) -> Markup:
    """The head of a column: its title, on narrow screens the metric's short name to look at."""
    short = _SHORT.get(metric)
    if short is None or short == title:
        return escape(title)
    html = Markup('<span class="long">{}</span><span class="short" aria-hidden="true">{}</span>')
    return html.format(title, short)


def day(when: date) -> str:
    """10 Aug 2025."""
    return f"{when.day} {when:%b %Y}"


def moment(when: datetime) -> Markup:
    """10 Aug 2025, 00:00 UTC−8, as a ``time`` that machines read as well."""
    text = f"{when.day} {when:%b %Y, %H:%M} {_zone(when.utcoffset() or timedelta())}"
    return Markup('<time datetime="{}">{}</time>').format(when.astimezone(UTC).isoformat(), text)


def _zone(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    if minutes == 0:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else _MINUS}{hours}" + (f":{rest:02d}" if rest else "")


def contact_link(contact: str) -> Markup:
    """A link if it is an address on the web or of a mailbox, else the text."""
    if contact.startswith(("http://", "https://")):
        return Markup('<a href="{}">{}</a>').format(contact, contact.split("://", 1)[1].rstrip("/"))
    if "@" in contact and " " not in contact:
        return Markup('<a href="mailto:{}">{}</a>').format(contact, contact)
    return escape(contact)
