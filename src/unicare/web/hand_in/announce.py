"""Announcing an upload, and taking it back."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Annotated

from pydantic import Field
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from unicare.core.errors import UnicareError
from unicare.web.accounts.people import Person
from unicare.web.archive.upload_rules import Reason, UploadRefusedError
from unicare.web.database.tables import Submission, Upload
from unicare.web.facts.base import Facts
from unicare.web.hand_in.sight import own_submission, phase_of
from unicare.web.hand_in.words import FileName, Hash, Note, Short
from unicare.web.life import (
    MoveRefusedError,
    State,
    WorkingSite,
    begin_submission,
    cancel_submission,
    queue_submission,
    refuse_unless_taking_part,
)
from unicare.web.life.site import largest_upload

__all__ = [
    "NewSubmission",
    "announce",
    "discard_bytes",
    "find_upload",
    "have_evaluated",
    "is_still_wanted",
    "take_back",
]


_MOST_BYTES = 2**62
"""More can't be reckoned with; what a challenge takes is much less."""


class NewSubmission(Facts):
    """What is about to be uploaded.

    Attributes:
        task: for which task.
        phase: in which phase.
        name: of the file; only kept and shown, never a path.
        total_bytes: its length.
        sha256: of the whole, in hexadecimal; checked at the end where it is given.
        note: the team's own words.
    """

    task: Short
    phase: Short
    name: FileName
    total_bytes: Annotated[int, Field(le=_MOST_BYTES)]
    sha256: Hash | None = None
    note: Note = ""


def announce(site: WorkingSite, person: Person, wanted: NewSubmission) -> int:
    """Announces an upload: a submission, and a place for its bytes, both or neither.

    Returns:
        The submission's number.

    Raises:
        SubmissionError: there is no such task or phase, it isn't open, or the team can't hand in.
        QuotaUsedUpError: all of the team's evaluations are used or under way.
        UploadRefusedError: it is too long, there are too many, or there is no room.
    """
    assert person.team_id is not None
    team_id = person.team_id
    phase = phase_of(site.challenge, wanted.phase)
    most = None if phase is None else largest_upload(site.challenge, phase, site.settings)
    upload_id = site.uploads.begin(
        wanted.name, wanted.total_bytes, wanted.sha256, team=str(team_id), most_bytes=most
    )

    def work(session: Session, now: datetime) -> int:
        session.add(
            Upload(
                id=upload_id,
                team_id=team_id,
                user_id=person.id,
                name=wanted.name,
                total_bytes=wanted.total_bytes,
                created_at=now,
            )
        )
        session.flush()
        return begin_submission(
            session,
            site.challenge,
            team_id=team_id,
            user_id=person.id,
            task=wanted.task,
            phase=wanted.phase,
            upload_id=upload_id,
            now=now,
            note=wanted.note,
        ).id

    try:
        return site.transact(work)
    except DBAPIError:  # only the answer may be lost; if not, find_arrivals gives the place back
        raise
    except BaseException:
        discard_bytes(site, upload_id)
        raise


def find_upload(site: WorkingSite, person: Person, submission_id: int) -> str:
    """The upload of a submission of one's own team, while bytes may still come.

    Raises:
        AccountError: there is none.
        UploadRefusedError: it has come to its end, well or not.
    """
    with site.database.reading() as session:
        submission = own_submission(session, person, submission_id)
        state, upload_id = submission.state, submission.upload_id
    if state != State.UPLOADING or upload_id is None:
        raise UploadRefusedError(
            Reason.FINISHED, "nothing can be added to this submission any more", found=f"it is {state}"
        )
    return upload_id


def is_still_wanted(site: WorkingSite, submission_id: int, upload_id: str) -> bool:
    """Whether a submission wasn't taken back meanwhile, perhaps all of it taken in; else its bytes go."""
    with site.database.reading() as session:
        state = session.get_one(Submission, submission_id).state
    if state == State.CANCELLED:
        discard_bytes(site, upload_id)
        return False
    return True


def take_back(site: WorkingSite, person: Person, submission_id: int) -> None:
    """Cancels a submission of one's own team that has no score yet; its evaluation is given back.

    Raises:
        AccountError: there is none.
        MoveRefusedError: it has come to its end.
    """

    def work(session: Session, now: datetime) -> str | None:
        submission = own_submission(session, person, submission_id)
        uploading = submission.state == State.UPLOADING
        cancel_submission(session, submission_id, now=now, actor_id=person.id, reason="taken back")
        if not uploading or submission.upload_id is None:
            return None
        session.get_one(Upload, submission.upload_id).discarded_at = now
        return submission.upload_id

    upload_id = site.transact(work)
    if upload_id is not None:
        discard_bytes(site, upload_id)


def have_evaluated(site: WorkingSite, person: Person, submission_id: int) -> None:
    """Queues a submission of one's own team that waits because no evaluation was left.

    Raises:
        AccountError: there is none.
        QuotaUsedUpError: there is still none left.
        MoveRefusedError: it doesn't wait for that.
        SubmissionError: the team is off the boards.
    """

    def work(session: Session, now: datetime) -> None:
        submission = own_submission(session, person, submission_id)
        refuse_unless_taking_part(session, submission.team_id)
        if submission.state != State.CHECKED:
            raise MoveRefusedError("it doesn't wait for an evaluation", found=submission.state)
        queue_submission(session, site.challenge, submission.id, now=now, actor_id=person.id)

    site.transact(work)


def discard_bytes(site: WorkingSite, upload_id: str) -> None:
    """Forgets what has come; where somebody writes to it, whoever does finds that it isn't wanted."""
    with suppress(UnicareError, OSError):
        site.uploads.abandon(upload_id)
