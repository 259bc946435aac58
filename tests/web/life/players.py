"""What teams do, and what must be true of a site whatever happens to it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.database import Database
from unicare.web.database.tables import AuditEntry, Evaluation, QuotaSlot, Submission, Upload, User
from unicare.web.database.tables import Team as TeamRow
from unicare.web.life.hand_in import begin_submission
from unicare.web.life.site import WorkingSite
from unicare.web.life.states import HOLDS_SLOT, State

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Team:
    """A team of one person."""

    id: int
    user_id: int


def new_team(database: Database, name: str) -> Team:
    def work(session: Session) -> Team:
        user = User(
            email=f"{name}@x.org",
            email_key=f"{name}@x.org",
            name=name,
            affiliation="",
            password_hash="",
            created_at=NOW,
            is_organiser=False,
        )
        team = TeamRow(name=name, name_key=name, created_at=NOW)
        session.add_all([user, team])
        session.flush()
        return Team(team.id, user.id)

    return database.transact(work)


def checked_submission(database: Database, team: Team, task: str = "whs", phase: str = "validation") -> int:
    """A submission whose check has passed."""

    def work(session: Session) -> int:
        row = Submission(
            team_id=team.id,
            user_id=team.user_id,
            task=task,
            phase=phase,
            kind="predictions",
            state="checked",
            created_at=NOW,
            storage_key="somewhere",
            checked_at=NOW,
        )
        session.add(row)
        session.flush()
        return row.id

    return database.transact(work)


def upload(
    site: WorkingSite, team: Team, data: bytes, *, phase: str = "validation", finish: bool = True
) -> int:
    """A submission whose bytes have come; the site wasn't told yet that they are all there."""
    upload_id = site.uploads.begin("ours.zip", len(data), team=str(team.id))

    def work(session: Session, now: datetime) -> int:
        session.add(
            Upload(
                id=upload_id,
                team_id=team.id,
                user_id=team.user_id,
                name="ours.zip",
                total_bytes=len(data),
                created_at=now,
            )
        )
        session.flush()
        return begin_submission(
            session,
            site.challenge,
            team_id=team.id,
            user_id=team.user_id,
            task="whs",
            phase=phase,
            upload_id=upload_id,
            now=now,
        ).id

    submission_id = site.transact(work)
    site.uploads.append(upload_id, 0, io.BytesIO(data))
    if finish:
        site.uploads.finish(upload_id)
    return submission_id


def submission_of(database: Database, submission_id: int) -> Submission:
    with database.reading() as session:
        return session.get_one(Submission, submission_id)


def evaluations_of(database: Database, submission_id: int) -> list[Evaluation]:
    with database.reading() as session:
        every = select(Evaluation).where(Evaluation.submission_id == submission_id)
        return list(session.scalars(every.order_by(Evaluation.number)))


def actions_of(database: Database, subject: str) -> list[str]:
    with database.reading() as session:
        every = select(AuditEntry.action).where(AuditEntry.subject == subject)
        return list(session.scalars(every.order_by(AuditEntry.id)))


def assert_sound(database: Database) -> None:
    """A submission has a place in the quota in the right states only; nothing was scored twice."""
    with database.reading() as session:
        slots = list(session.scalars(select(QuotaSlot.submission_id)))
        states = {one.id: one.state for one in session.scalars(select(Submission))}
        evaluations = list(session.scalars(select(Evaluation)))
    assert sorted(slots) == sorted(one for one, state in states.items() if state in HOLDS_SLOT)
    for one in evaluations:
        scored = actions_of(database, f"evaluation:{one.id}").count("evaluation.score")
        assert scored == (one.state == State.SCORED)
        assert (one.summary is not None) == (one.state == State.SCORED)
        assert (one.lease_owner is not None) == (one.state == State.RUNNING)
