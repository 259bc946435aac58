"""Uploads over connections that break, sites that ask for patience, and a token that is kept to its site."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest
from tests.web.handing_in import Hearts, begun, made_hearts, sent, write_hearts, zipped
from tests.web.served import served

from unicare.core.errors import OutputError, SettingsError, SubmissionError
from unicare.web.client import (
    Packed,
    SiteConnection,
    SiteError,
    hand_in,
    packed_for_upload,
    recall_site,
    remember_site,
)
from unicare.web.database import Database


@pytest.fixture(scope="module")
def hearts(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hearts]:
    folder = tmp_path_factory.mktemp("client")
    shutil.copy(sqlite_template, folder / "site.sqlite")
    database = Database.open(f"sqlite:///{folder / 'site.sqlite'}")
    yield made_hearts(folder / "data", write_hearts(folder / "hearts"), database, upload_chunk_mb=1)
    database.close()


@pytest.fixture(scope="module")
def address(hearts: Hearts) -> Iterator[str]:
    with served(hearts.app) as address:
        yield address


class Breaking(httpx2.HTTPTransport):
    """A network that does something else with some requests: told how many it has seen, and the request."""

    def __init__(self, act: Callable[[int, httpx2.Request], httpx2.Response | None]) -> None:
        super().__init__()
        self.act = act
        self.seen: list[str] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        self.seen.append(f"{request.method} {request.url.path.rpartition('/')[2]}")
        answer = self.act(len(self.seen), request)
        return super().handle_request(request) if answer is None else answer


def uploaded(
    address: str, token: str, path: Path, act: Callable[[int, httpx2.Request], httpx2.Response | None]
) -> tuple[dict[str, object], Breaking, list[float]]:
    network, slept = Breaking(act), []
    with SiteConnection(address, token, transport=network, sleep=slept.append) as site:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        packed = Packed(path, path.name)
        facts = hand_in(
            site, packed, digest, task="whs", phase="validation", note="", told=lambda done, total: None
        )
    return facts, network, slept


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """Three pieces and a bit."""
    path = tmp_path / "ours.zip"
    path.write_bytes(zipped() + bytes(range(256)) * 13_000)
    return path


def cuts_pieces(pieces: int, request: httpx2.Request) -> None:
    """Every second piece doesn't get through."""
    if pieces % 2:
        raise httpx2.WriteError("the cable was pulled")


def loses_answers(pieces: int, request: httpx2.Request) -> None:
    """Every second piece gets through, but not its answer."""
    if pieces % 2:
        with httpx2.HTTPTransport() as plain:
            plain.handle_request(request).read()
        raise httpx2.ReadError("the cable was pulled")


def only_pieces(act: Callable[[int, httpx2.Request], None]) -> Callable[[int, httpx2.Request], None]:
    """Does something to pieces of uploads, which are counted; lets all else through."""
    pieces = 0

    def acted(number: int, request: httpx2.Request) -> None:
        nonlocal pieces
        if request.method == "PATCH":
            pieces += 1
            act(pieces, request)

    return acted


@pytest.mark.parametrize("act", [cuts_pieces, loses_answers])
def test_a_connection_that_breaks_costs_time_only(
    hearts: Hearts, address: str, big: Path, act: Callable[[int, httpx2.Request], None]
) -> None:
    red = hearts.player(f"ann{act.__name__}", f"red{act.__name__}")
    facts, network, slept = uploaded(address, red.token, big, only_pieces(act))
    assert facts["state"] == "uploaded"
    key = f"submissions/{facts['id']}/upload"
    with hearts.working.storage.open(key) as file:
        assert file.read() == big.read_bytes()
    assert slept
    assert network.seen.count("POST submissions") == 1


def test_a_site_that_asks_for_patience_gets_it(hearts: Hearts, address: str, big: Path) -> None:
    red = hearts.player("amy", "patient")

    def busy(number: int, request: httpx2.Request) -> httpx2.Response | None:
        if number in (1, 4):
            problem = {"detail": "Too many requests.", "status": 429}
            return httpx2.Response(429, json=problem, headers={"Retry-After": "17"}, request=request)
        return None

    facts, _, slept = uploaded(address, red.token, big, busy)
    assert facts["state"] == "uploaded"
    assert slept.count(17.0) == 2


def test_what_was_begun_before_is_gone_on_with(hearts: Hearts, address: str, big: Path) -> None:
    red, data = hearts.player("bea", "again"), big.read_bytes()
    first = begun(red, data, sha256=hashlib.sha256(data).hexdigest())["id"]
    begun(red, data, sha256="0" * 64)  # another file of the same length
    sent(red, first, data[:1000])
    facts, network, _ = uploaded(address, red.token, big, lambda number, request: None)
    assert facts["id"] == first
    assert "POST submissions" not in network.seen


def test_what_the_site_refuses_is_not_tried_again(hearts: Hearts, address: str, big: Path) -> None:
    red = hearts.player("cat", "cats")
    with SiteConnection(address, red.token, sleep=lambda s: pytest.fail("it waited")) as site:
        with pytest.raises(SiteError, match="no such submission") as told:
            site.get("submissions/12345")
        assert (told.value.status, told.value.passing) == (404, False)
        with pytest.raises(SiteError, match="no such task"):
            site.once("POST", "submissions", json={"task": "x", "phase": "y", "name": "n", "total_bytes": 1})
    with SiteConnection(address, "unicare_wrong", sleep=lambda s: None) as site:
        with pytest.raises(SiteError, match="UNICARE_TOKEN") as told:
            site.get("quotas")
        assert told.value.status == 401


def test_a_site_that_is_not_there_is_told_in_a_sentence() -> None:
    with (
        SiteConnection("http://127.0.0.1:9", "t", patience_s=0, sleep=lambda s: None) as site,
        pytest.raises(SiteError, match=r"can't be reached; found .*; check the address and the network"),
    ):
        site.get("tasks")


def test_a_site_that_is_too_slow_says_what_to_do() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadTimeout("slow", request=request)

    with (
        SiteConnection("https://a", patience_s=0, transport=httpx2.MockTransport(answer)) as site,
        pytest.raises(
            SiteError, match=r"^https://a doesn't answer in time; try again, or check the network$"
        ),
    ):
        site.once("GET", "tasks")


@pytest.mark.parametrize(
    ("status", "told"),
    [(200, "the answer isn't that of a unicare site; found text/html.*; expected JSON"), (404, "found 404")],
)
def test_what_is_no_site_of_unicare_is_told(status: int, told: str) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, html="<p>Hello</p>", request=request)

    with (
        SiteConnection("https://a", patience_s=0, transport=httpx2.MockTransport(answer)) as site,
        pytest.raises(SiteError, match=told),
    ):
        site.once("GET", "tasks")


def test_a_token_follows_no_redirect(hearts: Hearts) -> None:
    asked: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(str(request.url))
        return httpx2.Response(302, headers={"Location": "https://evil.example.org/"}, request=request)

    with (
        SiteConnection("https://a.example.org/", "t", transport=httpx2.MockTransport(answer)) as site,
        pytest.raises(SiteError, match="elsewhere"),
    ):
        site.get("tasks")
    assert asked == ["https://a.example.org/api/v1/tasks"]


@pytest.mark.parametrize(
    "site", ["", "ftp://a", "https://", "https://a/b", "https://u:p@a", "http://[", "a.org"]
)
def test_an_address_that_is_none_is_refused(site: str) -> None:
    with pytest.raises(SettingsError):
        SiteConnection(site)


@pytest.mark.parametrize("token", ["a b", "é", "a\nb"])
def test_a_token_that_is_none_is_refused(token: str) -> None:
    with pytest.raises(SettingsError):
        SiteConnection("https://a", token)


def test_a_folder_becomes_the_same_zip_each_time(tmp_path: Path) -> None:
    folder = tmp_path / "run 7"
    (folder / "evaluation").mkdir(parents=True)
    for name in ("b_pred.nii.gz", "a.nii", "b_prob_200.nii.gz", "notes.txt", ".hidden.nii.gz"):
        (folder / name).write_bytes(name.encode())
    made = []
    for _ in range(2):
        with packed_for_upload(folder, "predictions") as packed:
            made.append(packed.path.read_bytes())
            assert packed.name == "run 7.zip"
            assert packed.left_out == ("b_prob_200.nii.gz", "evaluation", "notes.txt")
        assert not packed.path.exists()
    assert made[0] == made[1]
    with pytest.raises(SubmissionError, match="podman save"), packed_for_upload(folder, "container"):
        pass
    with (
        pytest.raises(SubmissionError, match="no prediction"),
        packed_for_upload(folder / "evaluation", "predictions"),
    ):
        pass
    with pytest.raises(SubmissionError, match="no such file"), packed_for_upload(tmp_path / "x", "container"):
        pass


def test_what_is_saved_is_for_ones_own_eyes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert recall_site() is None
    path = remember_site("https://a", "secret")
    assert path.stat().st_mode & 0o777 == 0o600
    saved = recall_site()
    assert saved is not None
    assert (saved.site, saved.token) == ("https://a", "secret")
    assert "secret" not in repr(saved)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="others can read"):
        recall_site()
    path.chmod(0o600)
    path.write_text(json.dumps([1]))
    with pytest.raises(SettingsError, match="not what unicare saved"):
        recall_site()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(path))
    with pytest.raises(OutputError):
        remember_site("https://a", "secret")


def test_neither_fastapi_nor_a_database_is_needed() -> None:
    heavy = ("fastapi", "sqlalchemy", "torch")
    asked = f"import sys, unicare.web.client; print([one for one in {heavy} if one in sys.modules])"
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
