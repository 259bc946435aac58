"""What waits for workers, and what they have in hand."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.challenge import Challenge
from unicare.web.database.tables import Evaluation, Submission, SubmissionKind
from unicare.web.facts.base import Facts
from unicare.web.life.states import State
from unicare.web.life.watch import unattended
from unicare.web.settings import SiteSettings

__all__ = ["QueueFacts", "WorkFacts", "read_queue"]


class WorkFacts(Facts):
    """What a worker has in hand.

    Attributes:
        worker: its name.
        what: a check, or an evaluation.
        submission: number.
        since: when it began; null if that isn't known.
        lease_expires_at: when it is taken from it, unless it is heard of before.
        late: whether it wasn't heard of in time.
    """

    worker: str
    what: str
    submission: int
    since: datetime | None
    lease_expires_at: datetime | None
    late: bool


class QueueFacts(Facts):
    """What waits for workers.

    Attributes:
        checks: submissions that wait for their check.
        evaluations: that wait.
        oldest: since when the one that waited longest does; null if nothing waits.
        work: what is under way.
        unattended: kinds of submissions that no worker was seen for, and since when that is so.
        patience_hours: after which containers that nobody runs are failed, and given back.
    """

    checks: int
    evaluations: int
    oldest: datetime | None
    work: tuple[WorkFacts, ...]
    unattended: dict[SubmissionKind, datetime]
    patience_hours: float


def read_queue(session: Session, challenge: Challenge, settings: SiteSettings, now: datetime) -> QueueFacts:
    """What waits for workers, and what they have in hand."""
    checks, first_check = session.execute(
        select(func.count(), func.min(Submission.created_at)).where(Submission.state == State.UPLOADED)
    ).one()
    evaluations, first_evaluation = session.execute(
        select(func.count(), func.min(Evaluation.queued_at)).where(Evaluation.state == State.QUEUED)
    ).one()
    waits = [one for one in (first_check, first_evaluation) if one is not None]
    return QueueFacts(
        checks=checks,
        evaluations=evaluations,
        oldest=min(waits, default=None),
        work=_work(session, now),
        unattended=unattended(session, challenge, now),
        patience_hours=settings.container_patience_hours,
    )


def _work(session: Session, now: datetime) -> tuple[WorkFacts, ...]:
    running = select(
        Evaluation.lease_owner, Evaluation.submission_id, Evaluation.started_at, Evaluation.lease_expires_at
    ).where(Evaluation.state == State.RUNNING)
    checking = select(Submission.lease_owner, Submission.id, Submission.lease_expires_at).where(
        Submission.state == State.CHECKING
    )
    found = [
        (owner, "evaluation", number, since, until)
        for owner, number, since, until in session.execute(running.order_by(Evaluation.id))
    ]
    found += [
        (owner, "check", number, None, until)
        for owner, number, until in session.execute(checking.order_by(Submission.id))
    ]
    return tuple(
        WorkFacts(
            worker=owner or "",
            what=what,
            submission=number,
            since=since,
            lease_expires_at=until,
            late=until is None or until <= now,
        )
        for owner, what, number, since, until in found
    )
