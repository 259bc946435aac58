"""Uploads that are whole become submissions that wait for their check, whoever dies in between."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from unicare.core.errors import OutputError, SubmissionError, UnicareError
from unicare.web.archive.upload_rules import Reason, UploadRefusedError
from unicare.web.database.tables import Submission, Upload
from unicare.web.life.hand_in import cancel_submission, finish_upload
from unicare.web.life.keys import upload_key
from unicare.web.life.site import WorkingSite
from unicare.web.life.states import MoveRefusedError, State

__all__ = ["find_arrivals", "note_whole", "take_upload"]

_LOG = structlog.get_logger(__name__)
_PATIENCE = timedelta(days=60)  # much longer than uploads are kept: on another machine none of them is seen
_KEPT = timedelta(days=7)
_BROKEN_OFF = timedelta(minutes=10)
_LONGEST_ANNOUNCEMENT = timedelta(hours=1)


def take_upload(site: WorkingSite, submission_id: int) -> None:
    """Takes a submission's upload, whose last byte has come, into the storage; the check can begin then.

    Each step may be done again: a process that dies in between loses nothing, and one that finds that another
    took it in meanwhile leaves it at that.

    Raises:
        SubmissionError: bytes are missing or wrong, the phase was closed by the time of the last one, or the
            submission was cancelled.
        OutputError: the storage can't be written to.
    """
    try:
        _take(site, submission_id)
    except (UploadRefusedError, OutputError, OSError):
        if _is_wanted(site, submission_id):
            raise


def _take(site: WorkingSite, submission_id: int) -> None:
    upload_id = note_whole(site, submission_id)
    if upload_id is None:
        return
    try:
        file = site.uploads.finish(upload_id)
    except UploadRefusedError as error:
        if error.reason is Reason.HASH:
            _note(site, upload_id, None)
        raise
    whole_at = datetime.fromtimestamp(file.stat().st_mtime, UTC)
    key = upload_key(submission_id)
    site.storage.put(key, file)
    try:
        site.database.transact(
            lambda session: finish_upload(
                session, site.challenge, submission_id, storage_key=key, whole_at=whole_at
            )
        )
    except SubmissionError as error:
        reason = str(error)
        if not isinstance(error, MoveRefusedError):
            site.transact(
                lambda session, now: cancel_submission(session, submission_id, now=now, reason=reason)
            )
        site.uploads.abandon(upload_id)
        site.storage.delete(key)
        raise
    site.uploads.abandon(upload_id)


def note_whole(site: WorkingSite, submission_id: int) -> str | None:
    """Writes down that all bytes of an upload are here, before they are compared and copied.

    That may take long, or fail and be done again; a board that is about to be frozen waits for it.

    Returns:
        The upload's id; None if nothing is to be taken.

    Raises:
        UploadRefusedError: there is no such upload on this machine, and nobody took it in.
    """
    with site.database.reading() as session:
        submission = session.get_one(Submission, submission_id)
        upload_id = submission.upload_id
        if submission.state != State.UPLOADING or upload_id is None:
            return None
        noted = session.get_one(Upload, upload_id).finished_at
    try:
        whole_at = site.uploads.complete_at(upload_id)
    except UploadRefusedError:
        if _is_wanted(site, submission_id):
            raise
        return None
    if whole_at is not None and noted is None:
        _note(site, upload_id, whole_at)
    return upload_id


def _is_wanted(site: WorkingSite, submission_id: int) -> bool:
    """Whether nobody has taken a submission's upload in."""
    with site.database.reading() as session:
        state = session.get_one(Submission, submission_id).state
    return state in (State.UPLOADING, State.CANCELLED)


def _note(site: WorkingSite, upload_id: str, whole_at: datetime | None) -> None:
    def work(session: Session, _now: datetime) -> None:
        session.get_one(Upload, upload_id).finished_at = whole_at

    site.transact(work)


def find_arrivals(site: WorkingSite) -> int:
    """Takes all uploads of this machine that are whole and that nobody took; how many those were.

    Among them are those whose bytes were said to be all here by a request that never came to its end; for
    ten minutes they are left to it.

    Bytes that nothing was added to for a week are thrown away, and their submissions cancelled. Where uploads
    lie on another machine, nothing is known here of those under way: they are left to it.
    """
    with site.database.reading() as session:
        now = site.clock(session)
        waiting = session.execute(
            select(Submission.id, Submission.upload_id, Submission.created_at, Upload.finished_at)
            .join(Upload, Upload.id == Submission.upload_id, isouter=True)
            .where(Submission.state == State.UPLOADING)
        ).all()
    taken = 0
    for submission_id, upload_id, created_at, noted_at in waiting:
        try:
            whole = upload_id is not None and (
                site.uploads.state(upload_id).whole
                or (noted_at is not None and site.uploads.idle(upload_id) > _BROKEN_OFF)
            )
        except UploadRefusedError as error:
            if error.reason is Reason.UNKNOWN and now - created_at > _PATIENCE:
                _give_up(site, submission_id, upload_id)
            continue
        if whole:
            try:
                take_upload(site, submission_id)
            except (UnicareError, OSError) as error:  # another process took it, the phase was closed …
                _LOG.warning("an upload can't be taken", submission=submission_id, text=str(error)[:500])
                continue
            taken += 1
    _forget_unannounced(site)
    swept = set(site.uploads.sweep(_KEPT))
    for submission_id, upload_id, *_ in waiting:
        if upload_id in swept:
            _give_up(site, submission_id, upload_id)
    return taken


def _forget_unannounced(site: WorkingSite) -> None:
    """Gives places back that were taken for uploads whose announcement the database never had."""
    ids = site.uploads.untouched(_LONGEST_ANNOUNCEMENT)
    if ids:
        with site.database.reading() as session:
            known = set(session.scalars(select(Upload.id).where(Upload.id.in_(ids))))
        for upload_id in ids:
            if upload_id not in known:
                with suppress(UnicareError):
                    site.uploads.abandon(upload_id)


def _give_up(site: WorkingSite, submission_id: int, upload_id: str | None) -> None:
    def work(session: Session, now: datetime) -> None:
        if session.get_one(Submission, submission_id).state == State.UPLOADING:
            cancel_submission(session, submission_id, now=now, reason="its upload never came to its end")
            if upload_id is not None:
                session.get_one(Upload, upload_id).discarded_at = now

    site.transact(work)
