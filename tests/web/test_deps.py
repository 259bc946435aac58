"""Who the site takes somebody for, and what is answered when something is refused."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import Depends, FastAPI
from fastapi.testclient import TestClient
from tests.web.sites import DURING, asking, made_app

from unicare.core.errors import OutputError, SettingsError, SubmissionError, UnicareError
from unicare.web.accounts.api_tokens import create_api_token, revoke_api_token
from unicare.web.accounts.door import Origin
from unicare.web.accounts.organisers import create_organiser
from unicare.web.accounts.refusals import AccountError, Reason, Refused
from unicare.web.accounts.registration import RegistrationForm
from unicare.web.accounts.sessions import LoggedIn, open_session
from unicare.web.archive.upload_rules import Reason as UploadReason
from unicare.web.archive.upload_rules import UploadRefusedError
from unicare.web.deps import (
    SESSION_COOKIE,
    KnownOf,
    OrganiserOf,
    ParticipantOf,
    SomebodyOf,
    TeamMemberOf,
    csrf_checked,
)
from unicare.web.routes.refused import RefusedError
from unicare.web.security.cookies import cookie_name
from unicare.web.site import Site

PASSWORD = "a heart of 4 chambers"


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    app = made_app(tmp_path)
    for name, kind in (
        ("somebody", SomebodyOf),
        ("known", KnownOf),
        ("participant", ParticipantOf),
        ("member", TeamMemberOf),
        ("organiser", OrganiserOf),
    ):

        def answer(asker: kind) -> str:  # type: ignore[valid-type]
            return "" if asker.person is None else asker.person.name  # type: ignore[attr-defined]

        answer.__annotations__ = {"asker": kind, "return": str}
        app.get(f"/api/{name}")(answer)
        app.post(f"/api/{name}", dependencies=[Depends(csrf_checked)])(answer)
        app.get(f"/{name}")(answer)
    return app


def organiser_of(app: FastAPI) -> tuple[Site, int]:
    site: Site = app.state.site
    form = RegistrationForm("org@example.org", "Olga", "Uni", PASSWORD, None)
    return site, create_organiser(site.door, form)


def logged_in(app: FastAPI, site: Site, user_id: int) -> tuple[TestClient, LoggedIn]:
    origin = Origin("127.0.0.1")
    opened = site.database.transact(
        lambda session: open_session(session, site.rules, user_id, origin, DURING, None)
    )
    client = asking(app)
    client.cookies.set(cookie_name(site.settings, SESSION_COOKIE), opened.token)
    return client, opened


def test_visitors_are_sent_to_the_door(app: FastAPI) -> None:
    client = asking(app)
    assert client.get("/api/somebody").json() == ""
    for name in ("known", "participant", "member", "organiser"):
        answer = client.get(f"/api/{name}")
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        page = client.get(f"/{name}", headers={"Accept": "text/html"})
        assert page.status_code == 303
        assert page.headers["Location"] == f"/log-in?next=%2F{name}"


def test_the_door_leads_to_the_whole_address_that_was_asked_for(app: FastAPI) -> None:
    page = asking(app).get("/known?token=a%2Fb&x=1", headers={"Accept": "text/html"})
    assert page.headers["Location"] == "/log-in?next=%2Fknown%3Ftoken%3Da%252Fb%26x%3D1"
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert page.headers["Cache-Control"] == "no-store"
    for unsafe in ("back=\\\\evil", "x=" + "y" * 2000):
        short = asking(app).get(f"/known?{unsafe}", headers={"Accept": "text/html"})
        assert short.headers["Location"] == "/log-in?next=%2Fknown"


def test_a_session_says_who_it_is_until_it_ends(app: FastAPI) -> None:
    site, user_id = organiser_of(app)
    client, opened = logged_in(app, site, user_id)
    assert client.get("/api/known").json() == "Olga"
    assert client.get("/api/organiser").json() == "Olga"
    assert client.get("/api/participant").status_code == 403  # an organiser isn't registered
    client.cookies.set(cookie_name(site.settings, SESSION_COOKIE), opened.token[:-1] + "x")
    assert client.get("/api/known").status_code == 401


def test_organisers_without_a_team_are_told_where_submissions_are(app: FastAPI) -> None:
    site, user_id = organiser_of(app)
    client, _ = logged_in(app, site, user_id)
    for address in ("/api/v1/quotas", "/api/v1/submissions", "/api/member"):
        answer = client.get(address)
        assert answer.status_code == 403
        assert "/api/v1/organise/submissions" in answer.json()["detail"]
    assert client.get("/api/v1/organise/submissions").status_code == 200


def test_a_session_ends_with_its_time(tmp_path: Path) -> None:
    now = [DURING]
    app = made_app(tmp_path, now=lambda: now[0])
    app.get("/api/known")(lambda: "x")
    site, user_id = organiser_of(app)
    client, _ = logged_in(app, site, user_id)
    assert "Olga" in client.get("/").text
    now[0] += timedelta(days=30)
    assert "Olga" not in client.get("/").text


def test_a_token_says_who_it_is_and_needs_no_form(app: FastAPI) -> None:
    site, user_id = organiser_of(app)
    made = site.database.transact(
        lambda session: create_api_token(session, site.rules, user_id, "laptop", now=DURING)
    )
    client = asking(app, headers={"Authorization": f"Bearer {made.token}"})
    assert client.get("/api/organiser").json() == "Olga"
    assert client.post("/api/organiser").json() == "Olga"
    site.database.transact(lambda session: revoke_api_token(session, user_id, made.id, now=DURING))
    assert client.get("/api/somebody").status_code == 401


def test_a_browser_needs_the_form_of_its_own_session(app: FastAPI) -> None:
    site, user_id = organiser_of(app)
    visitor = asking(app)
    client, _ = logged_in(app, site, user_id)
    assert client.post("/api/organiser").status_code == 403
    page = client.get("/").text
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    assert client.post("/api/organiser", headers={"X-CSRF-Token": token}).json() == "Olga"
    other, _ = logged_in(app, site, user_id)
    other.cookies.set(cookie_name(site.settings, "csrf"), client.cookies[cookie_name(site.settings, "csrf")])
    assert other.post("/api/organiser", headers={"X-CSRF-Token": token}).status_code == 403
    assert visitor.post("/api/somebody", headers={"X-CSRF-Token": token}).status_code == 403


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (RefusedError(Refused(Reason.WRONG)), 401, "wrong"),
        (RefusedError(Refused(Reason.TOO_OFTEN, timedelta(minutes=3))), 429, "too_often"),
        (AccountError("no", Reason.NOT_FOUND), 404, "not_found"),
        (AccountError("no", Reason.INVALID, field="email"), 422, "invalid"),
        (AccountError("no", Reason.FULL), 409, "full"),
        (UploadRefusedError(UploadReason.OFFSET, "no", length=7), 409, "offset"),
        (UploadRefusedError(UploadReason.TOO_BIG, "no"), 413, "too_big"),
        (SubmissionError("no"), 422, "submission"),
        (OutputError("/secret/place is full"), 503, "unavailable"),
        (SettingsError("/secret/place is wrong"), 500, ""),
    ],
)
def test_each_refusal_has_its_status(tmp_path: Path, error: UnicareError, status: int, reason: str) -> None:
    app = made_app(tmp_path)

    @app.get("/api/refuses")
    def refuses() -> None:
        raise error

    answer = asking(app).get("/api/refuses")
    assert answer.status_code == status
    told = answer.json()
    assert (told["status"], told["reason"]) == (status, reason)
    assert "secret" not in answer.text
    assert told["length"] == getattr(error, "length", None)
    assert told["field"] == getattr(error, "field", "")
    assert answer.headers.get("Retry-After") == ("180" if status == 429 else None)
