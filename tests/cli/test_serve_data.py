"""What ``unicare serve`` and ``unicare site`` do with the folder of the site's data."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import update
from tests.web.challenge.folders import write_challenge as write_hearts
from tests.web.sites import write_challenge
from typer.testing import CliRunner

from unicare.cli.app import app
from unicare.core.errors import SettingsError
from unicare.web.app import create_app
from unicare.web.challenge import load_challenge
from unicare.web.data_folder import keep_for
from unicare.web.database import Database
from unicare.web.database.tables import User
from unicare.web.settings import load_settings
from unicare.web.upkeep import look_at_machine

WORD = "four quiet wooden boats"


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("UNICARE_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def challenge(tmp_path: Path) -> Path:
    return write_challenge(tmp_path / "challenge")


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is taken: a site that would start ends there, once all else was looked at."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def run(*words: object, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], input=typed)


def serve(challenge: Path, data: Path, port: int) -> Result:
    return run("serve", "--challenge", challenge, "--data", data, "--port", port)


def organiser(data: Path, *more: object) -> Result:
    words = ("a@b.test", "--password-stdin", "--data", data, *more)
    done = run("site", "organiser", *words, typed=f"{WORD}\n")
    assert done.exit_code == 0, done.stderr
    return done


def renamed(challenge: Path, name: str) -> None:
    text = (challenge / "challenge.yaml").read_text()
    old = next(line for line in text.splitlines() if line.startswith("name: "))
    (challenge / "challenge.yaml").write_text(text.replace(old, f"name: {name}"))


def test_data_belong_to_the_challenge_that_they_were_made_for(
    challenge: Path, tmp_path: Path, taken: int
) -> None:
    data = tmp_path / "data"
    organiser(data)
    renamed(challenge, "spleens")
    assert "can't be listened on" in serve(challenge, data, taken).stderr
    renamed(challenge, "kidneys")
    told = f"{data} belongs to challenge spleens; found challenge kidneys; take another --data"
    for done in (
        serve(challenge, data, taken),
        run("site", "worker", "--challenge", challenge, "--data", data),
    ):
        assert done.exit_code == 2
        assert told in done.stderr
    (data / "challenge.name").write_text("kidneys\n")  # as the message says
    assert "can't be listened on" in serve(challenge, data, taken).stderr


def test_data_of_an_older_version_are_noted_at_the_first_start(
    challenge: Path, tmp_path: Path, taken: int
) -> None:
    data = tmp_path / "data"
    organiser(data)
    assert not (data / "challenge.name").exists()
    serve(challenge, data, taken)
    renamed(challenge, "other")
    assert "belongs to challenge" in serve(challenge, data, taken).stderr


def test_of_two_challenges_at_once_one_gets_the_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.link

    def slow(source: Path, target: Path) -> None:
        monkeypatch.setattr("os.link", real)
        keep_for(tmp_path, "quick")
        real(source, target)

    monkeypatch.setattr("os.link", slow)
    with pytest.raises(SettingsError, match="belongs to challenge quick"):
        keep_for(tmp_path, "slow")
    assert [path.name for path in tmp_path.iterdir()] == ["challenge.name"]


@pytest.mark.parametrize(
    ("challenge_at", "data_at"),
    [("ch", "ch"), ("ch", "ch/reference"), ("ch", "ch/new/folder"), ("d/ch", "d"), ("ch", "link")],
)
def test_data_and_challenge_do_not_lie_in_one_another(
    tmp_path: Path, taken: int, challenge_at: str, data_at: str
) -> None:
    challenge, data = write_challenge(tmp_path / challenge_at), tmp_path / data_at
    (tmp_path / "link").symlink_to(tmp_path / "ch")
    before = sorted(tmp_path.rglob("*"))
    for done in (
        serve(challenge, data, taken),
        run("site", "worker", "--challenge", challenge, "--data", data),
    ):
        assert done.exit_code == 2
        assert "neither of them inside the other; take another --data" in done.stderr
    assert sorted(tmp_path.rglob("*")) == before


def test_what_is_no_challenge_leaves_no_data(tmp_path: Path, taken: int) -> None:
    for done in (
        serve(tmp_path / "nope", tmp_path / "data", taken),
        run("site", "worker", "--challenge", tmp_path / "nope", "--data", tmp_path / "data"),
    ):
        assert done.exit_code == 2
        assert "not a challenge's folder" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_the_site_writes_is_private_in_an_open_folder(challenge: Path, tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    data.chmod(0o755)
    (data / "storage").mkdir(mode=0o755)  # that of an older version
    before = os.umask(0o022)
    try:
        organiser(data)
        content = load_challenge(challenge)
        machine = look_at_machine(load_settings(data, container_engine="none"), content)
        database = Database.open(machine.settings.database_url.get_secret_value())
        app = create_app(machine.settings, content, database)
        app.state.site.wake.ring()
        database.transact(lambda session: session.execute(update(User).values(name="Chief")))
        app.state.site.working.uploads.begin("first.zip", 3)
        names = {path.name for path in data.iterdir()}
        assert {"secret.key", "site.sqlite", "site.sqlite-wal", "wake.sqlite", "uploads", "scratch"} <= names
        for path in data.iterdir():
            assert path.stat().st_mode & 0o077 & ~(0o050 if path.name == "storage" else 0) == 0, path
        database.close()
        (data / "site.sqlite").chmod(0o644)  # as older versions made it
        organiser(data)
        assert (data / "site.sqlite").stat().st_mode & 0o777 == 0o640
    finally:
        os.umask(before)


def test_an_organiser_of_a_folder_that_was_misspelt(tmp_path: Path) -> None:
    first = organiser(tmp_path / "d9")
    assert f"there was no site in {tmp_path / 'd9'}; a new one was made" in first.stderr
    again = organiser(tmp_path / "d9", "--json")
    assert "new one" not in again.stderr
    assert json.loads(again.stdout)["new_site"] is False
    assert json.loads(organiser(tmp_path / "d8", "--json").stdout)["new_site"] is True


def test_an_address_is_told_where_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "http" not in organiser(tmp_path / "data").stdout  # unicare serve may be given a --port
    monkeypatch.setenv("UNICARE_BASE_URL", "http://127.0.0.1:8000")
    assert organiser(tmp_path / "data").stdout.endswith("as before: http://127.0.0.1:8000\n")
    monkeypatch.delenv("UNICARE_BASE_URL")
    (tmp_path / "data" / "site.env").write_text("UNICARE_PORT=9000\n")
    assert "http://127.0.0.1:9000" in organiser(tmp_path / "data").stdout


def test_a_backup_makes_no_folder_for_itself(tmp_path: Path) -> None:
    organiser(tmp_path / "data")
    done = run("site", "backup", tmp_path / "nod" / "b.tar", "--data", tmp_path / "data")
    assert done.exit_code == 2
    assert f"{tmp_path / 'nod'}: there is no such folder; make it" in done.stderr
    assert not (tmp_path / "nod").exists()


@pytest.fixture
def not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that has said what it has to say ends there."""
    monkeypatch.setenv("UNICARE_CONTAINER_ENGINE", "none")
    monkeypatch.setattr("unicare.cli.serve._run", lambda *_: None)
    monkeypatch.setattr("unicare.cli.serve.log_to_terminal", lambda _: lambda: None)


@pytest.mark.usefixtures("not_run")
def test_reference_data_that_are_missing_are_told_at_the_start(tmp_path: Path) -> None:
    folder = write_hearts(tmp_path / "hearts")
    with socket.create_server(("127.0.0.1", 0)) as free:
        words = ("--data", tmp_path / "data", "--port", free.getsockname()[1])

    def said(*more: object) -> str:
        done = run("serve", "--challenge", folder, *words, *more)
        assert done.exit_code == 0, done.output
        return done.stdout

    assert "missing for" not in said()
    assert json.loads(said("--json"))["lacking_reference"] == {}
    (folder / "reference/whs/test").rename(tmp_path / "elsewhere")
    (folder / "reference/whs/validation/cohort.csv").unlink()
    for path in (folder / "reference/whs/validation/truth").iterdir():
        path.unlink()
    told = "missing for whs/validation (truth, cohort.csv), whs/test; unicare challenge check"
    (line,) = [line for line in said().splitlines() if "missing for" in line]
    assert told in line
    lacking = json.loads(said("--json"))["lacking_reference"]
    assert lacking == {"whs/validation": ["truth", "cohort.csv"], "whs/test": []}
    (folder / "reference/whs/test").symlink_to("test")
    assert json.loads(said("--json"))["lacking_reference"] == lacking
