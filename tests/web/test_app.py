"""What every answer of the site has in common, whatever was asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from structlog.testing import capture_logs
from tests.web.sites import HOST, asking, made_app, made_challenge, made_database, made_settings

from unicare.core.errors import SettingsError
from unicare.web.app import create_app

PAGES = (
    "/",
    "/boards",
    "/boards/open",
    "/boards/hidden",
    "/texts/overview",
    "/texts/the-rules",
    "/agreement",
)
API = (
    "/api/v1/challenge",
    "/api/v1/tasks",
    "/api/v1/phases",
    "/api/v1/boards",
    "/api/v1/boards/open",
    "/api/v1/boards/hidden",
    "/api/v1/openapi.json",
)
FILES = {
    "/api/v1/boards/hidden/figures.csv": "text/csv; charset=utf-8",
    "/api/v1/boards/hidden/cite.bib": "application/x-bibtex; charset=utf-8",
    "/pictures/pictures/heart.png": "image/png",
    "/healthz": "application/json",
    "/metrics": "text/plain; version=0.0.4; charset=utf-8",
}
MISSING = (
    "/nothing",
    "/texts/nothing",
    "/boards/nothing",
    "/boards/UPPER",
    "/api/v1/nothing",
    "/assets/x.css",
)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return made_app(tmp_path_factory.mktemp("site"))


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return asking(app)


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_html(client: TestClient, address: str) -> None:
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<!doctype html>")
    assert answer.text.count("<h1>") == 1


@pytest.mark.parametrize("address", API)
def test_the_api_speaks_json(client: TestClient, address: str) -> None:
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    answer.json()


@pytest.mark.parametrize(("address", "media_type"), FILES.items())
def test_files_say_what_they_are(client: TestClient, address: str, media_type: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type


@pytest.mark.parametrize("address", [*PAGES, *API, *FILES, *MISSING])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_every_answer_is_guarded(client: TestClient, address: str, method: str) -> None:
    answer = client.request(method, address)
    assert answer.status_code < 500
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "same-origin"
    assert len(answer.headers["X-Request-ID"]) == 32
    assert "Strict-Transport-Security" not in answer.headers
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("address", [*PAGES, *API, *FILES])
def test_head_is_get_without_its_body(client: TestClient, address: str) -> None:
    answer = client.head(address)
    assert answer.status_code == 200
    assert answer.content == b""
    assert answer.headers["Content-Type"] == client.get(address).headers["Content-Type"]


@pytest.mark.parametrize("address", [*PAGES, *API])
def test_other_methods_are_refused_and_the_right_ones_told(client: TestClient, address: str) -> None:
    answer = client.post(address)
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("address", MISSING)
@pytest.mark.parametrize("accept", ["text/html", "application/json", "*/*", ""])
def test_what_is_not_there_is_said_as_asked(client: TestClient, address: str, accept: str) -> None:
    answer = client.get(address, headers={"Accept": accept})
    assert answer.status_code in (404, 422)
    if address.startswith("/api/") or accept == "application/json":
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.json()["status"] == answer.status_code
        assert answer.json()["request_id"] == answer.headers["X-Request-ID"]
    else:
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "<h1>" in answer.text


@pytest.mark.parametrize("address", ["/nothing", "/boards/open?sort=%3Cscript%3Ealert(1)%3C/script%3E"])
def test_error_pages_repeat_nothing_as_html(client: TestClient, address: str) -> None:
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code in (404, 422)
    assert "<script" not in answer.text


def test_a_failure_says_nothing_of_its_cause(tmp_path: Path) -> None:
    app = made_app(tmp_path)

    @app.get("/breaks")
    def breaks() -> None:
        raise RuntimeError("postgresql://user:hunter2@host")

    app.router.routes.insert(0, app.router.routes.pop())
    for accept in ("text/html", "application/json"):
        with capture_logs():
            answer = asking(app).get("/breaks", headers={"Accept": accept})
        assert answer.status_code == 500
        assert "hunter2" not in answer.text
        assert "RuntimeError" not in answer.text
        assert answer.headers["X-Request-ID"] in answer.text
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_pages_keep_their_style_and_find_it(client: TestClient) -> None:
    page = client.get("/").text
    address = page.split('rel="stylesheet" href="')[1].split('"')[0]
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "immutable" in answer.headers["Cache-Control"]
    assert client.get("/").headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "a b", "[::1", "127.0.0.1@evil"]
)
def test_other_hosts_are_turned_away(client: TestClient, host: str) -> None:
    answer = client.get("/", headers={"Host": host})
    assert answer.status_code == 400
    assert "evil" not in answer.text


@pytest.mark.parametrize("host", [HOST, "127.0.0.1:9", "localhost", "LOCALHOST:8000", "[::1]:8000"])
def test_its_own_names_are_known(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"Host": host}).status_code == 200


def test_whoever_looks_after_the_machine_needs_no_name(client: TestClient) -> None:
    assert client.get("/healthz", headers={"Host": "10.0.0.7"}).status_code == 200


def test_with_tls_browsers_are_held_to_it_and_other_names_refused(tmp_path: Path) -> None:
    chosen = {"base_url": "https://care.example", "host": "0.0.0.0"}
    app = made_app(tmp_path, settings=chosen)
    answer = asking(app, base_url="https://care.example").get("/")
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"].startswith("max-age=")
    assert asking(app, base_url="https://localhost").get("/").status_code == 400


def test_a_challenge_whose_texts_are_gone_is_not_served(tmp_path: Path) -> None:
    challenge = made_challenge(tmp_path)
    (tmp_path / "texts/rules.md").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"rules\.md"):
        create_app(made_settings(tmp_path), challenge, made_database(tmp_path))
