"""What went wrong lately."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.web.database.tables import Evaluation, Submission, Team
from unicare.web.facts.base import Facts
from unicare.web.life.states import State

__all__ = ["FailureFacts", "read_failures"]

_SINCE = timedelta(days=7)
_MOST_FAILURES = 20


class FailureFacts(Facts):
    """Something that went wrong.

    Attributes:
        at: when; null for what is tried again.
        submission: number.
        team: name.
        task: name.
        phase: name.
        what: a check, or an evaluation.
        again: whether it is tried again.
        public: what the team is told; empty if nothing.
        private: what happened.
    """

    at: datetime | None
    submission: int
    team: str
    task: str
    phase: str
    what: str
    again: bool
    public: str
    private: str


def read_failures(session: Session, now: datetime) -> tuple[FailureFacts, ...]:
    """What failed for good, and what was tried in vain and waits to be tried again."""
    since = now - _SINCE
    evaluations = session.execute(
        select(Evaluation, Submission.task, Submission.phase, Team.name)
        .join(Submission, Submission.id == Evaluation.submission_id)
        .join(Team, Team.id == Submission.team_id)
        .where(
            ((Evaluation.state == State.FAILED) & (Evaluation.finished_at >= since))
            | (Evaluation.state.in_([State.QUEUED, State.RUNNING]) & (Evaluation.failures > 0))
        )
        .order_by(Evaluation.id.desc())
        .limit(_MOST_FAILURES)
    )
    found = [
        FailureFacts(
            at=row.finished_at,
            submission=row.submission_id,
            team=team,
            task=task,
            phase=phase,
            what="evaluation",
            again=State(row.state) is not State.FAILED,
            public=row.public_error or "",
            private=row.private_error or "",
        )
        for row, task, phase, team in evaluations
    ]
    checks = session.execute(
        select(Submission, Team.name)
        .join(Team, Team.id == Submission.team_id)
        .where(
            Submission.private_error.is_not(None),
            Submission.checked_at.is_(None),
            Submission.state.in_([State.FAILED, State.UPLOADED, State.CHECKING]),
            Submission.created_at >= since,
        )
        .order_by(Submission.id.desc())
        .limit(_MOST_FAILURES)
    )
    found += [
        FailureFacts(
            at=row.created_at,
            submission=row.id,
            team=team,
            task=row.task,
            phase=row.phase,
            what="check",
            again=State(row.state) is not State.FAILED,
            public="; ".join(map(str, (row.report or {}).get("messages", ()))),
            private=row.private_error or "",
        )
        for row, team in checks
    ]
    found.sort(key=lambda one: (one.at or now, one.submission), reverse=True)
    return tuple(found[:_MOST_FAILURES])
