"""When a phase is open, and when results are seen; at the very minute, in any time zone."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.web.challenge.phase import Phase, PhaseState
from unicare.web.challenge.times import parse_moment

SECOND = timedelta(seconds=1)


def phase(**changes):
    values = {
        "name": "test",
        "kind": "container",
        "start": "2025-06-20 00:00 America/Los_Angeles",
        "end": "2025-07-30 23:59 America/Los_Angeles",
        "release": "2025-08-10 12:00 America/Los_Angeles",
    }
    return Phase.model_validate(
        {key: value for key, value in {**values, **changes}.items() if value is not None}
    )


@pytest.mark.parametrize(
    ("utc", "state"),
    [
        ("2025-06-20T06:59:59", PhaseState.UPCOMING),
        ("2025-06-20T07:00:00", PhaseState.OPEN),
        ("2025-07-31T06:59:00", PhaseState.OPEN),
        ("2025-07-31T06:59:59.999999", PhaseState.OPEN),
        ("2025-07-31T07:00:00", PhaseState.CLOSED),
        ("2025-08-10T18:59:59", PhaseState.CLOSED),
        ("2025-08-10T19:00:00", PhaseState.RELEASED),
    ],
)
@pytest.mark.parametrize("seen_from", ["UTC", "America/Los_Angeles", "Asia/Kathmandu"])
def test_states_change_at_the_minute(utc, state, seen_from):
    now = datetime.fromisoformat(utc).replace(tzinfo=UTC).astimezone(ZoneInfo(seen_from))
    assert phase().state(now) is state


def test_without_a_release_results_are_out_when_the_phase_is_over():
    over = datetime(2025, 7, 31, 7, 0, tzinfo=UTC)
    assert phase(release=None).state(over - SECOND) is PhaseState.OPEN
    assert phase(release=None).state(over) is PhaseState.RELEASED


def test_an_hour_that_comes_twice_counts_twice():
    """In Berlin the clocks go back from 03:00 to 02:00."""
    short = phase(start="2025-10-26 01:00 Europe/Berlin", end="2025-10-26 03:00 Europe/Berlin", release=None)
    begin = datetime(2025, 10, 25, 23, 0, tzinfo=UTC)
    assert short.closes == begin + timedelta(hours=3, minutes=1)
    berlin = ZoneInfo("Europe/Berlin")
    for fold in (0, 1):
        assert short.state(datetime(2025, 10, 26, 2, 30, tzinfo=berlin, fold=fold)) is PhaseState.OPEN
    assert short.state(begin + timedelta(hours=3, minutes=1)) is PhaseState.RELEASED


def test_the_last_minute_before_the_clocks_go_forward_is_a_minute_long():
    spring = phase(start="2025-03-29 00:00 Europe/Berlin", end="2025-03-30 01:59 Europe/Berlin", release=None)
    assert spring.closes == datetime(2025, 3, 30, 1, 0, tzinfo=UTC)


def test_pacific_standard_time_is_later_than_the_west_coast_in_summer():
    assert phase(end="2025-07-30 23:59 Etc/GMT+8").closes - phase().closes == timedelta(hours=1)


@given(st.datetimes(datetime(2025, 1, 1), datetime(2025, 12, 31)), st.integers(-14 * 60, 14 * 60))
@settings(deadline=None, max_examples=200)
def test_the_state_is_that_of_the_instant_not_of_the_clock(instant, offset_minutes):
    order = list(PhaseState)
    elsewhere = timezone(timedelta(minutes=offset_minutes))
    now = instant.replace(tzinfo=UTC)
    assert phase().state(now) is phase().state(now.astimezone(elsewhere))
    assert order.index(phase().state(now)) <= order.index(phase().state(now + SECOND))


@given(st.permutations([parse_moment(f"2025-0{month}-01 12:00 Europe/Berlin") for month in (3, 4, 6, 9)]))
@settings(deadline=None)
def test_every_phase_has_a_state_at_every_time(moments):
    start, end, release, now = moments
    state = phase(start=start, end=end, release=release).state(now)
    assert (state is PhaseState.UPCOMING) == (now < start)
    assert (state is PhaseState.OPEN) == (start <= now <= end)


def test_always_open_is_open():
    always = phase(start=None, end=None, release=None, always_open=True, show_boards="at_once")
    assert always.state(datetime(1970, 1, 1, tzinfo=UTC)) is PhaseState.OPEN
    assert always.shows_boards(datetime(1970, 1, 1, tzinfo=UTC))
    assert not phase(start=None, end=None, release=None, always_open=True).shows_boards(datetime.now(UTC))


def test_results_are_hidden_until_release():
    hidden = phase(show_scores="on_release", show_boards="on_release")
    release = datetime(2025, 8, 10, 19, 0, tzinfo=UTC)
    for shows in (hidden.shows_scores, hidden.shows_boards):
        assert not shows(release - SECOND)
        assert shows(release)
    shown = phase(show_scores="at_once", show_boards="at_once")
    start = datetime(2025, 6, 20, 7, 0, tzinfo=UTC)
    for shows in (shown.shows_scores, shown.shows_boards):
        assert not shows(start - SECOND)
        assert shows(start)


def test_a_time_without_zone_is_refused():
    with pytest.raises(ValueError, match="no time zone"):
        phase().state(datetime(2025, 7, 1))
