"""Logging in and out by cookie, and what can't be done to it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from tests.web.people import PASSWORD, Clock, Somebody, chief, comer, people_app, site_of_app, user_id

from unicare.web.accounts.organisers import disable_user
from unicare.web.accounts.passwords import Passwords
from unicare.web.deps import SESSION_COOKIE
from unicare.web.security.cookies import cookie_name

HTTPS = "https://care.example"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return people_app(tmp_path)


@pytest.fixture
def hashes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows with every password that is hashed or checked, be there an account or not."""
    done: list[str] = []

    def counted(name: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def count(*args: Any) -> Any:
            done.append(name)
            return work(*args)

        return count

    for name in ("hash", "verify"):
        monkeypatch.setattr(Passwords, name, counted(name, getattr(Passwords, name)))
    return done


def session_cookie(somebody: Somebody) -> str:
    settings = site_of_app(somebody.app).settings
    return str(somebody.client.cookies.get(cookie_name(settings, SESSION_COOKIE)) or "")


def test_a_visitor_is_nobody_and_gets_a_token(app: FastAPI) -> None:
    told = Somebody(app).ask("/session")
    assert told.json()["person"] is None
    assert len(told.json()["csrf_token"]) == 64
    assert told.headers["Cache-Control"] == "no-store"


def test_who_logs_in_is_told_who_it_is(app: FastAPI) -> None:
    comer(app, "anna")
    anna = Somebody(app, "anna@people.test")
    answer = anna.log_in()
    assert answer.status_code == 200
    person = answer.json()["person"]
    assert (person["name"], person["email"], person["role"]) == ("Anna", "anna@people.test", "participant")
    assert person["may_take_part"]
    assert anna.ask("/me").json()["person"] == person
    token = answer.json()["csrf_token"]
    logged_out = anna.client.delete("/api/v1/session", headers={"X-CSRF-Token": token})
    assert logged_out.status_code == 204
    assert anna.ask("/me").status_code == 401


@pytest.mark.parametrize("written", ["ANNA@PEOPLE.TEST", " anna@People.Test "])
def test_an_address_may_be_typed_in_any_way(app: FastAPI, written: str) -> None:
    comer(app, "anna")
    assert Somebody(app).log_in(email=written).status_code == 200


@pytest.mark.parametrize("address", ["http://127.0.0.1:8000", HTTPS])
def test_the_cookie_is_kept_from_scripts_other_sites_and_plain_connections(
    tmp_path: Path, address: str
) -> None:
    app = people_app(tmp_path, settings={"base_url": address, "session_days": 2})
    chief(app)
    answer = Somebody(app, "chief@site.test", base_url=address).log_in()
    (cookie,) = [one for one in answer.headers.get_list("Set-Cookie") if "session=" in one]
    parts = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert {"httponly", "samesite=lax", "path=/", "max-age=172800"} <= parts
    assert ("secure" in parts) == cookie.startswith("__Host-") == (address == HTTPS)
    assert not any(part.startswith("domain") for part in parts)


def test_unknown_and_known_addresses_are_told_the_same_after_the_same_work(
    app: FastAPI, hashes: list[str]
) -> None:
    comer(app, "anna")
    registered = Somebody(app, "zoe@people.test")
    registered.register()  # and never confirmed
    answers = []
    for email in ("anna@people.test", "nobody@people.test", "zoe@people.test", "no address"):
        hashes.clear()
        answer = Somebody(app).log_in("a wrong password", email)
        told = {**answer.json(), "request_id": ""}
        answers.append((answer.status_code, told, tuple(hashes)))
    assert answers[0][0] == 401
    assert answers[0][1]["reason"] == "wrong"
    assert answers[0][2] == ("verify",)
    assert answers.count(answers[0]) == len(answers)


def test_no_session_can_be_planted(app: FastAPI) -> None:
    mallory, anna = comer(app, "mallory"), comer(app, "anna")
    victim = Somebody(app, "anna@people.test")
    planted = session_cookie(mallory)
    name = cookie_name(site_of_app(app).settings, SESSION_COOKIE)
    victim.client.cookies.set(name, planted, domain="127.0.0.1", path="/")
    answer = victim.log_in()
    assert answer.status_code == 200
    assert planted not in str(answer.headers.get_list("Set-Cookie"))
    assert "unicare_session=" in str(answer.headers.get_list("Set-Cookie"))
    assert mallory.ask("/me").status_code == 401  # what was planted is void
    assert anna.ask("/me").status_code == 200


def test_a_form_from_before_the_log_in_is_worth_nothing_after_it(app: FastAPI) -> None:
    comer(app, "anna")
    anna = Somebody(app, "anna@people.test")
    before = anna.csrf()
    after = anna.log_in().json()["csrf_token"]
    assert before != after
    body = {"name": "laptop"}
    for token, status in ((before, 403), ("", 403), (after, 201)):
        answer = anna.client.post("/api/v1/me/tokens", json=body, headers={"X-CSRF-Token": token})
        assert answer.status_code == status


def test_nobody_is_logged_in_by_another_site(app: FastAPI) -> None:
    comer(app, "anna")
    anna = Somebody(app, "anna@people.test")
    body = {"email": anna.email, "password": PASSWORD}
    headers = {"X-CSRF-Token": anna.csrf()}
    assert anna.client.post("/api/v1/session", json=body).status_code == 403
    for more in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
        refused = anna.client.post("/api/v1/session", json=body, headers={**headers, **more})
        assert refused.status_code == 403, more
    from_page = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}  # of a page that tells nobody where it is
    assert anna.client.post("/api/v1/session", json=body, headers={**headers, **from_page}).is_success


@pytest.mark.parametrize(
    ("address", "status"), [("http://care.example", 200), ("http://127.0.0.1:8000", 403), (HTTPS, 403)]
)
def test_without_tls_browsers_say_little(tmp_path: Path, address: str, status: int) -> None:
    app = people_app(tmp_path, settings={"base_url": address, "allow_http": True})
    chief(app)
    olga = Somebody(app, "chief@site.test", base_url=address)
    body = {"email": olga.email, "password": PASSWORD}
    headers = {"X-CSRF-Token": olga.csrf(), "Origin": "null"}
    assert olga.client.post("/api/v1/session", json=body, headers=headers).status_code == status
    headers["X-CSRF-Token"] = "0" * 64
    assert olga.client.post("/api/v1/session", json=body, headers=headers).status_code == 403


def test_what_was_logged_out_stays_out(app: FastAPI) -> None:
    anna = comer(app, "anna")
    stolen = session_cookie(anna)
    assert anna.call("DELETE", "/session").status_code == 204
    assert session_cookie(anna) == ""
    thief = Somebody(app)
    thief.client.cookies.set(cookie_name(site_of_app(app).settings, SESSION_COOKIE), stolen)
    assert thief.ask("/me").status_code == 401
    assert thief.ask("/session").json()["person"] is None


def test_who_is_disabled_is_out_at_once_and_told_so_only_with_the_password(app: FastAPI) -> None:
    anna = comer(app, "anna")
    token = anna.call("POST", "/me/tokens", {"name": "laptop"}).json()["token"]
    program = Somebody(app, headers={"Authorization": f"Bearer {token}"})
    assert program.ask("/me").status_code == 200
    site, organiser, whom = site_of_app(app), chief(app), user_id(app, anna.email)
    site.database.transact(
        lambda session: disable_user(session, site.rules, organiser, whom, now=site.clock())
    )
    assert anna.ask("/me").status_code == 401
    assert program.ask("/me").status_code == 401
    assert anna.log_in("a wrong password").json()["reason"] == "wrong"
    refused = anna.log_in()
    assert refused.status_code == 403
    assert refused.json()["reason"] == "disabled"


def test_too_many_wrong_passwords_make_one_wait(tmp_path: Path) -> None:
    clock = Clock()
    app = people_app(tmp_path, now=clock, settings={"log_in_tries": 3, "log_in_window_minutes": 10})
    comer(app, "anna")
    for email in ("anna@people.test", "nobody@people.test"):
        somebody = Somebody(app, email)
        assert [somebody.log_in("a wrong password").status_code for _ in range(4)] == [401, 401, 401, 429]
        refused = somebody.log_in()  # the right one, too late
        assert refused.status_code == 429
        assert refused.headers["Retry-After"] == "600"
        assert refused.json()["reason"] == "too_often"
    elsewhere = Somebody(app, "anna@people.test", client=("192.0.2.9", 50_000))
    assert elsewhere.log_in().status_code == 200
    clock.now += timedelta(minutes=11)
    assert Somebody(app, "anna@people.test").log_in().status_code == 200


def test_a_session_ends_with_its_time_and_with_idleness(tmp_path: Path) -> None:
    clock = Clock()
    app = people_app(tmp_path, now=clock, settings={"session_days": 3, "session_idle_hours": 24})
    anna = comer(app, "anna")
    clock.now += timedelta(hours=25)
    assert anna.ask("/me").status_code == 401
    anna.log_in()
    for _ in range(3):
        clock.now += timedelta(hours=23)
        assert anna.ask("/me").status_code == 200
    clock.now += timedelta(hours=4)
    assert anna.ask("/me").status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"email": "a@b.test"},
        {"email": ["a"], "password": "x"},
        {"email": "a@b.test", "password": "hunter2 hunter2", "role": "organiser"},
        {"email": "a@b.test", "password": "hunter2" * 1000},
    ],
)
def test_what_isnt_asked_for_is_refused_without_being_repeated(app: FastAPI, body: dict[str, Any]) -> None:
    answer = Somebody(app).call("POST", "/session", body)
    assert answer.status_code == 422
    assert "hunter2" not in answer.text
