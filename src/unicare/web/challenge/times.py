"""Moments as organisers write them: date, time and time zone, ``2025-07-30 23:59 America/Los_Angeles``."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import PlainValidator

__all__ = ["Moment", "end_of_minute", "parse_moment", "show_moment"]

_FORM = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)\s+(\S+)")
_LOCAL = re.compile(r"(\d{4})-(\d\d)-(\d\d)[ T](\d\d):(\d\d)(:\d\d)?")
_LONGEST = 60
_EXAMPLE = "a date, a time and a time zone, such as 2025-07-30 23:59 America/Los_Angeles"


def parse_moment(written: Any) -> datetime:
    """Reads date, time to the minute, and an IANA time zone.

    A time that the zone's clocks skip or show twice (when summer time begins and ends) is refused: nobody
    could say when it is.

    Returns:
        An aware datetime, whose ``tzinfo`` is the zone that was written.

    Raises:
        ValueError: says what isn't right.
    """
    if isinstance(written, datetime) and isinstance(written.tzinfo, ZoneInfo):
        return written
    text = str(written).strip()
    match = _FORM.fullmatch(text)
    if match is None:
        local = _LOCAL.fullmatch(text)
        if local is not None:
            _moment(local, None)
            raise ValueError(f"no time zone in {text!r}; expected {_EXAMPLE}")
        found = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
        raise ValueError(f"not a moment; found {found or 'nothing'}; expected {_EXAMPLE}")
    moment = _moment(match, _zone(match[6]))
    _refuse_unclear(moment, text)
    return moment


def _moment(match: re.Match[str], zone: ZoneInfo | None) -> datetime:
    try:
        year, month, day, hour, minute = (int(digits) for digits in match.groups()[:5])
        return datetime(year, month, day, hour, minute, tzinfo=zone)
    except ValueError as error:
        raise ValueError(f"no such date or time; found {match[0]} ({error})") from None


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown, or no name that a zone can have, or a folder of zones
        raise ValueError(
            f"no time zone {name}; expected an IANA name such as UTC, Europe/Berlin, Asia/Shanghai "
            "or America/Los_Angeles (see https://www.iana.org/time-zones)"
        ) from None


def _refuse_unclear(moment: datetime, text: str) -> None:
    try:
        there_and_back = moment.astimezone(UTC).astimezone(moment.tzinfo)
    except OverflowError:
        raise ValueError(f"{text}: too far away") from None
    if there_and_back.replace(tzinfo=None) != moment.replace(tzinfo=None):
        raise ValueError(f"{text} doesn't exist: the clocks are put forward then; take another minute")
    if moment.replace(fold=0).utcoffset() != moment.replace(fold=1).utcoffset():
        raise ValueError(f"{text} comes twice: the clocks are put back then; say it in UTC")


def end_of_minute(moment: datetime) -> datetime:
    """When the minute is over, in UTC: a deadline of 23:59 is missed from 24:00 on."""
    return moment.astimezone(UTC) + timedelta(minutes=1)


def show_moment(moment: datetime) -> str:
    """As it is written in challenge.yaml."""
    return f"{moment:%Y-%m-%d %H:%M} {moment.tzinfo}"


Moment = Annotated[datetime, PlainValidator(parse_moment)]
"""A moment in a model: see ``parse_moment``."""
