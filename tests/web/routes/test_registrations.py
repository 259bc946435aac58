"""Registering, confirming the address, and new passwords."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import func, select
from structlog.testing import capture_logs
from tests.web.people import (
    PASSWORD,
    Clock,
    Somebody,
    approve,
    comer,
    link,
    mails,
    people_app,
    site_of_app,
)
from tests.web.routes.test_session import hashes
from tests.web.sites import YAML, asking, made_database, made_settings, write_challenge

from unicare.web.accounts.organisers import create_organiser
from unicare.web.accounts.registration import RegistrationForm
from unicare.web.app import create_app
from unicare.web.challenge import load_challenge
from unicare.web.database import Database
from unicare.web.database.tables import User
from unicare.web.settings import load_settings

__all__ = ["hashes"]

NEW = "four other wet stones"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return people_app(tmp_path)


def people(app: FastAPI) -> int:
    with site_of_app(app).database.reading() as session:
        return session.scalar(select(func.count()).select_from(User)) or 0


def told(answer: Any) -> tuple[int, dict[str, Any]]:
    return answer.status_code, {**answer.json(), "request_id": ""}


def test_from_registration_to_a_team_of_two(tmp_path: Path, database: Database) -> None:
    """The whole story, on both databases."""
    app = people_app(tmp_path, database=database)
    anna = Somebody(app, "anna@people.test")
    assert anna.register(email="Anna@people.test").json() == {"email": "Anna@people.test"}
    ((subject, text),) = mails(app, "Anna@people.test")
    assert "confirm your address" in subject
    assert "/confirm?token=" in text
    assert anna.log_in().status_code == 401  # not yet
    confirmed = anna.call("POST", "/confirmations", {"token": link(app, "confirm"), "password": PASSWORD})
    assert confirmed.json()["person"]["status"] == "pending"
    assert anna.ask("/me").json()["person"]["may_take_part"] is False
    refused = anna.call("POST", "/team", {"name": "Reds"})
    assert told(refused)[1]["reason"] == "not_approved"
    approve(app, anna.email)
    assert anna.call("DELETE", "/session").status_code == 204
    assert anna.log_in().json()["person"]["may_take_part"]
    team = anna.call("POST", "/team", {"name": "Reds"})
    assert team.status_code == 201
    assert anna.call("POST", "/team/invitations", {"email": "ben@people.test"}).status_code == 201
    ben = comer(app, "ben")
    (invitation,) = ben.ask("/me/invitations").json()
    assert (invitation["team"], invitation["invited_by"]) == ("Reds", "Anna")
    joined = ben.call("POST", "/invitations/accept", {"token": link(app, "invitation", ben.email)})
    assert [one["name"] for one in joined.json()["members"]] == ["Anna", "Ben"]
    assert anna.ask("/team").json() == ben.ask("/team").json()
    assert [one["is_captain"] for one in anna.ask("/team").json()["members"]] == [True, False]


def test_a_known_address_is_told_the_same_after_the_same_work(app: FastAPI, hashes: list[str]) -> None:
    comer(app, "anna")
    answers = []
    for email in ("anna@people.test", "nobody@people.test"):
        hashes.clear()
        answer = Somebody(app, email).register(name="Somebody")
        answers.append((answer.status_code, answer.json(), dict(answer.headers), tuple(hashes)))
    known, unknown = answers
    assert known[0] == unknown[0] == 202
    assert known[1] == {"email": "anna@people.test"}
    assert unknown[1] == {"email": "nobody@people.test"}
    assert known[2].keys() == unknown[2].keys()
    assert known[3] == unknown[3] == ("hash",)
    assert "you have an account" in mails(app, "anna@people.test")[-1][0]


def test_a_reset_is_told_the_same_for_everybody_after_the_same_work(app: FastAPI, hashes: list[str]) -> None:
    comer(app, "anna")
    answers = []
    for email in ("anna@people.test", "nobody@people.test", "no address"):
        hashes.clear()
        answer = Somebody(app).call("POST", "/password-resets", {"email": email})
        assert answer.json() == {"email": email}
        answers.append((answer.status_code, tuple(hashes)))
    assert answers == [(202, ("verify",))] * 3
    assert mails(app, "nobody@people.test") == []


def test_opening_the_link_confirms_nothing_and_it_is_good_once(app: FastAPI) -> None:
    anna = Somebody(app, "anna@people.test")
    anna.register()
    token = link(app, "confirm")
    for method in ("GET", "HEAD"):  # as programs do that look into mails
        for _ in range(3):
            assert anna.client.request(method, f"/confirm?token={token}").status_code == 200
    assert anna.log_in().status_code == 401
    assert anna.confirm("a wrong password").status_code == 401
    assert anna.confirm().status_code == 200
    again = anna.confirm()
    assert told(again)[0] == 410
    assert told(again)[1]["reason"] == "link_void"
    assert anna.client.get(f"/confirm?token={token}").status_code == 410
    assert anna.ask("/me").status_code == 200


def test_a_link_grows_old(tmp_path: Path) -> None:
    clock = Clock()
    app = people_app(tmp_path, now=clock)
    anna = Somebody(app, "anna@people.test")
    anna.register()
    clock.now += timedelta(days=4)
    assert anna.confirm().status_code == 410


def test_the_agreement_is_to_be_accepted_as_it_is(app: FastAPI) -> None:
    anna = Somebody(app, "anna@people.test")
    agreement = anna.ask("/agreement").json()
    assert "I agree" in agreement["html"]
    for version in (None, "", "another"):
        refused = anna.register(agreement_version=version)
        assert told(refused)[0] == 403
        assert (told(refused)[1]["reason"], told(refused)[1]["field"]) == ("agreement", "agreement")
    assert people(app) == 0
    assert anna.register(agreement_version=agreement["version"]).status_code == 202


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email", "no address"),
        ("email", "a@b.test\r\nBcc: all@people.test"),
        ("name", ""),
        ("name", "two\nlines"),
        ("name", "see https://evil.example"),
        ("affiliation", "x" * 201),
        ("password", "short"),
        ("password", "anna@people.test"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(app: FastAPI, field: str, value: str) -> None:
    answer = Somebody(app, "anna@people.test").register(**{field: value})
    assert answer.status_code == 422
    assert told(answer)[1]["field"] == field
    assert people(app) == 0
    assert mails(app) == []


def with_yaml(folder: Path, written: str, clock: Clock, database: Database | None = None) -> FastAPI:
    """A site of a challenge that is written otherwise."""
    challenge = write_challenge(folder / "challenge")
    (challenge / "challenge.yaml").write_text(written, encoding="utf-8")
    settings = made_settings(folder / "data")
    return create_app(
        settings, load_challenge(challenge), database or made_database(folder / "data"), clock=clock
    )


@pytest.mark.parametrize(("days", "status"), [(-1, 403), (0, 202), (9, 202), (10, 403)])
def test_registration_opens_and_closes(tmp_path: Path, days: int, status: int) -> None:
    dates = "  opens: 2025-07-01 00:00 UTC\n  closes: 2025-07-10 23:59 UTC\n"
    clock = Clock()
    written = YAML.replace("registration:\n", f"registration:\n{dates}")
    app = with_yaml(tmp_path, written, clock)
    clock.now = clock.now.replace(hour=0, minute=0) + timedelta(days=days)
    anna = Somebody(app, "anna@people.test")
    assert anna.register().status_code == status
    page = anna.page("/register").text
    assert ("<form" in page) == (status == 202)
    if status == 403:
        assert ("isn’t open yet" in page) == (days < 0)


def test_the_last_minute_counts(tmp_path: Path) -> None:
    clock = Clock()
    written = YAML.replace("registration:\n", "registration:\n  closes: 2025-07-01 23:59 UTC\n")
    app = with_yaml(tmp_path, written, clock)
    clock.now = clock.now.replace(hour=23, minute=59, second=59)
    assert Somebody(app, "anna@people.test").register().status_code == 202
    clock.now += timedelta(seconds=1)
    assert Somebody(app, "ben@people.test").register().status_code == 403


@pytest.mark.parametrize("version", [None, "", "x" * 400, "a\u0000b", "\ud800"])
def test_without_an_agreement_none_is_accepted(
    tmp_path: Path, database: Database, version: str | None
) -> None:
    written = YAML.replace("  agreement: texts/agreement.md\n", "  approval: false\n")
    app = with_yaml(tmp_path, written, Clock(), database)
    anna = Somebody(app, "anna@people.test")
    assert anna.ask("/agreement").status_code == 404
    assert "agreement" not in anna.page("/register").text
    body = json.dumps({"email": anna.email, "name": "A", "password": PASSWORD, "agreement_version": version})
    headers = {"X-CSRF-Token": anna.csrf(), "Content-Type": "application/json"}
    answer = anna.client.post("/api/v1/registrations", content=body, headers=headers)
    assert answer.status_code == (422 if version == "\ud800" else 202)
    if answer.status_code == 202:
        assert anna.confirm().json()["person"]["may_take_part"]
        assert anna.ask("/me").json()["agreement"]["accepted_version"] is None


def test_without_approval_one_takes_part_at_once(tmp_path: Path) -> None:
    written = YAML.replace("registration:\n", "registration:\n  approval: false\n")
    app = with_yaml(tmp_path, written, Clock())
    anna = comer(app, "anna", approved=False)
    assert anna.ask("/me").json()["person"]["may_take_part"]
    assert "organisers look at" not in Somebody(app).page("/register").text


def test_a_reset_ends_all_sessions_and_tokens_and_is_good_once(app: FastAPI) -> None:
    anna = comer(app, "anna")
    program_token = anna.call("POST", "/me/tokens", {"name": "laptop"}).json()["token"]
    forgetful = Somebody(app, "anna@people.test")
    forgetful.call("POST", "/password-resets", {"email": "ANNA@people.test"})
    token = link(app, "reset", "anna@people.test")
    assert forgetful.client.get(f"/reset?token={token}").status_code == 200
    weak = forgetful.call("PUT", "/password-resets", {"token": token, "password": "short"})
    assert (told(weak)[0], told(weak)[1]["field"]) == (422, "password")
    assert anna.ask("/me").status_code == 200
    body = {"token": token, "password": NEW}
    assert forgetful.call("PUT", "/password-resets", body).status_code == 204
    assert anna.ask("/me").status_code == 401
    program = Somebody(app, headers={"Authorization": f"Bearer {program_token}"})
    assert program.ask("/me").status_code == 401
    assert told(forgetful.call("PUT", "/password-resets", body))[1]["reason"] == "link_void"
    assert forgetful.log_in().status_code == 401
    assert forgetful.log_in(NEW).status_code == 200
    assert "password was changed" in mails(app, "anna@people.test")[-1][0]


def test_tokens_and_passwords_are_in_no_log(app: FastAPI) -> None:
    anna = Somebody(app, "anna@people.test")
    with capture_logs() as logged:
        anna.register()
        token = link(app, "confirm")
        anna.page(f"/confirm?token={token}")
        anna.confirm("a wrong password")
        anna.confirm()
        made = anna.call("POST", "/me/tokens", {"name": "laptop"}).json()["token"]
    written = repr(logged)
    assert "/confirm" in written
    for secret in (token, PASSWORD, "a wrong password", made):
        assert secret not in written


def test_an_organiser_of_a_new_site_logs_in(tmp_path: Path) -> None:
    """What whoever sets a site up tries first."""
    settings = load_settings(tmp_path / "data", password_memory_mb=8, password_rounds=1)
    app = people_app(tmp_path, settings={"base_url": settings.base_url})
    form = RegistrationForm("Olga@Site.test", "Olga", "", PASSWORD)
    create_organiser(site_of_app(app).door, form)
    olga = Somebody(app, "olga@site.test")
    person = olga.log_in().json()["person"]
    assert person["role"] == "organiser"
    assert person["status"] is None
    assert olga.page("/account").status_code == 200
    assert olga.page("/team").status_code == 403
    assert asking(app).get("/account").status_code == 303
