"""Whether anybody runs containers: workers say what they can, and what waits in vain comes to an end."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.challenge import Challenge
from unicare.web.database.tables import Evaluation, Submission, SubmissionKind, Upload, WorkerWatch
from unicare.web.life.moves import move_evaluation, move_submission
from unicare.web.life.site import WorkingSite
from unicare.web.life.states import State

__all__ = ["give_up_containers", "note_workers", "unattended", "watch_workers"]

_LOG = structlog.get_logger(__name__)
_EVERY = timedelta(seconds=10)
_FRESH = timedelta(minutes=2)
_UNWATCHED = timedelta(minutes=15)


def watch_workers(site: WorkingSite, kinds: Collection[SubmissionKind] | None = None) -> None:
    """Writes down which submissions can be dealt with here, and looks for what nobody was seen for.

    Args:
        site: whose challenge says which kinds there are.
        kinds: that can be dealt with here; by default those of a worker of this site.
    """
    able = site.kinds if kinds is None else kinds
    site.transact(lambda session, now: note_workers(session, _kinds_of(site.challenge), able, now=now))


def note_workers(
    session: Session, kinds: Collection[SubmissionKind], able: Collection[SubmissionKind], *, now: datetime
) -> None:
    """Writes down that somebody looked, and that somebody who can deal with some kinds lives.

    While nobody looks (the whole site was down), nobody is missed: then it is counted from now on.

    Args:
        session: of a transaction of its own.
        kinds: of submissions that there are.
        able: those of them that whoever calls can deal with.
        now: this moment by the database's clock.
    """
    for kind in sorted(kinds):
        row = session.get(WorkerWatch, kind)
        if row is None:
            session.add(WorkerWatch(kind=kind, seen_at=now, looked_at=now))
            continue
        told = row.seen_at if kind in able else row.looked_at
        if timedelta(0) <= now - told < _EVERY:
            continue
        looking = timedelta(0) <= now - row.looked_at <= _UNWATCHED
        if kind in able or not looking or row.seen_at > now:
            row.seen_at = now
        row.looked_at = now


def unattended(session: Session, challenge: Challenge, now: datetime) -> dict[SubmissionKind, datetime]:
    """The kinds of submissions that nobody can deal with now, and since when that is so."""
    rows = session.scalars(select(WorkerWatch).where(WorkerWatch.kind.in_(_kinds_of(challenge))))
    return {row.kind: row.seen_at for row in rows if now - row.seen_at > _FRESH}


def give_up_containers(site: WorkingSite) -> list[int]:
    """Fails containers that waited longer than the site's patience while nobody was seen who could run them.

    It is a fault of the site: the quota is given back, and organisers can have them run later.

    Returns:
        The numbers of the submissions.
    """
    patience = timedelta(hours=site.settings.container_patience_hours)
    with site.database.reading() as session:
        if not _missed(session, patience, site.clock(session)):
            return []
    lost = site.transact(lambda session, now: _give_up(session, patience, now))
    for number in lost:
        _LOG.warning("nobody runs containers; given up", submission=number)
    return lost


def _kinds_of(challenge: Challenge) -> tuple[SubmissionKind, ...]:
    return tuple(sorted({phase.kind for phase in challenge.phases}))


def _missed(session: Session, patience: timedelta, now: datetime) -> bool:
    row = session.get(WorkerWatch, "container")
    return row is not None and now - row.seen_at > patience and now - row.looked_at <= _UNWATCHED


def _give_up(session: Session, patience: timedelta, now: datetime) -> list[int]:
    if not _missed(session, patience, now):
        return []
    public = (
        f"No machine that runs containers was at work on this site for {patience / timedelta(hours=1):g} "
        "hours, so this one could not be run. That is no fault of yours: it doesn't count against your "
        "evaluations, and the organisers can have it run later."
    )
    private = (
        "no worker that runs containers was seen; unicare site worker runs one where podman or docker works"
    )
    arrived = func.coalesce(Upload.finished_at, Submission.created_at)
    checks = session.scalars(
        select(Submission)
        .outerjoin(Upload, Upload.id == Submission.upload_id)
        .where(Submission.state == State.UPLOADED, Submission.kind == "container", arrived <= now - patience)
    ).all()
    for submission in checks:
        submission.report, submission.private_error = {"messages": [public]}, private
        submission.lease_expires_at = None
        move_submission(session, submission, "give_up", now=now)
    evaluations = session.scalars(
        select(Evaluation)
        .join(Submission)
        .where(
            Evaluation.state == State.QUEUED,
            Submission.kind == "container",
            Evaluation.queued_at <= now - patience,
        )
    ).all()
    for evaluation in evaluations:
        evaluation.public_error, evaluation.private_error = public, private
        evaluation.lease_expires_at = None
        move_evaluation(session, evaluation, "give_up", now=now)
    return [one.id for one in checks] + [one.submission_id for one in evaluations]
