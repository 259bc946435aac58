"""A small site with a challenge that one can hand in to, people in teams, and a worker to be called."""

from __future__ import annotations

import gzip
import io
import threading
import zipfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.web.challenge.folders import AFFINE, CENTRES, YAML, heart, write_challenge, write_data
from tests.web.sites import asking, made_settings

from unicare.web.accounts.api_tokens import create_api_token
from unicare.web.accounts.door import Origin
from unicare.web.accounts.sessions import open_session
from unicare.web.app import create_app
from unicare.web.challenge import load_challenge
from unicare.web.database import Database
from unicare.web.database.tables import Membership, Registration, Team, User
from unicare.web.deps import SESSION_COOKIE
from unicare.web.life.site import WorkingSite
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker
from unicare.web.security.cookies import cookie_name
from unicare.web.site import Site

# Around today, as what came is timed by the disk.
OPEN = datetime.now(UTC).replace(second=0, microsecond=0)
CLOSED = OPEN + timedelta(days=35)
RELEASED = OPEN + timedelta(days=45)

_START = f"{OPEN - timedelta(days=30):%Y-%m-%d} 00:00 UTC"
_END = f"{OPEN + timedelta(days=30):%Y-%m-%d} 23:59 UTC"
RELEASE_DAY = f"{OPEN + timedelta(days=40):%Y-%m-%d}"
_RELEASE = f"{RELEASE_DAY} 10:00 UTC"
_DATES = {
    "2025-05-20 00:00 Europe/Berlin": _START,
    "2025-06-20 00:00 Europe/Berlin": _START,
    "2025-07-30 23:59 Europe/Berlin": _END,
    "2025-08-10 12:00 Europe/Berlin": _RELEASE,
}

HIDDEN = f"""\
  - name: hidden
    kind: predictions
    start: {_START}
    end: {_END}
    release: {_RELEASE}
    show_scores: on_release
    show_worst_cases: true
  - name: test
"""


def write_hearts(folder: Path) -> Path:
    """A challenge whose validation shows all there is, with hidden scores and containers beside it."""
    write_challenge(folder)
    text = YAML.replace(
        "    show_boards: at_once\n",
        ("    show_boards: at_once\n    show_worst_cases: true\n    hand_out_images: true\n    quota: 2\n"),
    ).replace("  - name: test\n", HIDDEN)
    for before, after in _DATES.items():
        text = text.replace(before, after)
    (folder / "challenge.yaml").write_text(text)
    write_data(folder / "reference/whs/hidden")
    return folder


@dataclass
class Player:
    """Somebody in a team.

    Attributes:
        id: of the user.
        team_id: None for those in none.
        api: asks with a token.
        token: that it asks with.
        browser: asks with a cookie.
    """

    id: int
    team_id: int | None
    api: TestClient
    token: str
    browser: TestClient


@dataclass
class Hearts:
    """The site, its people, its worker."""

    app: FastAPI
    site: Site
    worker: Worker
    now: list[datetime]
    teams: dict[str, int] = field(default_factory=dict)
    captains: set[str] = field(default_factory=set)

    @property
    def working(self) -> WorkingSite:
        return self.site.working

    def work(self, most: int = 50) -> None:
        """Until there is nothing to do."""
        self.worker.sweep()
        for _ in range(most):
            if not self.worker.work_once():
                return

    def check(self) -> None:
        """All that waits for its check, and nothing else."""
        self.worker.sweep()
        while (mine := self.worker._take("check")) is not None:
            self.worker._do(mine)

    def player(self, name: str, team: str | None = None, *, organiser: bool = False) -> Player:
        """Somebody new, in a team of this name, which is founded if there is none."""
        site, now = self.site, self.now[0]

        def work(session: Session) -> tuple[int, str, str]:
            user = User(
                email=f"{name}@x.org", email_key=f"{name}@x.org", name=name.capitalize(), affiliation="Uni",
                password_hash="", created_at=now, email_confirmed_at=now, is_organiser=organiser,
            )  # fmt: skip
            session.add(user)
            session.flush()
            if not organiser:
                version = site.rules.agreement_version
                session.add(Registration(user_id=user.id, status="approved", created_at=now,
                                         agreement_version=version, agreed_at=now))  # fmt: skip
            if team is not None:
                if team not in self.teams:
                    row = Team(name=team, name_key=team, created_at=now)
                    session.add(row)
                    session.flush()
                    self.teams[team] = row.id
                captain = team not in self.captains
                self.captains.add(team)
                session.add(
                    Membership(user_id=user.id, team_id=self.teams[team], is_captain=captain, joined_at=now)
                )
            token = create_api_token(session, site.rules, user.id, "a", now=now).token
            opened = open_session(session, site.rules, user.id, Origin("127.0.0.1"), now, None)
            return user.id, token, opened.token

        user_id, token, cookie = site.database.transact(work)
        browser = asking(self.app)
        browser.cookies.set(cookie_name(site.settings, SESSION_COOKIE), cookie)
        api = asking(self.app, headers={"Authorization": f"Bearer {token}"})
        return Player(user_id, self.teams.get(team or ""), api, token, browser)


def made_hearts(
    data: Path, challenge: Path, database: Database, *, engine: Any = None, **settings: Any
) -> Hearts:
    """The site; its clock is ``Hearts.now[0]``."""
    now = [OPEN]

    def clock() -> datetime:
        return now[0]

    wake = EmbeddedWake()
    chosen = {"lease_seconds": 5.0, **settings}
    app = create_app(
        made_settings(data, **chosen), load_challenge(challenge), database, clock=clock, wake=wake
    )
    site: Site = app.state.site
    worker = Worker(replace(site.working, engine=engine), wake, threading.Event())
    return Hearts(app, site, worker, now)


def begun(player: Player, data: bytes, **given: Any) -> dict[str, Any]:
    """A submission that was announced; what the site says of it."""
    body = {"task": "whs", "phase": "validation", "name": "ours.zip", "total_bytes": len(data), **given}
    answer = player.api.post("/api/v1/submissions", json=body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def sent(player: Player, number: int, data: bytes, offset: int = 0) -> Any:
    """What is answered to a piece of an upload."""
    return player.api.patch(
        f"/api/v1/submissions/{number}/upload", content=data, headers={"Upload-Offset": str(offset)}
    )


def handed_in(player: Player, data: bytes, **given: Any) -> int:
    """The number of a submission, all of which has come."""
    number: int = begun(player, data, **given)["id"]
    assert sent(player, number, data).status_code == 200
    answer = player.api.post(f"/api/v1/submissions/{number}/upload/end")
    assert answer.status_code == 200, answer.text
    return number


def told_of(player: Player, number: int) -> dict[str, Any]:
    """All that the site says of a submission."""
    told: dict[str, Any] = player.api.get(f"/api/v1/submissions/{number}").json()
    return told


def zipped(shift: int = 0, without: tuple[str, ...] = (), **others: np.ndarray) -> bytes:
    """An archive of predictions, moved by some voxels; without some cases, with others as they are given."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for case in CENTRES:
            if case not in without:
                values = others.get(case, np.roll(heart(), shift, 0))
                image = nib.Nifti1Image(values, AFFINE)
                archive.writestr(f"{case}_pred.nii.gz", gzip.compress(image.to_bytes()))
    return packed.getvalue()
