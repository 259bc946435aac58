"""Sessions: none that somebody else chose, none that outlives its end; cookies as strict as can be."""

from __future__ import annotations

from pathlib import Path

import pytest
from httpx2 import Response
from structlog.testing import capture_logs
from tests.web.people import PASSWORD, Somebody, comer, people_app
from tests.web.sites import HOST

from unicare.web.deps import SESSION_COOKIE
from unicare.web.security.cookies import cookie_name

PLANTED = "x" * 43
WAYS = ("api", "page")


def log_in(somebody: Somebody, way: str, password: str = PASSWORD) -> Response:
    """By the API or by the page."""
    if way == "api":
        return somebody.log_in(password)
    return somebody.send("/log-in", email=somebody.email, password=password)


def name_of(somebody: Somebody) -> str:
    """Of the session's cookie."""
    return cookie_name(somebody.app.state.site.settings, SESSION_COOKIE)


def is_known(somebody: Somebody, token: str) -> bool:
    """Whether a session's token opens the account."""
    headers = {"Cookie": f"{name_of(somebody)}={token}"}
    somebody.client.cookies.clear()
    return somebody.client.get("/api/v1/me", headers=headers).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_was_planted_is_never_taken_up(tmp_path: Path, way: str) -> None:
    app = people_app(tmp_path)
    comer(app, "ada")
    victim = Somebody(app, "ada@people.test")
    victim.client.cookies.set(name_of(victim), PLANTED)
    assert log_in(victim, way).status_code in (200, 303)
    token = [one.value for one in victim.client.cookies.jar if one.name == name_of(victim)][-1]
    assert token not in (None, PLANTED)
    assert not is_known(victim, PLANTED)
    assert is_known(victim, token or "")


@pytest.mark.parametrize("way", WAYS)
def test_a_session_that_was_good_before_isnt_after_logging_in(tmp_path: Path, way: str) -> None:
    app = people_app(tmp_path)
    first = comer(app, "ada")
    old = first.client.cookies[name_of(first)]
    assert log_in(first, way).status_code in (200, 303)
    new = first.client.cookies[name_of(first)]
    assert new != old
    assert not is_known(first, old)
    assert is_known(first, new)


def test_who_leaves_takes_the_session_along(tmp_path: Path) -> None:
    app = people_app(tmp_path)
    ada = comer(app, "ada")
    for leave in (lambda: ada.call("DELETE", "/session"), lambda: ada.send("/log-out")):
        token = ada.client.cookies[name_of(ada)]
        leave()
        assert not is_known(ada, token)
        log_in(ada, "api")
    other = Somebody(app, ada.email)
    log_in(other, "api")
    token = other.client.cookies[name_of(other)]
    ada.call("PUT", "/me/password", {"old": PASSWORD, "password": "eight violet windmills"})
    assert not is_known(other, token)
    assert ada.ask("/me").status_code == 200
    ada.call("DELETE", "/me/sessions")
    assert ada.ask("/me").status_code == 401


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("address", [f"http://{HOST}", "https://care.example"])
def test_cookies_are_kept_from_scripts_other_sites_and_the_open_line(
    tmp_path: Path, way: str, address: str
) -> None:
    app = people_app(tmp_path, settings={"base_url": address})
    with capture_logs():
        comer_here = Somebody(app, "ada@people.test", base_url=address)
        comer_here.register()
        comer_here.confirm()
        answer = log_in(comer_here, way)
    secure = address.startswith("https")
    cookies = answer.headers.get_list("Set-Cookie")
    assert any(one.startswith(f"{name_of(comer_here)}=") for one in cookies)
    for cookie in cookies:
        name, _, rest = cookie.partition("=")
        flags = {one.strip().lower() for one in rest.split(";")[1:]}
        assert {"httponly", "path=/", "samesite=lax"} <= flags, name
        assert ("secure" in flags) == secure, name
        assert name.startswith("__Host-") == secure, name
        assert not any(one.startswith("domain") for one in flags), name
    assert ("Strict-Transport-Security" in answer.headers) == secure


def test_what_is_ones_own_is_kept_by_no_cache(tmp_path: Path) -> None:
    ada = comer(people_app(tmp_path), "ada")
    for address in ("/", "/account", "/team", "/submissions", "/boards"):
        assert ada.page(address).headers["Cache-Control"] == "no-store", address
    assert ada.ask("/session").headers["Cache-Control"] == "no-store"
