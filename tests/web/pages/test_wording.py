"""Numbers, times and places as pages have them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from tests.web.sites import BEFORE, DURING, made_challenge

from unicare.web.facts.challenge import phase_facts
from unicare.web.pages.deadlines import Deadlines
from unicare.web.pages.tables import anchor, board_query
from unicare.web.pages.timeline import timeline
from unicare.web.pages.wording import contact_link, figure, moment, narrow_head, signed


def test_numbers_have_true_signs() -> None:
    assert figure(-1.25, 1) == "−1.2"
    assert figure(None) == "–"
    assert [signed(value, 2) for value in (0.5, -0.5, 0.001, -0.001, 0.0)] == [
        "+0.50",
        "−0.50",
        "±0.00",
        "±0.00",
        "±0.00",
    ]


@pytest.mark.parametrize(
    ("zone", "shown"),
    [("UTC", "UTC"), ("Etc/GMT+8", "UTC−8"), ("Asia/Kolkata", "UTC+5:30"), ("Europe/Berlin", "UTC+2")],
)
def test_times_tell_their_zone_as_everybody_reads_it(zone: str, shown: str) -> None:
    text = moment(datetime(2025, 8, 3, 7, 5, tzinfo=ZoneInfo(zone)))
    assert f">3 Aug 2025, 07:05 {shown}<" in text
    assert "+00:00" in text


def test_a_deadline_is_its_last_minute_as_it_is_written(tmp_path: Path) -> None:
    """The site reckons with the moment after it, in UTC."""
    challenge = made_challenge(tmp_path)
    phase = challenge.phase("validation")
    deadlines = Deadlines(challenge)
    assert phase.closes is not None
    for same in (phase.closes, phase.closes.astimezone(ZoneInfo("Asia/Tokyo"))):
        assert ">30 Jul 2025, 23:59 UTC+2<" in deadlines.show(same)
    released = datetime(2025, 8, 10, 10, 0, tzinfo=UTC)
    assert ">10 Aug 2025, 12:00 UTC+2<" in deadlines.show(released)
    other = released + timedelta(minutes=7)
    assert deadlines.show(other) == Deadlines(None).show(other) == moment(other)
    with_dates = timeline([one for one in phase_facts(challenge, DURING) if one.release is None], DURING)
    assert with_dates is not None
    assert with_dates.end == phase.end


@pytest.mark.parametrize(
    ("written", "html"),
    [
        ("https://x.org/", '<a href="https://x.org/">x.org</a>'),
        ("me@x.org", '<a href="mailto:me@x.org">me@x.org</a>'),
        ('"><script>', "&#34;&gt;&lt;script&gt;"),
        ("javascript:alert(1)", "javascript:alert(1)"),
    ],
)
def test_a_contact_is_a_link_if_it_is_an_address(written: str, html: str) -> None:
    assert contact_link(written) == html


def test_heads_of_columns_have_short_names_to_look_at_only() -> None:
    """What is read out, and looked for, is the whole title."""
    long, short = narrow_head("Hausdorff <distance>", "hausdorff_mm").split("</span>")[:2]
    assert long == '<span class="long">Hausdorff &lt;distance&gt;'
    assert short == '<span class="short" aria-hidden="true">HD'
    assert narrow_head("Dice", "dice") == "Dice"


def test_places_and_queries_are_plain() -> None:
    assert anchor("la OOD <x>") == "table-la-OOD-x"
    assert (
        board_query({"edition": "a&b", "sort": "", "order": ""}, "c=d", "best_first")
        == "?edition=a%26b&sort=c%3Dd"
    )


def test_phases_lie_on_one_line(tmp_path: Path) -> None:
    challenge = made_challenge(tmp_path)
    line = timeline(phase_facts(challenge, DURING), DURING)
    assert line is not None
    validation, test = line.bars
    assert validation.left == 0
    assert 0 < test.left < validation.width < 100
    assert test.left + test.width == pytest.approx(validation.width, abs=0.05)
    assert test.release == 100
    assert line.today is not None
    assert test.left < line.today < validation.width
    whole = line.end.astimezone(UTC) - line.start.astimezone(UTC)
    assert timedelta(days=80) < whole < timedelta(days=84)
    before = timeline(phase_facts(challenge, BEFORE), BEFORE)
    assert before is not None
    assert before.today is None


def test_phases_without_dates_have_no_line(tmp_path: Path) -> None:
    challenge = made_challenge(tmp_path)
    phases = [one.model_copy(update={"start": None, "end": None}) for one in phase_facts(challenge, DURING)]
    assert timeline(phases, DURING) is None
