"""``unicare site``: organisers, workers, backups, as whoever has the site's machine runs them."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.web.accounts.conftest import HOME, PASSWORD, Site
from tests.web.sites import write_challenge
from tests.web.waiting import PATIENCE_S, until
from typer.testing import CliRunner, Result

from unicare.cli.app import app
from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.challenge import load_challenge
from unicare.web.database import Database, upgrade
from unicare.web.database.tables import AuditEntry, User
from unicare.web.life.site import working_site
from unicare.web.life.storage_mark import leave_mark
from unicare.web.settings import load_settings

WORD = "four quiet wooden boats"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("UNICARE_")]:
        monkeypatch.delenv(name)


def run(*words: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, ["site", *map(str, words)], input=typed)


def make_organiser(data: Path, email: str = "chief@site.test") -> Result:
    return run("organiser", email, "--name", "Chief", "--password-stdin", "--data", data, typed=f"{WORD}\n")


def opened(data: Path) -> Database:
    return Database.open(load_settings(data).database_url.get_secret_value())


def test_an_organiser_can_log_in(tmp_path: Path) -> None:
    done = make_organiser(tmp_path / "data")
    assert done.exit_code == 0, done.stderr
    assert "can log in as organiser" in done.stdout
    assert WORD not in done.stdout + done.stderr
    database = opened(tmp_path / "data")
    people = Site(database)
    assert isinstance(log_in(people.door, "chief@site.test", WORD, HOME), LoggedIn)
    with database.reading() as session:
        user = session.scalars(select(User)).one()
        assert (user.name, user.is_organiser) == ("Chief", True)
        assert "user.made_organiser" in set(session.scalars(select(AuditEntry.action)))
    database.close()


def test_who_has_an_account_keeps_the_password(tmp_path: Path) -> None:
    data = tmp_path / "data"
    database = opened(data)
    upgrade(database.engine)
    people = Site(database)
    people.person("ann")
    done = run("organiser", "Ann@people.test", "--data", data)
    assert done.exit_code == 0, done.stderr
    assert "password as before" in done.stdout
    assert isinstance(log_in(people.door, "ann@people.test", PASSWORD, HOME), LoggedIn)
    with database.reading() as session:
        user = session.scalars(select(User)).one()
        assert (user.is_organiser, user.name) == (True, "ann")
    database.close()


@pytest.mark.parametrize(
    ("words", "typed", "told"),
    [
        (["chief@site.test", "--password-stdin"], "short\n", "too short"),
        (["not an address", "--password-stdin"], f"{WORD}\n", "no e-mail address"),
        (["chief@site.test"], "", "--password-stdin"),
    ],
)
def test_what_cannot_be_an_organiser_is_told(tmp_path: Path, words: list[str], typed: str, told: str) -> None:
    done = run("organiser", *words, "--data", tmp_path, typed=typed)
    assert done.exit_code == 2
    assert told in done.stderr


def test_a_backup_goes_out_and_comes_back(tmp_path: Path) -> None:
    make_organiser(tmp_path / "data")
    out = tmp_path / "backup.tar"
    done = run("backup", out, "--data", tmp_path / "data", "--json")
    assert done.exit_code == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["file"], told["bytes"]) == (str(out), out.stat().st_size)
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert run("backup", out, "--data", tmp_path / "data").exit_code == 2  # it is there already

    done = run("restore", out, "--data", tmp_path / "new")
    assert done.exit_code == 0, done.stderr
    database = opened(tmp_path / "new")
    assert isinstance(log_in(Site(database).door, "chief@site.test", WORD, HOME), LoggedIn)
    database.close()

    again = run("restore", out, "--data", tmp_path / "new")
    assert again.exit_code == 2
    assert "isn't empty" in again.stderr
    (tmp_path / "half.tar").write_bytes(out.read_bytes()[:20_000])
    damaged = run("restore", tmp_path / "half.tar", "--data", tmp_path / "third")
    assert damaged.exit_code == 2
    assert "nothing was restored" in damaged.stderr
    assert not (tmp_path / "third").exists()


def test_a_backup_of_nothing_makes_nothing(tmp_path: Path) -> None:
    done = run("backup", tmp_path / "backup.tar", "--data", tmp_path / "typo")
    assert done.exit_code == 2
    assert "no such folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_worker_leaves_a_database_of_another_version_alone(tmp_path: Path) -> None:
    challenge = write_challenge(tmp_path / "challenge")
    done = run("worker", "--challenge", challenge, "--data", tmp_path / "data")
    assert done.exit_code == 2
    assert "no tables" in done.stderr


def test_a_worker_leaves_a_storage_that_nobody_serves_alone(tmp_path: Path) -> None:
    challenge = write_challenge(tmp_path / "challenge")
    make_organiser(tmp_path / "data")
    done = run("worker", "--challenge", challenge, "--data", tmp_path / "data")
    assert done.exit_code == 2
    assert "no mark of unicare serve" in done.stderr


def test_a_worker_ends_when_told_to(tmp_path: Path) -> None:
    challenge = write_challenge(tmp_path / "challenge")
    make_organiser(tmp_path / "data")
    database = opened(tmp_path / "data")
    leave_mark(working_site(load_settings(tmp_path / "data"), load_challenge(challenge), database))
    database.close()
    words = ["worker", "--challenge", challenge, "--data", tmp_path / "data", "--json"]
    command = [sys.executable, "-m", "unicare", "site", *map(str, words)]
    environment = {**os.environ, "UNICARE_CONTAINER_ENGINE": "none"}
    told, errors = tmp_path / "told", tmp_path / "errors"
    with (
        told.open("w") as out,
        errors.open("w") as err,
        subprocess.Popen(command, stdout=out, stderr=err, env=environment) as process,
    ):
        try:
            until(lambda: told.read_text().endswith("}\n") or process.poll() is not None)
            assert process.poll() is None, errors.read_text()
            assert json.loads(told.read_text())["workers"] == 1
            process.send_signal(signal.SIGTERM)
            assert process.wait(PATIENCE_S) == 0, errors.read_text()
            assert "Traceback" not in errors.read_text()
        finally:
            process.kill()
