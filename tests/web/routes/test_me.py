"""One's own account, by the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.web.people import PASSWORD, Clock, Somebody, comer, mails, people_app, site_of_app

NEW = "four other wet stones"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> FastAPI:
    return people_app(tmp_path, now=clock)


def change_agreement(app: FastAPI, version: str = "another") -> None:
    """As when the site is started again with another text."""
    site = site_of_app(app)
    rules = replace(site.rules, agreement_version=version)
    app.state.site = replace(site, door=replace(site.door, rules=rules))


def program(app: FastAPI, token: str) -> Somebody:
    return Somebody(app, headers={"Authorization": f"Bearer {token}"})


def test_an_account_says_what_is_known_of_it(app: FastAPI) -> None:
    anna = comer(app, "anna")
    me = anna.ask("/me").json()
    assert me["affiliation"] == "Somewhere"
    assert me["sessions"] == 1
    assert me["agreement"]["version"] == me["agreement"]["accepted_version"]
    assert me["decided_at"] is not None
    anna_elsewhere = Somebody(app, anna.email)
    anna_elsewhere.log_in()
    assert anna.ask("/me").json()["sessions"] == 2
    assert "password" not in str(me)


def test_without_an_account_there_is_nothing(app: FastAPI) -> None:
    visitor = Somebody(app)
    for path in ("/me", "/me/tokens", "/me/invitations", "/team", "/team/invitations"):
        assert visitor.ask(path).status_code == 401, path


def test_a_token_is_shown_once_works_and_ends(app: FastAPI, clock: Clock) -> None:
    anna, ben = comer(app, "anna"), comer(app, "ben")
    made = anna.call("POST", "/me/tokens", {"name": "  <b>laptop</b> "})
    assert made.status_code == 201
    token, number = made.json()["token"], made.json()["id"]
    assert token.startswith("unicare_")
    listed = anna.ask("/me/tokens")
    assert token not in listed.text
    assert [(one["name"], one["last_used_at"]) for one in listed.json()] == [("<b>laptop</b>", None)]
    clock.now += timedelta(hours=1)
    laptop = program(app, token)
    assert laptop.ask("/me").json()["person"]["name"] == "Anna"
    assert anna.ask("/me/tokens").json()[0]["last_used_at"].startswith("2025-07-01T01:00")
    assert ben.call("DELETE", f"/me/tokens/{number}").status_code == 404
    assert anna.call("DELETE", f"/me/tokens/{number}").status_code == 204
    assert anna.call("DELETE", f"/me/tokens/{number}").status_code == 404
    assert laptop.ask("/me").status_code == 401
    assert anna.ask("/me/tokens").json() == []


def test_a_token_makes_no_other(app: FastAPI) -> None:
    anna = comer(app, "anna")
    laptop = program(app, anna.call("POST", "/me/tokens", {"name": "laptop"}).json()["token"])
    refused = laptop.client.post("/api/v1/me/tokens", json={"name": "for later"})
    assert refused.status_code == 403
    assert len(anna.ask("/me/tokens").json()) == 1


@pytest.mark.parametrize("name", ["", "   ", "two\nlines", "x" * 101, "\u202eevil"])
def test_a_token_has_a_name_that_can_be_read(app: FastAPI, name: str) -> None:
    refused = comer(app, "anna").call("POST", "/me/tokens", {"name": name})
    assert refused.status_code == 422
    assert refused.json()["field"] == "name"


def test_tokens_have_an_end(app: FastAPI) -> None:
    anna = comer(app, "anna")
    most = site_of_app(app).rules.api_tokens
    for number in range(most):
        assert anna.call("POST", "/me/tokens", {"name": str(number)}).status_code == 201
    refused = anna.call("POST", "/me/tokens", {"name": "one more"})
    assert (refused.status_code, refused.json()["reason"]) == (409, "too_many")


@pytest.mark.parametrize("number", ["0", "-1", "x", str(2**31), str(2**70)])
def test_numbers_that_no_token_has_are_refused(app: FastAPI, number: str) -> None:
    assert comer(app, "anna").call("DELETE", f"/me/tokens/{number}").status_code == 422


def test_an_agreement_that_changed_is_accepted_anew(app: FastAPI) -> None:
    anna = comer(app, "anna")
    change_agreement(app)
    assert anna.ask("/me").json()["person"]["may_take_part"] is False
    refused = anna.call("POST", "/team", {"name": "Reds"})
    assert (refused.status_code, refused.json()["reason"]) == (403, "agreement")
    assert anna.call("POST", "/me/agreement", {"version": "older"}).status_code == 403
    accepted = anna.call("POST", "/me/agreement", {"version": "another"})
    assert accepted.json()["person"]["may_take_part"]
    assert accepted.json()["agreement"]["accepted_version"] == "another"
    assert anna.call("POST", "/team", {"name": "Reds"}).status_code == 201


def test_a_password_is_changed_by_who_knows_it(app: FastAPI) -> None:
    anna = comer(app, "anna")
    elsewhere = Somebody(app, anna.email)
    elsewhere.log_in()
    wrong = anna.call("PUT", "/me/password", {"old": "a wrong password", "password": NEW})
    assert (wrong.status_code, wrong.json()["reason"]) == (401, "wrong")
    assert "until now" in wrong.json()["detail"]
    weak = anna.call("PUT", "/me/password", {"old": PASSWORD, "password": "short"})
    assert (weak.status_code, weak.json()["field"]) == (422, "password")
    assert anna.call("PUT", "/me/password", {"old": PASSWORD, "password": NEW}).status_code == 204
    assert anna.ask("/me").status_code == 200
    assert elsewhere.ask("/me").status_code == 401
    assert elsewhere.log_in().status_code == 401
    assert elsewhere.log_in(NEW).status_code == 200
    assert "password was changed" in mails(app, anna.email)[-1][0]


def test_guessing_the_old_password_ends(app: FastAPI) -> None:
    anna = comer(app, "anna")
    body = {"old": "a wrong password", "password": NEW}
    statuses = [anna.call("PUT", "/me/password", body).status_code for _ in range(6)]
    assert statuses == [401] * 5 + [429]


def test_one_logs_out_everywhere(app: FastAPI) -> None:
    anna = comer(app, "anna")
    others = [Somebody(app, anna.email) for _ in range(2)]
    token = anna.call("POST", "/me/tokens", {"name": "laptop"}).json()["token"]
    for other in others:
        other.log_in()
    assert others[0].call("DELETE", "/me/sessions").status_code == 204
    assert [one.ask("/me").status_code for one in (anna, *others)] == [401] * 3
    assert program(app, token).ask("/me").status_code == 200
