"""A site in the middle of its season: people, teams, submissions, scores, and unfriendly names among them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy.orm import Session
from tests.web.sites import DURING, TEXTS, asking, made_app

from unicare.evaluate.rows import Row, write_rows
from unicare.web.accounts.api_tokens import create_api_token
from unicare.web.accounts.door import Origin
from unicare.web.accounts.rules import agreement_version
from unicare.web.accounts.sessions import open_session
from unicare.web.database import Database
from unicare.web.database.tables import (
    Evaluation,
    Membership,
    QuotaSlot,
    Registration,
    RegistrationStatus,
    Submission,
    Team,
    User,
)
from unicare.web.deps import SESSION_COOKIE
from unicare.web.security.cookies import cookie_name
from unicare.web.site import Site

AGREED = agreement_version(TEXTS["agreement"])
HOSTILE = "<img src=x onerror=alert(1)>\"&'{{7*7}}"
SUMMARY = {
    "unicare": "0.1.0",
    "definition": "v1",
    "cases": 2,
    "scored": 2,
    "structures": [
        {
            "structure": "left atrium blood cavity",
            "label": 420,
            "metric": "dice",
            "mean": 0.75,
            "sd": 0.05,
            "n": 2,
        },
        {
            "structure": "left atrium blood cavity",
            "label": 420,
            "metric": "hausdorff_mm",
            "mean": 7.5,
            "sd": 1.0,
            "n": 2,
        },
    ],
}


@dataclass
class Season:
    """The site, and who is there.

    Attributes:
        app: that serves it.
        organiser: number of a person.
        participant: the same; captain of the first team.
        waiting: the same; whose registration waits.
        teams: their numbers.
        scored: submissions of the first team that have a score.
    """

    app: FastAPI
    organiser: int
    participant: int
    waiting: int
    teams: tuple[int, ...]
    scored: tuple[int, ...]

    @property
    def site(self) -> Site:
        """What the routes share."""
        site: Site = self.app.state.site
        return site

    def logged_in(self, user_id: int) -> TestClient:
        """A browser of somebody."""
        site = self.site
        opened = site.database.transact(
            lambda session: open_session(
                session, site.rules, user_id, Origin("127.0.0.1"), site.clock(), None
            )
        )
        client = asking(self.app)
        client.cookies.set(cookie_name(site.settings, SESSION_COOKIE), opened.token)
        return client

    def program(self, user_id: int) -> TestClient:
        """A program of somebody, with an API token."""
        site = self.site
        made = site.database.transact(
            lambda session: create_api_token(session, site.rules, user_id, "laptop", now=site.clock())
        )
        return asking(self.app, headers={"Authorization": f"Bearer {made.token}"})


def made_season(
    folder: Path, database: Database | None = None, now: datetime = DURING, **given: Any
) -> Season:
    """A site with an organiser, a participant, somebody who waits, two teams and four submissions."""
    app = made_app(folder, now, database=database, **given)
    site: Site = app.state.site

    def work(session: Session) -> Season:
        organiser = person(session, "Olga", now, organiser=True)
        captain = person(session, f"Ada {HOSTILE}", now, email="ada@people.test", status="approved")
        waiting = person(session, "Waldo", now, status="pending")
        teams = tuple(
            team(session, name, members, now)
            for name, members in ((f"Reds {HOSTILE}", [captain]), ("=Blues/../..", ()))
        )
        scored = tuple(
            submission(session, teams[0], captain, number, now - timedelta(days=2 - number))
            for number in (1, 2)
        )
        failed = submission(session, teams[1], captain, 0, now - timedelta(days=1), state="failed")
        assert failed
        submission(session, teams[1], captain, 1, now - timedelta(hours=1), state="queued")
        return Season(app, organiser, captain, waiting, teams, scored)

    season = site.database.transact(work)
    for number in season.scored:
        file = folder / "rows.parquet"
        write_rows(file, rows_of(number))
        site.working.storage.put(f"evaluations/{number}/1/metrics.parquet", file)
    return season


def rows_of(submission_id: int) -> Sequence[Row]:
    """The rows of a submission's evaluation: figures with all their digits."""
    return [
        Row(f"Case_{case}", "A", "ID", 420, "left atrium blood cavity", metric, value, "measured")
        for case in (1, 2)
        for metric, value in (
            ("dice", 1 / (submission_id + case)),
            ("hausdorff_mm", 10 / 3 * submission_id * case),
        )
    ]


def person(
    session: Session,
    name: str,
    now: datetime,
    *,
    email: str = "",
    organiser: bool = False,
    status: RegistrationStatus | None = None,
) -> int:
    """Somebody whose address is confirmed."""
    email = email or f"{name.lower()}@people.test"
    user = User(
        email=email,
        email_key=email,
        name=name,
        affiliation=f"Uni {HOSTILE}",
        password_hash="secret-hash",
        created_at=now,
        email_confirmed_at=now,
        is_organiser=organiser,
    )
    session.add(user)
    session.flush()
    if status is not None:
        version = "x" if status == "pending" else AGREED
        session.add(
            Registration(
                user_id=user.id, status=status, created_at=now, agreement_version=version, agreed_at=now
            )
        )
    return user.id


def team(session: Session, name: str, members: Sequence[int], now: datetime) -> int:
    """A team; the first of its members is its captain."""
    row = Team(name=name, name_key=name.lower(), created_at=now)
    session.add(row)
    session.flush()
    for place, number in enumerate(members):
        session.add(Membership(user_id=number, team_id=row.id, is_captain=place == 0, joined_at=now))
    session.flush()
    return row.id


def submission(
    session: Session, team_id: int, user_id: int, slot: int, at: datetime, *, state: str = "scored"
) -> int:
    """A submission with one evaluation, and one of its team's quota if ``slot`` is its number."""
    row = Submission(
        team_id=team_id,
        user_id=user_id,
        task="la",
        phase="validation",
        kind="predictions",
        state=state,
        created_at=at,
        checked_at=at,
        storage_key="somewhere",
        note=HOSTILE,
        report={
            "cases": 2,
            "findings": [{"kind": "extra", "text": HOSTILE, "case": HOSTILE, "severity": "warning"}],
        },
    )
    session.add(row)
    session.flush()
    done = state in ("scored", "failed")
    evaluation = Evaluation(
        submission_id=row.id, number=1, state=state, queued_at=at, finished_at=at if done else None
    )
    if state == "scored":
        evaluation.summary, evaluation.rows_key = SUMMARY, f"evaluations/{row.id}/1/metrics.parquet"
        evaluation.definition_version, evaluation.unicare_version = "v1", "0.1.0"
    if state == "failed":
        evaluation.public_error = f"It failed {HOSTILE}"
        evaluation.private_error = f"Traceback in /secret/place {HOSTILE}"
    session.add(evaluation)
    if slot:
        session.add(
            QuotaSlot(
                team_id=team_id,
                task="la",
                phase="validation",
                number=slot,
                submission_id=row.id,
                taken_at=at,
            )
        )
    session.flush()
    return row.id
