"""``unicare submit``, ``status`` and ``board`` against a site as in earnest, with its worker."""

from __future__ import annotations

import csv
import io
import json
import logging
import threading
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from click.testing import Result
from tests.web.handing_in import Hearts, made_hearts, write_hearts, zipped
from tests.web.served import served
from tests.web.waiting import PATIENCE_S
from typer.testing import CliRunner

from unicare.cli.app import app
from unicare.web.database import Database, open_engine, upgrade


@pytest.fixture(scope="module")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hearts]:
    folder = tmp_path_factory.mktemp("submit")
    engine = open_engine(f"sqlite:///{folder / 'site.sqlite'}")
    upgrade(engine)
    engine.dispose()
    database = Database.open(f"sqlite:///{folder / 'site.sqlite'}")
    hearts = made_hearts(
        folder / "data", write_hearts(folder / "hearts"), database, sweep_seconds=0.2, lease_seconds=30.0
    )
    worker = threading.Thread(target=hearts.worker.run, daemon=True)
    worker.start()
    yield hearts
    hearts.worker._stop.set()
    worker.join(PATIENCE_S)
    assert not worker.is_alive()  # else it would look into a database that is closed
    database.close()


@pytest.fixture(scope="module", autouse=True)
def silence() -> Iterator[None]:
    """The site's log would stand among what the commands print, as all is one process here."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def address(hearts: Hearts) -> Iterator[str]:
    with served(hearts.app) as address:
        yield address


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("UNICARE_SITE", "UNICARE_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))


def run(*words: object, **environment: str) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words], env=environment)


def folder_of(data: bytes, place: Path) -> Path:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        archive.extractall(place)
    return place


FOR = ("--task", "whs", "--phase", "validation")


def test_a_folder_to_its_score(hearts: Hearts, address: str, tmp_path: Path) -> None:
    red = hearts.player("ann", "red")
    where = {"UNICARE_SITE": address, "UNICARE_TOKEN": red.token}
    folder = folder_of(zipped(1), tmp_path / "ours")
    (folder / "readme.txt").write_text("how they were made")
    images = hearts.site.challenge.folder / "reference/whs/validation"
    done = run("submit", folder, *FOR, "--note", "one", "--images", images, "--wait", "--json", **where)
    assert done.exit_code == 0, done.output
    facts = json.loads(done.stdout)
    assert (facts["state"], facts["note"]) == ("scored", "one")
    told = run("status", facts["id"], **where)
    assert f"{facts['headline']:.3f}" in told.stdout
    assert "left ventricle blood cavity" in told.stdout
    every = run("status", **where)
    last = hearts.site.challenge.phase("validation").end
    assert last is not None
    assert f"{last:%Y-%m-%d %H:%M} UTC" in every.stdout
    assert "1 of 2" in every.stdout
    assert json.loads(run("status", "--json", **where).stdout)["submissions"][0]["id"] == facts["id"]


def test_what_is_wrong_is_said_here_before_anything_is_sent(
    hearts: Hearts, address: str, tmp_path: Path
) -> None:
    red = hearts.player("bea", "careful")
    where = {"UNICARE_SITE": address, "UNICARE_TOKEN": red.token}
    (tmp_path / "ours.zip").write_bytes(zipped(without=("one",)))
    images = hearts.site.challenge.folder / "reference/whs/validation/images"
    checked = run("submit", tmp_path / "ours.zip", *FOR, "--images", images, **where)
    assert checked.exit_code == 1
    assert "missing" in checked.stderr
    assert red.api.get("/api/v1/submissions").json() == []
    sent = run("submit", tmp_path / "ours.zip", *FOR, "--wait", **where)
    assert sent.exit_code == 1
    assert "missing" in sent.stdout
    assert "is refused" in sent.stdout


def test_what_goes_wrong_is_one_sentence(hearts: Hearts, address: str, tmp_path: Path) -> None:
    red = hearts.player("cat", "cats")
    where = {"UNICARE_SITE": address, "UNICARE_TOKEN": red.token}
    file = tmp_path / "a.zip"
    file.write_bytes(b"x")
    for words, environment, expected in (
        (("submit", file, *FOR), {}, "no site is named"),
        (("submit", file, *FOR), {"UNICARE_SITE": address}, "no token"),
        (("status",), {"UNICARE_SITE": "nowhere", "UNICARE_TOKEN": "x"}, "address"),
        (("status",), {**where, "UNICARE_TOKEN": "unicare_x"}, "token"),
        (("submit", file, "--task", "la", "--phase", "none"), where, "whs in validation"),
        (("submit", tmp_path / "none.zip", *FOR), where, "no such file"),
        (("submit", tmp_path, "--task", "whs", "--phase", "test"), where, "podman save"),
        (("status", 9999), where, "no such submission"),
        (("board", "none"), where, "no such board; found none; expected one of "),
    ):
        told = run(*words, **environment)
        assert told.exit_code == 2, (words, told.output)
        assert expected in told.stderr, (words, told.stderr)
        assert "Traceback" not in told.output
        assert len(told.stderr.strip().splitlines()) == 1


def test_site_and_token_can_be_saved(hearts: Hearts, address: str, tmp_path: Path) -> None:
    red = hearts.player("dan", "dans")
    file = tmp_path / "a.zip"
    file.write_bytes(zipped())
    assert run("submit", file, *FOR, "--site", address, "--token", red.token, "--save").exit_code == 0
    saved = tmp_path / "settings/unicare/site.json"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert run("status").exit_code == 0
    other = run("status", "--site", "http://127.0.0.1:9")
    assert "no token" in other.stderr  # it is for its own site only


def test_boards_need_no_token(hearts: Hearts, address: str) -> None:
    listed = run("board", "--site", address)
    assert listed.exit_code == 0
    assert "own" in listed.stdout
    shown = run("board", "own", "--site", address)
    assert shown.exit_code == 0, shown.output
    assert "Own" in shown.stdout
    published = run("board", "first", "--edition", "last-year", "--site", address)
    assert published.exit_code == 0, published.output
    rows = list(csv.DictReader(io.StringIO(run("board", "own", "--csv", "--site", address).stdout)))
    assert all(row["board"] == "own" for row in rows)
    assert json.loads(run("board", "own", "--json", "--site", address).stdout)["name"] == "own"
