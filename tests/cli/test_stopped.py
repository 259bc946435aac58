"""Ctrl-C: what is said of a command's work fits what becomes of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from click.testing import Result
from tests.web.handing_in import Hearts, Player, made_hearts, write_hearts, zipped
from tests.web.served import served
from tests.web.sites import made_database
from typer.testing import CliRunner

from unicare.cli.app import app

FOR = ("--task", "whs", "--phase", "validation")


@pytest.fixture(scope="module")
def hearts(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hearts]:
    folder = tmp_path_factory.mktemp("stopped")
    database = made_database(folder)
    yield made_hearts(folder / "data", write_hearts(folder / "hearts"), database)
    database.close()


@pytest.fixture(scope="module")
def address(hearts: Hearts) -> Iterator[str]:
    with served(hearts.app) as address:
        yield address


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours.zip"
    path.write_bytes(zipped())
    return path


def run(*words: object, site: str, token: str) -> Result:
    environment = {"UNICARE_SITE": site, "UNICARE_TOKEN": token}
    return CliRunner().invoke(app, [str(word) for word in words], env=environment)


def stopping(monkeypatch: pytest.MonkeyPatch, method: str, end: str) -> None:
    """Ctrl-C comes once a request of a kind was answered."""
    real = httpx2.HTTPTransport.handle_request

    def handle(self: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        answer = real(self, request)
        if request.method == method and request.url.path.endswith(end):
            raise KeyboardInterrupt
        return answer

    monkeypatch.setattr(httpx2.HTTPTransport, "handle_request", handle)


def numbers(player: Player) -> list[int]:
    return [one["id"] for one in player.api.get("/api/v1/submissions").json()]


def test_waiting_for_a_score(
    hearts: Hearts, address: str, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = hearts.player("eve", "eves")
    with monkeypatch.context() as patch:
        patch.setattr("unicare.web.client.connection.time.sleep", lambda _: None)
        stopping(patch, "GET", "/submissions/1")
        done = run("submit", ours, *FOR, "--wait", site=address, token=player.token)
    (number,) = numbers(player)
    assert number == 1
    left = (
        f"submission {number} is handed in and goes on by itself; unicare status {number} --wait waits for it"
    )
    assert done.exit_code == 130
    assert done.stderr.splitlines()[-1] == f"unicare: stopped by Ctrl-C; {left}"


def test_following_one_that_is_handed_in(
    hearts: Hearts, address: str, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = hearts.player("fay", "fays")
    assert run("submit", ours, *FOR, site=address, token=player.token).exit_code == 0
    (number,) = numbers(player)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unicare.web.client.wait._OFTEN_S", 0.0)
    monkeypatch.setattr("unicare.web.client.connection.SiteConnection.get", stop)
    done = run("status", number, "--wait", site=address, token=player.token)
    assert done.exit_code == 130
    assert f"submission {number} is handed in and goes on by itself" in done.stderr
    assert "same command" not in done.stderr


def test_an_upload_that_may_have_come(
    hearts: Hearts, address: str, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = hearts.player("gus", "guses")
    with monkeypatch.context() as patch:
        stopping(patch, "POST", "/upload/end")
        done = run("submit", ours, *FOR, site=address, token=player.token)
    assert done.exit_code == 130
    assert "all of it was sent; unicare status says whether the site has it" in done.stderr
    assert len(numbers(player)) == 1


def test_an_upload_that_is_gone_on_with(
    hearts: Hearts, address: str, ours: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    player = hearts.player("hal", "hals")
    with monkeypatch.context() as patch:
        stopping(patch, "POST", "/submissions")
        done = run("submit", ours, *FOR, site=address, token=player.token)
    assert done.exit_code == 130
    assert "what has arrived is kept, the same command goes on from there" in done.stderr
    assert run("submit", ours, *FOR, site=address, token=player.token).exit_code == 0
    assert len(numbers(player)) == 1


def test_a_command_that_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("unicare.prompts.check.check_input", stop)
    done = CliRunner().invoke(app, ["prompts", "check", str(tmp_path)])
    assert done.stderr == "unicare: stopped by Ctrl-C\n"
    monkeypatch.setattr("unicare.infer.batch.predict_folder", stop)
    done = CliRunner().invoke(app, ["predict", str(tmp_path), str(tmp_path / "out")])
    assert (
        done.stderr
        == "unicare: stopped by Ctrl-C; what is written is complete, the same command goes on from there\n"
    )
