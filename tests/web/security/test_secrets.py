"""No secret stands in the log, in the audit log, or readable in the database."""

from __future__ import annotations

import io
import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from tests.web.handing_in import Hearts, made_hearts, write_hearts
from tests.web.people import PASSWORD, Somebody, approve, link, site_of_app
from tests.web.security.cast import PREDICTIONS
from tests.web.sites import KEY, made_database

from unicare.web.log import configure_logging
from unicare.web.security.cookies import cookie_name


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """What the site logs, as it does in earnest."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    lines = io.StringIO()
    configure_logging(lines, logging.DEBUG)
    yield lines
    root.handlers[:] = kept
    root.setLevel(level)
    structlog.reset_defaults()


def test_a_whole_story_leaves_no_secret_behind(tmp_path: Path, log: io.StringIO) -> None:
    data = tmp_path / "data"
    database = made_database(data)
    hearts = made_hearts(data, write_hearts(tmp_path / "challenge"), database)

    @hearts.app.get("/api/v1/breaks")
    def breaks(password: str = "") -> None:
        raise RuntimeError("it broke")

    secrets = {"password": PASSWORD, "key": KEY}
    ada = Somebody(hearts.app, "ada@people.test")
    come_in(ada, secrets)
    invite_and_hand_in(hearts, ada, secrets)
    fail_and_forget(ada, secrets)

    text = log.getvalue()
    lines = [json.loads(line) for line in text.splitlines()]
    assert {"request", "request failed"} <= {line["event"] for line in lines}
    assert any(line.get("route") == "/confirm" for line in lines)
    assert _found(secrets, text) == []
    assert "ada@people.test" not in text  # nor who it was
    with sqlite3.connect(data / "site.sqlite") as kept:
        assert _found(secrets, "\n".join(kept.iterdump())) == []
    for file in data.rglob("*"):
        if file.is_file() and "sqlite" not in file.name:
            assert _found(secrets, file.read_bytes().decode("latin-1")) == [], file
    database.close()


def come_in(ada: Somebody, secrets: dict[str, str]) -> None:
    """Registers, confirms, mistypes, logs in and out."""
    app = ada.app
    ada.register()
    secrets["link to confirm"] = link(app, "confirm", ada.email)
    ada.page(f"/confirm?token={secrets['link to confirm']}")
    ada.confirm("a wrong password 1")
    ada.confirm()
    approve(app, ada.email)
    settings = site_of_app(app).settings
    session = cookie_name(settings, "session")
    secrets["first session"] = ada.client.cookies[session]
    ada.send("/log-out")
    ada.log_in("a wrong password 2")
    ada.log_in("x" * 2000 + PASSWORD)
    ada.page(f"/log-in?next=/reset?token={secrets['link to confirm']}")
    ada.log_in()
    secrets.update({f"wrong password {one}": f"a wrong password {one}" for one in (1, 2)})
    secrets["second session"] = ada.client.cookies[session]
    secrets["token of forms"] = ada.csrf()
    secrets["nonce of forms"] = ada.client.cookies[cookie_name(settings, "csrf")]


def invite_and_hand_in(hearts: Hearts, ada: Somebody, secrets: dict[str, str]) -> None:
    """By a browser, and by a program with a token."""
    secrets["API token"] = ada.call("POST", "/me/tokens", {"name": "laptop"}).json()["token"]
    ada.call("POST", "/team", {"name": "Reds"})
    ada.call("POST", "/team/invitations", {"email": "bob@people.test"})
    secrets["link to a team"] = link(ada.app, "invitation", "bob@people.test")
    ada.page(f"/invitation?token={secrets['link to a team']}")
    bearer = {"Authorization": f"Bearer {secrets['API token']}"}
    body = {"task": "whs", "phase": "validation", "name": "ours.zip", "total_bytes": len(PREDICTIONS)}
    number = ada.client.post("/api/v1/submissions", json=body, headers=bearer).json()["id"]
    upload = f"/api/v1/submissions/{number}/upload"
    ada.client.patch(upload, content=PREDICTIONS, headers={**bearer, "Upload-Offset": "0"})
    assert ada.client.post(f"{upload}/end", headers=bearer).status_code == 200
    hearts.work()


def fail_and_forget(ada: Somebody, secrets: dict[str, str]) -> None:
    """Requests that break the site, that can't be read, with a token that isn't good; a new password."""
    bearer = {"Authorization": f"Bearer {secrets['API token']}"}
    ada.client.get("/api/v1/breaks", params={"password": PASSWORD}, headers=bearer)
    ada.client.post("/api/v1/session", content=b'{"password": "' + PASSWORD.encode(), headers=bearer)
    secrets["bad API token"] = "z" * 43
    ada.client.get("/api/v1/me", headers={"Authorization": f"Bearer unicare_{secrets['bad API token']}"})
    ada.send("/forgotten", email=ada.email)
    secrets["link to reset"] = link(ada.app, "reset", ada.email)
    ada.page(f"/reset?token={secrets['link to reset']}")
    new = secrets["new password"] = "eight violet windmills"
    ada.send("/reset", token=secrets["link to reset"], password=new)
    assert ada.log_in(new).status_code == 200


def _found(secrets: dict[str, str], text: str) -> list[str]:
    return [name for name, secret in secrets.items() if secret in text]
