"""People who come to a site by HTTP, with a browser that keeps cookies, and the mails that they get."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from httpx2 import Response
from sqlalchemy import select
from tests.web.sites import DURING, asking, made_app

from unicare.web.accounts.organisers import create_organiser, decide
from unicare.web.accounts.registration import RegistrationForm
from unicare.web.database import Database
from unicare.web.database.tables import OutboxMail, User
from unicare.web.mail import TOKEN
from unicare.web.site import Site

PASSWORD = "seven green lanterns"
_API = "/api/v1"


class Clock:
    """A clock that stands still until it is put forward."""

    def __init__(self, now: datetime = DURING) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now


def people_app(
    folder: Path,
    *,
    now: Callable[[], datetime] | None = None,
    database: Database | None = None,
    settings: Mapping[str, Any] | None = None,
) -> FastAPI:
    """A site for people, with nobody there yet."""
    return made_app(folder, now or Clock(), database=database, settings=settings or {})


def site_of_app(app: FastAPI) -> Site:
    """What its routes share."""
    site: Site = app.state.site
    return site


def mails(app: FastAPI, recipient: str = "") -> list[tuple[str, str]]:
    """Subject and text of the mails in the outbox, with their tokens, oldest first."""
    site = site_of_app(app)
    with site.database.reading() as session:
        rows = session.scalars(select(OutboxMail).order_by(OutboxMail.id)).all()
    return [
        (row.subject, row.body.replace(TOKEN, site.door.links.token_of(row.token_nonce or "")))
        for row in rows
        if recipient in ("", row.recipient)
    ]


def link(app: FastAPI, kind: str, recipient: str = "") -> str:
    """The token of the newest mail with a link of a kind."""
    text = "\n".join(body for _, body in mails(app, recipient))
    return str(re.findall(rf"/{kind}\?token=([\w-]+)$", text, re.MULTILINE)[-1])


def chief(app: FastAPI) -> int:
    """The number of an organiser, who is made if there is none."""
    form = RegistrationForm("chief@site.test", "Chief", "", PASSWORD)
    return create_organiser(site_of_app(app).door, form)


def user_id(app: FastAPI, email: str) -> int:
    """The number of an account."""
    with site_of_app(app).database.reading() as session:
        return session.scalars(select(User.id).where(User.email_key == email)).one()


def approve(app: FastAPI, email: str) -> None:
    """Has an organiser approve somebody."""
    site, organiser, whom = site_of_app(app), chief(app), user_id(app, email)
    site.database.transact(
        lambda session: decide(session, site.rules, organiser, whom, True, now=site.clock())
    )


class Somebody:
    """Somebody with a browser.

    Args:
        app: the site.
        email: address of the account that they have or make.
        given: keywords of ``asking``.
    """

    def __init__(self, app: FastAPI, email: str = "", **given: Any) -> None:
        self.app = app
        self.email = email
        self.client = asking(app, **given)

    def csrf(self) -> str:
        """The token that this browser's requests need now."""
        return str(self.client.get(f"{_API}/session").json()["csrf_token"])

    def ask(self, path: str) -> Response:
        """Asks the API."""
        return self.client.get(_API + path)

    def call(self, method: str, path: str, body: Any = None) -> Response:
        """Has the API do something."""
        return self.client.request(method, _API + path, json=body, headers={"X-CSRF-Token": self.csrf()})

    def page(self, address: str) -> Response:
        """Opens a page."""
        return self.client.get(address, headers={"Accept": "text/html"})

    def send(self, address: str, **fields: str) -> Response:
        """Sends a form; ``next_`` is the field ``next``."""
        data = {name.rstrip("_"): value for name, value in fields.items()}
        return self.client.post(
            address, data={**data, "csrf_token": self.csrf()}, headers={"Accept": "text/html"}
        )

    def register(self, **more: Any) -> Response:
        """Registers by the API."""
        version = site_of_app(self.app).rules.agreement_version
        body = {
            "email": self.email,
            "name": self.email.partition("@")[0].capitalize(),
            "affiliation": "Somewhere",
            "password": PASSWORD,
            "agreement_version": version,
        }
        return self.call("POST", "/registrations", {**body, **more})

    def confirm(self, password: str = PASSWORD) -> Response:
        """Confirms the address by the newest mail's link."""
        body = {"token": link(self.app, "confirm", self.email), "password": password}
        return self.call("POST", "/confirmations", body)

    def log_in(self, password: str = PASSWORD, email: str = "") -> Response:
        """Logs in by the API."""
        return self.call("POST", "/session", {"email": email or self.email, "password": password})


def comer(app: FastAPI, name: str, *, approved: bool = True) -> Somebody:
    """Somebody who is registered and logged in: ``name@people.test``."""
    somebody = Somebody(app, f"{name}@people.test")
    assert somebody.register().status_code == 202
    assert somebody.confirm().status_code == 200
    if approved:
        approve(app, somebody.email)
    return somebody
