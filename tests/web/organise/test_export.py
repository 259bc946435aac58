"""All that a site knows in one archive, from which boards can be ranked again."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.web.organise.season import HOSTILE, Season, made_season, rows_of
from tests.web.sites import DURING, write_challenge
from typer.testing import CliRunner

from unicare.cli.app import app as command_line
from unicare.evaluate.rows import read_rows
from unicare.web.database import Database, record
from unicare.web.database.tables import AuditEntry, BoardSnapshot, Evaluation
from unicare.web.organise.archive import Member, stream_zip
from unicare.web.organise.export import export_all, rows_name

COHORT = """\
case,patient,centre,vendor,task,split,distribution,sequences,annotated
Case_1,p1,A,X,la,test,ID,LGE,420
Case_2,p2,A,X,la,test,ID,LGE,420
"""


@pytest.fixture
def season(tmp_path: Path) -> Season:
    return made_season(tmp_path)


def exported(season: Season) -> zipfile.ZipFile:
    answer = season.program(season.organiser).get("/api/v1/organise/export.zip")
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"] == 'attachment; filename="hearts-2025-07-01.zip"'
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


def table(archive: zipfile.ZipFile, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(archive.read(name).decode())))


def test_everything_is_in_it(database: Database, tmp_path: Path) -> None:
    season = made_season(tmp_path, database)

    def more(session: Session) -> None:
        session.add(
            BoardSnapshot(board="gone", number=1, frozen_at=DURING, frozen_by=None, content={"a": HOSTILE})
        )
        record(session, "team.renamed", "team:1", now=DURING, actor_id=season.participant, name=HOSTILE)

    season.site.database.transact(more)
    archive = exported(season)
    people = table(archive, "people.csv")
    assert [one["email"] for one in people] == ["olga@people.test", "ada@people.test", "waldo@people.test"]
    assert people[1]["created_at"] == "2025-07-01T00:00:00+00:00"
    assert people[1]["team_id"] == str(season.teams[0])
    assert [one["name"] for one in table(archive, "teams.csv")] == [f"Reds {HOSTILE}", "'=Blues/../.."]
    submissions = table(archive, "submissions.csv")
    assert [one["state"] for one in submissions] == ["scored", "scored", "failed", "queued"]
    assert [one["quota_number"] for one in submissions] == ["1", "2", "", "1"]
    assert json.loads(submissions[0]["report"])["findings"][0]["text"] == HOSTILE
    evaluations = table(archive, "evaluations.csv")
    assert "/secret/place" in evaluations[2]["private_error"]
    with season.site.database.reading() as session:
        numbers = list(session.scalars(select(Evaluation.id).where(Evaluation.state == "scored")))
    for number in numbers:
        assert json.loads(archive.read(f"summaries/evaluation-{number}.json"))["definition"] == "v1"
    frozen = json.loads(archive.read("boards/gone/frozen-1.json"))
    assert frozen["content"] == {"a": HOSTILE}
    assert "Alpha" in archive.read("boards/hidden/year-two.csv").decode()
    entries = [json.loads(line) for line in archive.read("audit.jsonl").splitlines()]
    assert {"team.renamed", "export.made"} <= {one["action"] for one in entries}
    assert archive.read("missing.txt") == b""
    with season.site.database.reading() as session:
        (made,) = session.scalars(select(AuditEntry).where(AuditEntry.action == "export.made"))
    assert (made.actor_id, made.address) == (season.organiser, "127.0.0.1")


def test_nobody_can_come_in_by_what_is_in_it(season: Season) -> None:
    season.logged_in(season.participant)
    archive = exported(season)
    every = b"".join(archive.read(name) for name in archive.namelist())
    assert b"secret-hash" not in every
    for word in (b"password_hash", b"token_hash", b"token_nonce"):
        assert word not in every


def test_its_names_lead_nowhere_else(season: Season) -> None:
    names = exported(season).namelist()
    assert len(names) == len(set(names))
    for name in names:
        path = PurePosixPath(name)
        assert not path.is_absolute()
        assert ".." not in path.parts
        assert name.isascii()
        assert not set(name) & set('\\:*?"<>|')
    hostile = rows_name("test", "la", "../" + "é\x00/" * 99, 7, 8, 9)
    assert hostile == "rows/test/la/team-7/submission-8-evaluation-9.parquet"


def test_boards_are_ranked_again_from_its_rows(season: Season, tmp_path: Path) -> None:
    archive = exported(season)
    rows = [name for name in archive.namelist() if name.startswith("rows/")]
    assert len(rows) == 2
    archive.extractall(tmp_path / "out")
    for name, number in zip(rows, season.scored, strict=True):
        assert read_rows(tmp_path / "out" / name) == tuple(rows_of(number))
    board = write_challenge(tmp_path / "again") / "boards/own.yaml"
    cohort = tmp_path / "cohort.csv"
    cohort.write_text(COHORT)
    teams = [
        f"{name}={tmp_path / 'out' / file}" for name, file in zip(("first", "second"), rows, strict=True)
    ]
    result = CliRunner().invoke(
        command_line,
        ["rank", str(board), *teams, "--cohort", str(cohort), "--bootstrap", "0", "--json"],
        catch_exceptions=False,
    )
    assert result.exit_code == 0, result.output
    told = result.stdout
    for number in season.scored:
        dice = [row.value or 0 for row in rows_of(number) if row.metric == "dice"]
        assert repr(sum(dice) / len(dice)) in told


def test_rows_that_are_lost_are_named(season: Season) -> None:
    season.site.working.storage.delete(f"evaluations/{season.scored[0]}/1/metrics.parquet")
    archive = exported(season)
    missing = archive.read("missing.txt").decode().split()
    assert [name.rpartition("/")[2] for name in missing] == [
        f"submission-{season.scored[0]}-evaluation-1.parquet"
    ]


def test_it_is_made_while_it_is_sent(season: Season) -> None:
    asked: list[int] = []

    def blocks() -> Iterator[bytes]:
        for number in range(64):
            asked.append(number)
            yield bytes([number]) * 2**17

    pieces = stream_zip([Member("large", blocks(), packed=False)], datetime(2025, 7, 1, tzinfo=UTC))
    sent = [next(pieces)]
    assert len(asked) < 3
    sent += list(pieces)
    assert max(map(len, sent)) <= 2**18
    assert zipfile.ZipFile(io.BytesIO(b"".join(sent))).read("large")[-1] == 63


def test_what_fails_in_between_leaves_no_whole_archive(season: Season) -> None:
    site = season.site

    def fails() -> Iterator[bytes]:
        yield b"x" * 2**17
        raise OSError("the storage is gone")

    pieces = stream_zip([Member("a", fails(), packed=False)], DURING)
    heard: list[bytes] = []
    with pytest.raises(OSError, match="gone"):
        heard.extend(pieces)
    assert not zipfile.is_zipfile(io.BytesIO(b"".join(heard)))
    whole = b"".join(
        export_all(site.database, site.working.storage, site.boards, site.challenge.title, DURING)
    )
    assert zipfile.is_zipfile(io.BytesIO(whole))
