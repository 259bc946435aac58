"""Moments: what is written, what it means, and what nobody could say when it is."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.web.challenge.times import end_of_minute, parse_moment, show_moment

ZONES = (
    "UTC",
    "America/Los_Angeles",
    "Europe/Berlin",
    "Asia/Shanghai",
    "Asia/Kathmandu",
    "Etc/GMT+8",
    "Australia/Lord_Howe",
)
minutes = st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1)).map(
    lambda moment: moment.replace(second=0, microsecond=0)
)


@pytest.mark.parametrize(
    ("written", "utc"),
    [
        ("2025-07-30 23:59 America/Los_Angeles", "2025-07-31T06:59"),
        ("2025-01-30 23:59 America/Los_Angeles", "2025-01-31T07:59"),
        ("2025-07-30 23:59 Etc/GMT+8", "2025-07-31T07:59"),
        ("2025-07-30T23:59   Asia/Shanghai", "2025-07-30T15:59"),
        ("2024-02-29 00:00 UTC", "2024-02-29T00:00"),
    ],
)
def test_a_moment_is_that_of_its_zone(written, utc):
    assert parse_moment(written).astimezone(UTC) == datetime.fromisoformat(utc).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("2025-07-30 23:59", "no time zone"),
        ("2025-07-30 23:59:00", "no time zone"),
        ("2027-06-31 23:59", "no such date or time; found 2027-06-31 23:59 (day is out of range"),
        ("2027-06-31 23:59 UTC", "no such date or time; found 2027-06-31 23:59 UTC (day is out of range"),
        ("2027-06-30T23:59:00+01:00", "found 2027-06-30T23:59:00+01:00; expected a date, a time and a"),
        ("10.1.2026 9:00", "not a moment; found 10.1.2026 9:00; expected a date"),
        ("", "found nothing"),
        ("x" * 500, "found x{60}…; expected"),
        ("2025-07-30", "expected a date, a time and a time zone"),
        ("tomorrow", "expected a date"),
        ("2025-07-30 23:59 PDT/Pacific", "no time zone PDT/Pacific"),
        ("2025-07-30 23:59 America", "no time zone America"),
        ("2025-07-30 23:59 ../../etc/passwd", "no time zone ../../etc/passwd"),
        ("2025-07-30 23:59 -08:00", "expected an IANA name"),
        ("2025-02-30 12:00 UTC", "no such date or time"),
        ("2025-07-30 24:00 UTC", "no such date or time"),
        ("2025-03-30 02:30 Europe/Berlin", "doesn't exist"),
        ("2025-10-26 02:30 Europe/Berlin", "comes twice"),
        ("0001-01-01 00:00 Asia/Shanghai", "too far away"),
        (20250730, "expected a date"),
        (None, "expected a date"),
    ],
)
def test_what_is_no_moment_is_said(written, told):
    with pytest.raises(ValueError, match=told.replace("(", r"\(").replace("+", r"\+")):
        parse_moment(written)


@given(minutes, st.sampled_from(ZONES))
@settings(deadline=None, max_examples=300)
def test_a_moment_is_written_and_read_back_or_refused(local, zone):
    written = f"{local:%Y-%m-%d %H:%M} {zone}"
    offsets = {local.replace(tzinfo=ZoneInfo(zone), fold=fold).utcoffset() for fold in (0, 1)}
    if len(offsets) == 2:  # skipped, or there twice
        with pytest.raises(ValueError, match=r"doesn't exist|comes twice"):
            parse_moment(written)
        return
    moment = parse_moment(written)
    assert show_moment(moment) == written
    assert moment.astimezone(UTC) + offsets.pop() == local.replace(tzinfo=UTC)


@given(minutes, st.sampled_from(ZONES))
@settings(deadline=None, max_examples=100)
def test_a_minute_is_over_a_minute_later_whatever_clocks_do(instant, zone):
    there = instant.replace(tzinfo=UTC).astimezone(ZoneInfo(zone))
    assert end_of_minute(there) - there.astimezone(UTC) == timedelta(minutes=1)
