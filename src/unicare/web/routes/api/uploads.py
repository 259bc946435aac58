"""The bytes of a submission, in pieces."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from fastapi import Depends, Header, HTTPException, Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from unicare.web.archive.upload_rules import Reason, UploadRefusedError
from unicare.web.database.tables import SubmissionKind
from unicare.web.deps import Known, Now, SiteOf, TeamMemberOf
from unicare.web.facts.submissions import SubmissionFacts, UploadFacts
from unicare.web.hand_in.announce import find_upload, is_still_wanted
from unicare.web.hand_in.look import read_upload, show_submission, upload_facts
from unicare.web.hand_in.sight import own_submission
from unicare.web.life import note_whole, take_upload
from unicare.web.routes.api.part import api_part
from unicare.web.routes.api.submissions import SubmissionId
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = ["end_upload", "router"]

router = api_part("submissions", "/submissions/{submission_id}/upload")

PATIENCE_S = 30.0

_BYTES = {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}


def _under_way(site: SiteOf, asker: TeamMemberOf, submission_id: SubmissionId) -> str:
    return find_upload(site.working, asker.person, submission_id)


@router.get("", responses=problems(401, 403, 404, 422))
def upload(site: SiteOf, asker: TeamMemberOf, submission_id: SubmissionId) -> UploadFacts:
    """How far it has come."""
    return upload_facts(site.working, asker.person, submission_id)


@router.patch(
    "",
    responses=problems(401, 403, 404, 408, 409, 413, 422, 503),
    openapi_extra={"requestBody": {"required": True, **_BYTES}},
)
async def add_piece(
    request: Request,
    site: SiteOf,
    asker: TeamMemberOf,
    submission_id: SubmissionId,
    upload_id: Annotated[str, Depends(_under_way)],
    upload_offset: Annotated[int, Header(description="What has come before, in bytes.", ge=0, le=2**62)],
) -> UploadFacts:
    """Adds bytes to the end. Where it stands elsewhere, the answer is 409 with ``length``: go on there."""
    try:
        await site.receiver.receive(upload_id, upload_offset, request.stream(), patience_s=PATIENCE_S)
    except TimeoutError:
        raise HTTPException(408, "Nothing came for too long. Ask how far it has come, and go on.") from None
    except ClientDisconnect:
        pass  # nobody reads the answer; what came is kept
    return await run_in_threadpool(_after_piece, site, submission_id, upload_id)


@router.post("/end", responses=problems(401, 403, 404, 409, 422, 503))
async def end_upload(
    site: SiteOf, asker: TeamMemberOf, now: Now, submission_id: SubmissionId
) -> SubmissionFacts:
    """Says that all has come. Length and SHA-256 are compared; then the submission is checked.

    Asked again, it answers the same.
    """
    kind = await run_in_threadpool(_kind_of_own, site, asker, submission_id)
    await run_in_threadpool(note_whole, site.working, submission_id)  # others may be taken in before it
    await site.receiver.end(kind, partial(take_upload, site.working, submission_id))
    site.wake.ring()
    return await run_in_threadpool(show_submission, site.working, asker.person, submission_id, now)


def _after_piece(site: Site, submission_id: int, upload_id: str) -> UploadFacts:
    if not is_still_wanted(site.working, submission_id, upload_id):
        raise UploadRefusedError(Reason.FINISHED, "the submission was taken back meanwhile")
    return read_upload(site.working, submission_id, upload_id)


def _kind_of_own(site: Site, asker: Known, submission_id: int) -> SubmissionKind:
    with site.database.reading() as session:
        return own_submission(session, asker.person, submission_id).kind
