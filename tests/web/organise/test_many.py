"""However many people and submissions there are, a page asks the database a fixed number of times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session
from tests.web.organise.season import Season, made_season, person, submission, team
from tests.web.sites import DURING, made_challenge, made_database

from unicare.web.database import record
from unicare.web.standings import StoredScores

PAGES = (
    *("/organise", "/organise/people", "/organise/people?search=person+2", "/organise/teams"),
    *("/organise/submissions", "/organise/submissions?state=scored&page=20", "/organise/announcements"),
    *("/organise/timeline", "/organise/audit", "/organise/audit?actor=olga&page=3", "/organise/teams/3"),
    "/organise/submissions/1",
)


def crowd(season: Season, people: int, submissions: int) -> None:
    """Many more of everything."""

    def work(session: Session) -> None:
        numbers = [
            person(session, f"Person {number}", DURING, status="approved" if number % 3 else "pending")
            for number in range(people)
        ]
        teams = [
            team(session, f"Team {place}", numbers[place : place + 3], DURING)
            for place in range(0, people, 3)
        ]
        for number in range(submissions):
            place = number % len(teams)
            submission(
                session,
                teams[place],
                numbers[3 * place],
                0,
                DURING - timedelta(hours=number % 700),
                state=("scored", "scored", "scored", "failed", "queued")[number % 5],
            )
            record(session, "evaluation.queue", f"evaluation:{number}", now=DURING, actor_id=season.organiser)

    season.site.database.transact(work)


@contextmanager
def counted(season: Season) -> Iterator[list[str]]:
    """What is asked of the database."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.append(statement)

    engine = season.site.database.engine
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "before_cursor_execute", note)


@dataclass
class Watched:
    """A season, and by what clock its boards are looked at again."""

    season: Season
    now_s: list[float]


def season_of(folder: Path, people: int, submissions: int) -> Watched:
    """A season with so many of each."""
    now_s = [0.0]
    database = made_database(folder / "data")
    scores = StoredScores(database, made_challenge(folder / "challenge"), clock=lambda: now_s[0])
    season = made_season(folder, database, scores=scores)
    crowd(season, people, submissions)
    return Watched(season, now_s)


@pytest.fixture(scope="module")
def few(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return season_of(tmp_path_factory.mktemp("few"), 6, 10)


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Watched:
    return season_of(tmp_path_factory.mktemp("many"), 60, 400)


# four questions more for each of the two boards, where nobody looked at it within the last second
@pytest.mark.parametrize(
    ("seconds", "most"), [(0.0, 20), (10.0, 24)], ids=["boards looked at just now", "long ago"]
)
@pytest.mark.parametrize("path", PAGES)
def test_many_cost_no_more_questions_than_few(
    few: Watched, many: Watched, path: str, seconds: float, most: int
) -> None:
    numbers = []
    for watched in (few, many):
        season = watched.season
        client = season.logged_in(season.organiser)
        client.get(path)  # the first one of a session notes that it was seen
        watched.now_s[0] += seconds
        with counted(season) as asked:
            assert client.get(path).status_code == 200
        numbers.append(len([one for one in asked if one.startswith("SELECT")]))
        assert not [one for one in asked if one.startswith(("INSERT", "UPDATE", "DELETE"))]
    assert numbers[0] == numbers[1] <= most
