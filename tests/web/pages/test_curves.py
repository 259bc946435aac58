"""Lines over time: places that anyone can work out, and what holds for all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.web.boards.facts import ColumnFacts, HistoryFacts, HistoryLine, HistoryPoint, HistoryTable
from unicare.web.pages.curves import Curves, Picture, curves

BEGIN = datetime(2025, 6, 1, tzinfo=UTC)
DICE = ColumnFacts(name="dice", title="Dice", unit="", better="higher")

Points = list[tuple[float, float | None]]
"""Days after the beginning, and scores."""


def drawn(days: float = 10, **teams: Points) -> Curves | None:
    """The pictures of one table, whose teams stand in the order in which they are given."""
    lines = tuple(
        HistoryLine(
            team=team,
            points=tuple(
                HistoryPoint(
                    at=BEGIN + timedelta(days=day), score=score, rank=None if score is None else number
                )
                for day, score in points
            ),
        )
        for number, (team, points) in enumerate(teams.items(), start=1)
    )
    table = HistoryTable(name="all", title="All", topic="All", distribution=None, score=DICE, lines=lines)
    end = BEGIN + timedelta(days=days)
    return curves(HistoryFacts(board="b", edition="current", sort="dice", as_of=end, tables=(table,)))


def picture(days: float = 10, **teams: Points) -> Picture:
    found = drawn(days, **teams)
    assert found is not None
    (one,) = found.pictures
    return one


def test_a_line_keeps_its_height_until_a_run_changes_it() -> None:
    found = picture(North=[(0, 0.5), (5, 0.9)])
    (line,) = found.lines
    assert line.path == "M0 100 H48.54 V0 H100"  # 5 of 10.3 days: there is room behind the last moment
    assert (line.number, line.end) == (1, 0.0)
    assert [(tick.value, tick.place) for tick in found.ticks] == [
        (pytest.approx(0.5), 100.0),
        (pytest.approx(0.6), 75.0),
        (pytest.approx(0.7), 50.0),
        (pytest.approx(0.8), 25.0),
        (pytest.approx(0.9), 0.0),
    ]
    assert (found.start, found.end) == (BEGIN, BEGIN + timedelta(days=10))


def test_a_team_that_left_and_came_back_has_a_gap() -> None:
    (line,) = picture(North=[(0, 0.5), (2, None), (4, 0.9)]).lines
    assert line.path == "M0 100 H19.42 M38.83 0 H100"
    (line,) = picture(North=[(0, 0.5), (1, 0.9), (2, None)]).lines
    assert line.path.endswith("V0 H19.42")
    assert line.end is None


def test_there_is_no_picture_of_a_single_moment() -> None:
    assert drawn(North=[(1, 0.5)], South=[(1, 0.6)]) is None
    assert drawn() is None


def test_five_teams_have_colours_the_best_lie_on_top() -> None:
    teams: dict[str, Points] = {f"Team {n}": [(0, 0.9 - n / 100), (1, 0.9 - n / 50)] for n in range(8)}
    found = drawn(10, **teams)
    assert found is not None
    assert found.teams == ("Team 0", "Team 1", "Team 2", "Team 3", "Team 4")
    assert found.others == 3
    assert [line.number for line in found.pictures[0].lines] == [0, 0, 0, 5, 4, 3, 2, 1]


scores = st.floats(-1e6, 1e6).map(lambda score: round(score, 4))


@given(st.lists(st.lists(st.tuples(st.floats(0, 9), scores), min_size=1, max_size=4), min_size=1, max_size=7))
@settings(deadline=None, max_examples=200)
def test_nothing_leaves_the_picture(teams: list[Points]) -> None:
    found = drawn(10, **{str(n): sorted(points, key=lambda p: p[0]) for n, points in enumerate(teams)})
    if found is None:
        return
    for one in found.pictures:
        numbers = [
            float(number)
            for line in one.lines
            for number in line.path.replace("M", " ").replace("H", " ").replace("V", " ").split()
        ]
        assert all(-0.01 <= number <= 100.01 for number in numbers)
        assert 2 <= len(one.ticks) <= 9
        labels = sorted(line.label for line in one.lines if line.number)
        assert all(0 <= label <= 100 for label in labels)
        assert all(after - before > 7.9 for before, after in pairwise(labels))
