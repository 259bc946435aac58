"""Bytes that nobody needs any more leave the storage and the folder of uploads.

What is refused or cancelled goes at once. What failed stays for some days, for an organiser who has it
evaluated again. What has a score stays. Whatever workers and requests that died have left goes after a day.
"""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.core.errors import OutputError, UnicareError
from unicare.web.archive.upload_rules import UploadRefusedError
from unicare.web.database import record, utc_now
from unicare.web.database.tables import Evaluation, Submission, Upload
from unicare.web.life.keys import EVALUATIONS, SUBMISSIONS, submission_folder, unit_of, upload_key
from unicare.web.life.site import WorkingSite
from unicare.web.life.states import State

__all__ = ["discard_unneeded", "remove_orphans"]

_LOG = structlog.get_logger(__name__)
_DAY = timedelta(days=1)
_UNTOLD = timedelta(minutes=10)
_OVER = (State.CANCELLED, State.REFUSED)
_TAKING = (State.UPLOADING, State.UPLOADED, State.CHECKING)


def discard_unneeded(site: WorkingSite) -> int:
    """Removes what submissions that came to nothing have handed in; how many submissions those were.

    May be called by several at once, and as often as one likes: it asks the database once or twice.
    """
    with site.database.reading() as session:
        now = site.clock(session)
        over = session.scalars(
            select(Submission.id).where(Submission.state.in_(_OVER), Submission.storage_key != "")
        ).all()
        failed = _failed_before(session, now - timedelta(days=site.settings.keep_failed_days))
    for submission_id in (*over, *failed):
        # forgotten first: an organiser may be about to have it evaluated again
        if site.transact(lambda session, now, one=submission_id: _forget(session, one, now)):  # type: ignore[misc]
            try:
                site.storage.delete(submission_folder(submission_id))
            except OutputError as error:  # they belong to nothing now, and go with what does
                _LOG.warning("files can't be removed", submission=submission_id, why=str(error))
    _discard_uploads(site)
    return len(over) + len(failed)


def remove_orphans(site: WorkingSite, older_than: timedelta = _DAY) -> list[str]:
    """Removes what lies in the storage and belongs to no row.

    Reads the names of all files, so it isn't for every minute.

    Args:
        site: that is cleaned.
        older_than: what was written since stays; whoever wrote it may be about to say so.

    Returns:
        What was removed from the storage.
    """
    units: dict[str, list[str]] = defaultdict(list)
    for folder in (SUBMISSIONS, EVALUATIONS):
        for key in site.storage.keys(folder):
            units[unit_of(key)].append(key)
    with site.database.reading() as session:  # after the look: what is written down meanwhile is found
        needed = _needed(session)
    removed = []
    site.storage.sweep(older_than)
    for unit in sorted(units.keys() - needed):
        with suppress(FileNotFoundError, UnicareError, OSError):
            if max(site.storage.written_at(key) for key in units[unit]) <= utc_now() - older_than:
                site.storage.delete(unit)
                removed.append(unit)
    if removed:
        _LOG.warning("files that belonged to nothing were removed", count=len(removed), first=removed[0])
    return removed


def _failed_before(session: Session, moment: datetime) -> list[int]:
    """Submissions that failed so long ago that nobody will have them evaluated again."""
    ended = (
        select(func.max(Evaluation.finished_at))
        .where(Evaluation.submission_id == Submission.id)
        .correlate(Submission)
        .scalar_subquery()
    )
    failed_at = func.coalesce(ended, Submission.checked_at, Submission.created_at)
    found = select(Submission.id).where(Submission.state == State.FAILED, Submission.storage_key != "")
    return list(session.scalars(found.where(failed_at < moment)))


def _forget(session: Session, submission_id: int, now: datetime) -> bool:
    """Whether nobody needs its files."""
    submission = session.get_one(Submission, submission_id)
    if submission.state not in (*_OVER, State.FAILED) or submission.storage_key == "":
        return False
    submission.storage_key = ""
    record(session, "submission.discard", f"submission:{submission_id}", now=now, state=submission.state)
    return True


def _needed(session: Session) -> set[str]:
    """What of the storage belongs to a row, or will once a worker has come to its end."""
    needed = set()
    for one in session.scalars(select(Submission)):
        if one.state not in _OVER and one.storage_key != "":
            needed.add(unit_of(one.storage_key))
        if one.state in _TAKING:
            needed.add(upload_key(one.id))
        if one.state == State.CHECKING:
            needed.add(f"{submission_folder(one.id)}/predictions-{one.attempt}")
    for each in session.scalars(select(Evaluation)):
        if each.rows_key is not None:
            needed.add(unit_of(each.rows_key))
        if State(each.state) is State.RUNNING:
            needed.add(f"{EVALUATIONS}/{each.id}/{each.attempt}")
    return needed


def _discard_uploads(site: WorkingSite) -> None:
    """Uploads of this machine whose bytes were taken, are no longer wanted, or never got a submission.

    The last are those of requests that died before they had told the database; they count against what a team
    may have under way, so they don't stay for long.
    """
    present = [one.upload_id for one in site.uploads.every()]
    if not present:
        return
    with site.database.reading() as session:
        found = session.execute(
            select(Submission.upload_id, Submission.state).where(Submission.upload_id.in_(present))
        ).all()
    states = {upload_id: State(state) for upload_id, state in found}
    for upload_id in present:
        with suppress(UploadRefusedError):  # gone, or a connection adds to it: next time
            if upload_id not in states:
                if site.uploads.idle(upload_id) >= _UNTOLD:
                    site.uploads.abandon(upload_id)
            elif states[upload_id] is not State.UPLOADING:
                site.uploads.abandon(upload_id)
                site.transact(lambda session, now, one=upload_id: _discarded(session, one, now))  # type: ignore[misc]


def _discarded(session: Session, upload_id: str, now: datetime) -> None:
    upload = session.get_one(Upload, upload_id)
    if upload.finished_at is None and upload.discarded_at is None:
        upload.discarded_at = now
