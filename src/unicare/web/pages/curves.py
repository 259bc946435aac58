"""Scores over time as lines: where each begins, steps and ends, in percent of the picture."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from unicare.web.boards.facts import ColumnFacts, HistoryFacts, HistoryTable

__all__ = ["Curve", "Curves", "Picture", "Tick", "curves"]

_COLOURED = 5
_TICKS = 4
_ROOM = 0.03
"""Of the width, behind the last moment, so that one sees what happened in it."""

_APART = 8.0  # percent of the height that the numbers at the ends of lines need


@dataclass(frozen=True)
class Curve:
    """One team's line.

    Attributes:
        number: the team's, 0 if it has no colour.
        path: steps, in the units of an SVG path from 0 to 100 both ways.
        end: where the line ends, from the top; None if the team left the table.
        label: where its number stands, from the top; numbers keep apart.
    """

    number: int
    path: str
    end: float | None
    label: float


@dataclass(frozen=True)
class Tick:
    """A line across the picture.

    Attributes:
        value: of the score.
        digits: that it is written with.
        place: from the top.
    """

    value: float
    digits: int
    place: float


@dataclass(frozen=True)
class Picture:
    """The picture of a table.

    Attributes:
        table: name of the table.
        title: for people.
        topic: what it is about.
        distribution: ID, OOD; None for both.
        score: the column.
        start: left end.
        end: right end.
        lines: those with colours last, so that they lie on top.
        ticks: across the picture.
    """

    table: str
    title: str
    topic: str
    distribution: str | None
    score: ColumnFacts
    start: datetime
    end: datetime
    lines: tuple[Curve, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Curves:
    """Pictures of all tables; a team has the same colour in all of them.

    Attributes:
        pictures: of the tables in which anything has happened after the first run.
        teams: those with a colour, in the order of their numbers, which count from 1.
        others: how many have none.
    """

    pictures: tuple[Picture, ...]
    teams: tuple[str, ...]
    others: int


def curves(history: HistoryFacts) -> Curves | None:
    """Pictures of a board's tables; None if there is nothing to draw yet."""
    if history.as_of is None:
        return None
    teams = _by_mean_rank(history.tables)
    numbers = {team: number for number, team in enumerate(teams[:_COLOURED], start=1)}
    drawn = (_picture(table, history.as_of, numbers) for table in history.tables)
    pictures = tuple(one for one in drawn if one is not None)
    return Curves(pictures, tuple(numbers), len(teams) - len(numbers)) if pictures else None


def _by_mean_rank(tables: Sequence[HistoryTable]) -> list[str]:
    """All teams, those first that stand best over all tables."""
    worst = 1 + max((len(table.lines) for table in tables), default=0)
    ranks: dict[str, list[int]] = {}
    for table in tables:
        for line in table.lines:
            ranks.setdefault(line.team, []).append(line.points[-1].rank or worst)
    lacking = len(tables)
    means = {team: sum(found) + worst * (lacking - len(found)) for team, found in ranks.items()}
    return sorted(ranks, key=lambda team: (means[team], team))


def _picture(table: HistoryTable, as_of: datetime, numbers: Mapping[str, int]) -> Picture | None:
    points = [point for line in table.lines for point in line.points]
    scores = [point.score for point in points if point.score is not None]
    if len({point.at for point in points}) < 2 or not scores:
        return None
    start, last = min(point.at for point in points), max(as_of, *(point.at for point in points))
    end = last + (last - start) * _ROOM
    ticks, low, high = _scale(min(scores), max(scores))

    def across(at: datetime) -> float:
        return round(100 * (at - start).total_seconds() / (end - start).total_seconds(), 2)

    def down(score: float | None) -> float | None:
        return None if score is None else round(100 * (high - score) / (high - low), 2)

    lines = [
        (
            numbers.get(line.team, 0),
            _steps([(across(one.at), down(one.score)) for one in line.points]),
            down(line.points[-1].score),
        )
        for line in table.lines
    ]
    ends = {number: place for number, _, place in lines if number and place is not None}
    labels = dict(zip(ends, _spread(list(ends.values())), strict=True))
    return Picture(
        table=table.name,
        title=table.title,
        topic=table.topic,
        distribution=table.distribution,
        score=table.score,
        start=start.astimezone(UTC),
        end=last.astimezone(UTC),
        lines=tuple(
            Curve(number, path, place, labels.get(number, 0.0))
            for number, path, place in sorted(lines, key=lambda line: (line[0] > 0, -line[0]))
        ),
        ticks=tuple(Tick(value, digits, down(value) or 0.0) for value, digits in ticks),
    )


def _steps(points: Sequence[tuple[float, float | None]]) -> str:
    """A path that keeps each score until the next."""
    parts: list[str] = []
    drawing = False
    for across, down in points:
        if drawing:
            parts.append(f"H{across:g}")
        if down is not None:
            parts.append(f"V{down:g}" if drawing else f"M{across:g} {down:g}")
        drawing = down is not None
    return " ".join([*parts, "H100"] if drawing else parts)


def _scale(low: float, high: float) -> tuple[list[tuple[float, int]], float, float]:
    """Round numbers that hold all scores between them, with the digits they need; both ends."""
    spread = high - low or abs(high) * 0.1 or 1.0
    rough = spread / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    if first == last:
        first, last = first - 1, last + 1
    digits = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(n * step, digits) for n in range(first, last + 1)], first * step, last * step


def _spread(places: Sequence[float]) -> list[float]:
    """Places as near as can be to those given, but apart from each other, inside the picture."""
    order = sorted(range(len(places)), key=lambda index: places[index])
    spread = list(places)
    for before, index in zip([None, *order], order, strict=False):
        least = 0.0 if before is None else spread[before] + _APART
        spread[index] = max(spread[index], least)
    most = 100.0
    for index in reversed(order):
        spread[index] = min(spread[index], most)
        most = spread[index] - _APART
    return [round(one, 2) for one in spread]
