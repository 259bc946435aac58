"""Forms of other sites are turned away, those of this one aren't."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import pytest
from fastapi import Depends, FastAPI, Form, Request, Response
from fastapi.testclient import TestClient
from tests.web.sites import HOST, asking, made_app, made_settings

from unicare.web.deps import SiteOf, SomebodyOf, csrf_checked
from unicare.web.security.cookies import cookie_name, read_cookie
from unicare.web.security.csrf import csrf_token


@pytest.fixture(params=["http", "https"])
def client(request: pytest.FixtureRequest, tmp_path: Path) -> TestClient:
    """A site with a form, reached without and with TLS."""
    address = f"http://{HOST}" if request.param == "http" else "https://care.example"
    app = made_app(tmp_path, settings={"base_url": address})
    add_form(app)
    return asking(app, base_url=address)


def add_form(app: FastAPI) -> None:
    @app.get("/form")
    def form(request: Request, response: Response, site: SiteOf, asker: SomebodyOf) -> str:
        return csrf_token(request, response, site.settings, asker.session)

    @app.post("/form", dependencies=[Depends(csrf_checked)])
    def sent(name: Annotated[str, Form()] = "") -> str:
        return f"hello {name}"


def test_a_form_of_the_site_comes_through(client: TestClient) -> None:
    token = client.get("/form").json()
    answer = client.post("/form", data={"csrf_token": token, "name": "you"})
    assert answer.status_code == 200
    assert answer.json() == "hello you"
    assert client.post("/form", headers={"X-CSRF-Token": token}).status_code == 200
    assert client.post("/form", data={"csrf_token": token}, files={"file": b"x"}).status_code == 200


def test_the_cookie_is_kept_from_scripts_and_other_sites(client: TestClient) -> None:
    cookie = client.get("/form").headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=lax" in cookie
    assert "Path=/" in cookie
    assert "Domain" not in cookie
    secure = client.base_url.scheme == "https"
    assert ("Secure" in cookie) == secure
    assert cookie.startswith("__Host-unicare_csrf=") == secure
    assert "Set-Cookie" not in client.get("/form").headers  # the browser has one now


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:8000.evil.example"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_what_comes_from_elsewhere_is_refused_even_with_a_token(
    client: TestClient, headers: dict[str, str]
) -> None:
    token = client.get("/form").json()
    assert client.post("/form", data={"csrf_token": token}, headers=headers).status_code == 403


def test_its_own_origin_is_right(client: TestClient) -> None:
    token = client.get("/form").json()
    headers = {"Origin": str(client.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}
    assert client.post("/form", data={"csrf_token": token}, headers=headers).status_code == 200


@pytest.mark.parametrize("token", ["", "x", "é", "0" * 64])
def test_without_the_right_token_nothing_happens(client: TestClient, token: str) -> None:
    client.get("/form")
    answer = client.post("/form", data={"csrf_token": token})
    assert answer.status_code == 403
    assert "not sent from this site" in answer.text or "wasn’t sent from this site" in answer.text


def test_a_token_without_its_cookie_is_worth_nothing(client: TestClient) -> None:
    token = client.get("/form").json()
    client.cookies.clear()
    assert client.post("/form", data={"csrf_token": token}).status_code == 403
    client.get("/form")  # another cookie
    assert client.post("/form", data={"csrf_token": token}).status_code == 403


def test_a_cookie_that_somebody_planted_makes_no_token_known(client: TestClient, tmp_path: Path) -> None:
    settings = made_settings(tmp_path, base_url=str(client.base_url))
    client.cookies.set(cookie_name(settings, "csrf"), "planted")
    assert client.post("/form", data={"csrf_token": "planted"}).status_code == 403


def test_a_token_is_made_for_one_log_in(tmp_path: Path) -> None:
    from starlette.requests import Request
    from starlette.responses import Response

    from unicare.web.security.csrf import csrf_token

    settings = made_settings(tmp_path)
    nonce = "a" * 43
    headers = [(b"cookie", f"{cookie_name(settings, 'csrf')}={nonce}".encode())]
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": headers})
    assert read_cookie(request, settings, "csrf") == nonce
    tokens = {csrf_token(request, Response(), settings, session) for session in ("", "one", "two")}
    assert len(tokens) == 3
