"""One site with somebody of every kind on it, and something of everything that they may ask for."""

from __future__ import annotations

import gzip
import io
import shutil
import sqlite3
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response
from sqlalchemy.orm import Session
from tests.web.challenge.folders import AFFINE, CENTRES, heart
from tests.web.handing_in import Hearts, begun, handed_in, made_hearts, sent, write_hearts
from tests.web.sites import asking, made_database

from unicare.web.accounts.api_tokens import create_api_token
from unicare.web.accounts.door import Origin
from unicare.web.accounts.invitations import invite
from unicare.web.accounts.sessions import open_session
from unicare.web.database.tables import ApiToken, Membership, OutboxMail, Registration, Team, User
from unicare.web.deps import SESSION_COOKIE
from unicare.web.organise.announcements import announce
from unicare.web.security.cookies import cookie_name

__all__ = ["PASSWORD", "PREDICTIONS", "Cast", "Who", "cast_on", "predictions", "routes_of"]

PASSWORD = "a heart of 4 chambers"
_API = "/api/"


def predictions(shift: int = 0) -> bytes:
    """A zip of label maps for all cases of the small challenge."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for case in CENTRES:
            image = nib.Nifti1Image(np.roll(heart(), shift, 0), AFFINE)
            archive.writestr(f"{case}_pred.nii.gz", gzip.compress(image.to_bytes(), mtime=0))
    return packed.getvalue()


PREDICTIONS = predictions(1)


@dataclass(frozen=True)
class Who:
    """Somebody who asks.

    Attributes:
        name: of the role.
        id: of the user; 0 for visitors.
        cookie: of a session; empty for visitors.
        token: for the API; empty for visitors.
    """

    name: str
    id: int = 0
    cookie: str = ""
    token: str = ""


@dataclass
class Cast:
    """The site, who is there, and what there is.

    Attributes:
        hearts: the site with its worker and clock.
        roles: by name, in the order in which they are told of.
        objects: what stands in the addresses, such as ``submission_id``.
    """

    hearts: Hearts
    folder: Path
    roles: dict[str, Who]
    objects: dict[str, str]
    links: dict[str, str]
    client: TestClient
    _csrf: dict[str, tuple[str, str]] = field(default_factory=dict)
    _kept: sqlite3.Connection | None = None

    @property
    def app(self) -> FastAPI:
        """The application."""
        return self.hearts.app

    def ask(
        self,
        who: Who,
        method: str,
        address: str,
        *,
        by_token: bool = False,
        csrf: bool = True,
        headers: Mapping[str, str] | None = None,
        **given: Any,
    ) -> Response:
        """Sends a request as somebody, as a browser or as a program does; no cookie is left behind."""
        program = address.startswith(_API)
        sent_with = {"Accept": "application/json" if program else "text/html", **(headers or {})}
        if by_token:
            sent_with["Authorization"] = f"Bearer {who.token}"
        else:
            session, (nonce, token) = who.cookie, self._csrf_of(who)
            name = cookie_name(self.hearts.site.settings, SESSION_COOKIE)
            other = cookie_name(self.hearts.site.settings, "csrf")
            sent_with["Cookie"] = f"{other}={nonce}" + (f"; {name}={session}" if session else "")
            if csrf:
                sent_with["X-CSRF-Token"] = token
        self.client.cookies.clear()
        answer = self.client.request(method, address, headers=sent_with, **given)
        self.client.cookies.clear()
        return answer  # type: ignore[return-value]

    def keep(self) -> None:
        """Notes how everything is."""
        self._kept = sqlite3.connect(":memory:", check_same_thread=False)
        with sqlite3.connect(self.folder / "site.sqlite") as now:
            now.backup(self._kept)
        for name in ("uploads", "storage"):
            if (self.folder / name).exists():
                shutil.copytree(self.folder / name, self.folder / "kept" / name)

    def put_back(self) -> None:
        """Makes everything as it was when it was noted."""
        assert self._kept is not None
        with sqlite3.connect(self.folder / "site.sqlite") as now:
            self._kept.backup(now)
        for name in ("uploads", "storage"):
            shutil.rmtree(self.folder / name, ignore_errors=True)
            if (self.folder / "kept" / name).exists():
                shutil.copytree(self.folder / "kept" / name, self.folder / name)

    def _csrf_of(self, who: Who) -> tuple[str, str]:
        """The cookie's value and the token that forms of somebody need."""
        if who.name not in self._csrf:
            name = cookie_name(self.hearts.site.settings, SESSION_COOKIE)
            headers = {"Cookie": f"{name}={who.cookie}"} if who.cookie else {}
            answer = self.client.get("/api/v1/session", headers=headers)
            nonce = self.client.cookies[cookie_name(self.hearts.site.settings, "csrf")]
            self.client.cookies.clear()
            self._csrf[who.name] = nonce, answer.json()["csrf_token"]
        return self._csrf[who.name]


def routes_of(app: FastAPI) -> set[str]:
    """Every route of an application, such as ``GET /api/v1/me``."""
    found: set[str] = set()
    for route in app.routes:
        inner = getattr(route, "effective_route_contexts", None)
        for one in [route] if inner is None else inner():
            found.update(f"{method} {one.path}" for method in one.methods or () if method != "HEAD")
    return found


@contextmanager
def cast_on(folder: Path, **settings: Any) -> Iterator[Cast]:
    """The site in a folder."""
    data = folder / "data"
    database = made_database(data)
    chosen = {"uploads_at_once": 50, **settings}
    hearts = made_hearts(data, write_hearts(folder / "challenge"), database, **chosen)
    with ExitStack() as stack:
        client = stack.enter_context(asking(hearts.app))
        cast = _fill(Cast(hearts, data, {"visitor": Who("visitor")}, {}, {}, client))
        cast.keep()
        yield cast
    database.close()


def _fill(cast: Cast) -> Cast:
    hearts = cast.hearts
    site, now = hearts.site, hearts.now[0]

    def somebody(session: Session, name: str, status: str | None, version: str | None) -> Who:
        user = User(
            email=f"{name}@cast.test", email_key=f"{name}@cast.test", name=name.capitalize(),
            affiliation="Somewhere", password_hash=site.door.passwords.hash(PASSWORD), created_at=now,
            email_confirmed_at=now, is_organiser=status is None,
        )  # fmt: skip
        session.add(user)
        session.flush()
        if status is not None:
            session.add(
                Registration(
                    user_id=user.id, status=status, created_at=now, agreement_version=version, agreed_at=now
                )
            )
        token = create_api_token(session, site.rules, user.id, "laptop", now=now).token
        opened = open_session(session, site.rules, user.id, Origin("127.0.0.1"), now, None)
        return Who(name, user.id, opened.token, token)

    def team(session: Session, name: str, *members: Who) -> int:
        row = Team(name=name, name_key=name.lower(), created_at=now)
        session.add(row)
        session.flush()
        for place, one in enumerate(members):
            session.add(Membership(user_id=one.id, team_id=row.id, is_captain=place == 0, joined_at=now))
        session.flush()
        return row.id

    def people(session: Session) -> None:
        agreed = site.rules.agreement_version
        for name, status, version in (
            ("pending", "pending", agreed),
            ("rejected", "rejected", agreed),
            ("outdated", "approved", "of last year"),
            ("teamless", "approved", agreed),
            ("member", "approved", agreed),
            ("captain", "approved", agreed),
            ("other", "approved", agreed),
            ("struck", "approved", agreed),
            ("disabled", "approved", agreed),
            ("organiser", None, None),
        ):
            cast.roles[name] = somebody(session, name, status, version)
        roles = cast.roles
        red = team(session, "Reds", roles["captain"], roles["member"], roles["outdated"], roles["disabled"])
        team(session, "Blues", roles["other"])
        struck = team(session, "Greens", roles["struck"])
        row = session.get_one(Team, struck)
        row.disqualified_at, row.disqualified_reason = now, "they looked"
        own = session.query(ApiToken).filter_by(user_id=roles["captain"].id).one()
        cast.objects.update(team_id=str(red), token_id=str(own.id), user_id=str(roles["member"].id))
        links = site.door.links
        sent_to = invite(session, site.rules, links, roles["captain"].id, "friend@cast.test", now=now)
        cast.objects["invitation_id"] = str(sent_to.id)
        mine = invite(session, site.rules, links, roles["captain"].id, "teamless@cast.test", now=now)
        mail = session.query(OutboxMail).order_by(OutboxMail.id.desc()).first()
        assert mail is not None
        cast.links["invitation"] = links.token_of(mail.token_nonce or "")
        cast.links["invitation_id"] = str(mine.id)
        news = announce(session, roles["organiser"].id, "News", "Something *new*.", None, now=now, address="")
        cast.objects["announcement_id"] = str(news)

    site.database.transact(people)
    _hand_in(cast)
    site.database.transact(lambda session: _disable(session, cast.roles["disabled"].id, now))
    return cast


def _disable(session: Session, user_id: int, now: Any) -> None:
    """By hand, so that the session and the token are still there and it must be the account that counts."""
    session.get_one(User, user_id).disabled_at = now


def _hand_in(cast: Cast) -> None:
    """A submission with its score, one that waits for bytes, one that failed its check."""
    from tests.web.handing_in import Player

    who = cast.roles["captain"]
    api = asking(cast.app, headers={"Authorization": f"Bearer {who.token}"})
    player = Player(who.id, int(cast.objects["team_id"]), api, who.token, api)
    cast.objects["submission_id"] = str(handed_in(player, PREDICTIONS))
    cast.objects["refused_id"] = str(handed_in(player, b"no zip"))
    cast.hearts.work()
    half = begun(player, PREDICTIONS)["id"]
    assert sent(player, half, PREDICTIONS[:100]).status_code == 200
    cast.objects["uploading_id"] = str(half)
    state = player.api.get(f"/api/v1/submissions/{cast.objects['submission_id']}").json()["state"]
    assert state == "scored"
