"""Nobody learns from the site who has an account, and nobody tries passwords for long."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from fastapi import FastAPI
from httpx2 import Response
from tests.web.people import PASSWORD, Clock, Somebody, chief, comer, people_app, site_of_app, user_id

from unicare.web.accounts.organisers import disable_user

CHANGES = {"x-request-id", "date", "ratelimit-remaining", "ratelimit-reset", "content-length"}
UNKNOWN, KNOWN = "nobody@people.test", "ada@people.test"


@pytest.fixture
def work() -> Iterator[Counter[str]]:
    """How often a password was hashed."""
    done: Counter[str] = Counter()
    kept = {name: getattr(PasswordHasher, name) for name in ("hash", "verify")}

    def counted(name: str) -> Any:
        def count(*given: Any, **more: Any) -> Any:
            done["hashed"] += 1
            return kept[name](*given, **more)

        return count

    for name in kept:
        setattr(PasswordHasher, name, counted(name))
    yield done
    for name, function in kept.items():
        setattr(PasswordHasher, name, function)


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    app = people_app(tmp_path, now=Clock())
    comer(app, "ada")
    return app


def likeness(answer: Response, email: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and text of an answer, without what differs from one request to the next."""
    headers = {name: text for name, text in answer.headers.items() if name not in CHANGES}
    headers.pop("set-cookie", None)
    text = answer.text.replace(email, "EMAIL").replace(answer.headers["X-Request-ID"], "ID")
    return answer.status_code, headers, _without_tokens(text)


def _without_tokens(text: str) -> str:
    parts = text.split('name="csrf_token" value="')
    return "".join(part.partition('"')[2] if place else part for place, part in enumerate(parts))


def asked(app: FastAPI, way: str, email: str) -> Response:
    """One of the questions whose answers might tell."""
    body: dict[str, Any] = {"email": email}
    somebody = Somebody(app, email)
    match way:
        case "log in":
            return somebody.log_in("a wrong password")
        case "log in by page":
            return somebody.send("/log-in", email=email, password="a wrong password")
        case "register":
            return somebody.register(name="Somebody")
        case "register by page":
            version = site_of_app(app).rules.agreement_version or ""
            fields = {"name": "Somebody", "agreement": "yes", "agreement_version": version}
            return somebody.send("/register", email=email, password=PASSWORD, **fields)
        case "forgotten":
            return somebody.call("POST", "/password-resets", body)
        case _:
            return somebody.send("/forgotten", email=email)


WAYS = ("log in", "log in by page", "register", "register by page", "forgotten", "forgotten by page")


@pytest.mark.parametrize("way", WAYS)
def test_an_address_with_an_account_is_answered_like_any_other(
    app: FastAPI, work: Counter[str], way: str
) -> None:
    likenesses, works = [], []
    for email in (UNKNOWN, KNOWN):
        Somebody(app).csrf()
        work.clear()
        likenesses.append(likeness(asked(app, way, email), email))
        works.append(work["hashed"])
    assert likenesses[0] == likenesses[1]
    assert works[0] == works[1]
    if "forgotten" not in way:
        assert works[0] == 1  # as otherwise it could be told by the time


def test_only_who_knows_the_password_is_told_that_an_account_is_disabled_or_unconfirmed(app: FastAPI) -> None:
    site = site_of_app(app)
    Somebody(app, "new@people.test").register()
    organiser, whom = chief(app), user_id(app, KNOWN)
    site.database.transact(
        lambda session: disable_user(session, site.rules, organiser, whom, now=site.clock(), reason="why")
    )
    wrong = likeness(asked(app, "log in", UNKNOWN), UNKNOWN)
    assert likeness(asked(app, "log in", KNOWN), KNOWN) == wrong
    assert likeness(asked(app, "log in", "new@people.test"), "new@people.test") == wrong
    assert Somebody(app, "new@people.test").log_in().status_code == 401
    told = Somebody(app, KNOWN).log_in()
    assert (told.status_code, told.json()["reason"]) == (403, "disabled")


def test_an_invitation_doesnt_tell_whether_the_address_has_an_account(app: FastAPI) -> None:
    ada = comer(app, "bob")
    ada.call("POST", "/team", {"name": "Reds"})
    told = [ada.call("POST", "/team/invitations", {"email": email}) for email in (UNKNOWN, KNOWN)]
    assert {one.status_code for one in told} == {201}
    assert told[0].json().keys() == told[1].json().keys()


@pytest.mark.parametrize("email", [UNKNOWN, KNOWN])
def test_passwords_are_tried_a_few_times_only(app: FastAPI, email: str) -> None:
    tries = site_of_app(app).settings.log_in_tries
    somebody = Somebody(app, email)
    told = [somebody.log_in("a wrong password").status_code for _ in range(tries + 2)]
    assert told == [401] * tries + [429] * 2
    right = somebody.log_in()
    assert right.status_code == 429
    assert int(right.headers["Retry-After"]) > 0
    page = somebody.send("/log-in", email=email, password=PASSWORD)
    assert page.status_code == 429  # the page is no way round
    other = Somebody(app, "bob@people.test")
    assert other.log_in("a wrong password").status_code == 401  # nor are others shut out


def test_who_waited_may_come_in(app: FastAPI) -> None:
    site = site_of_app(app)
    ada = Somebody(app, KNOWN)
    for _ in range(site.settings.log_in_tries + 1):
        ada.log_in("a wrong password")
    clock = site.clock
    assert isinstance(clock, Clock)
    clock.now += timedelta(minutes=site.settings.log_in_window_minutes + 1)
    assert ada.log_in().status_code == 200
