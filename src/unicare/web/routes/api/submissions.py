"""Submissions of one's own team: handing in, looking, taking back."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path, Query

from unicare.web.deps import Known, KnownOf, Now, SiteOf, TeamMemberOf
from unicare.web.facts.submissions import SubmissionFacts, SubmissionSummary
from unicare.web.hand_in.announce import NewSubmission, announce, have_evaluated, take_back
from unicare.web.hand_in.look import list_submissions, show_submission
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = ["SubmissionId", "cancel", "hand_in", "queue", "router", "submission"]

router = api_part("submissions")

_LARGEST_ID = 2**31 - 1

SubmissionId = Annotated[int, Path(description="Number of a submission.", ge=1, le=_LARGEST_ID)]


@router.post("/submissions", status_code=201, responses=problems(401, 403, 409, 413, 422, 503, 507))
def hand_in(site: SiteOf, asker: TeamMemberOf, now: Now, body: NewSubmission) -> SubmissionFacts:
    """Announces an upload. Its bytes come next, in pieces, at ``submissions/{id}/upload``."""
    return _shown(site, asker, announce(site.working, asker.person, body), now)


@router.get("/submissions", responses=problems(401, 403, 422))
def submissions(
    site: SiteOf,
    asker: TeamMemberOf,
    now: Now,
    before: Annotated[
        int | None, Query(description="Only those with lower numbers.", ge=1, le=_LARGEST_ID)
    ] = None,
) -> tuple[SubmissionSummary, ...]:
    """Those of the own team, newest first, 50 at most."""
    return list_submissions(site.working, asker.person, now, before=before)


@router.get("/submissions/{submission_id}", responses=problems(401, 403, 404, 422))
def submission(site: SiteOf, asker: KnownOf, now: Now, submission_id: SubmissionId) -> SubmissionFacts:
    """One of them, as it stands: its place in the queue, what its check found, its scores."""
    return _shown(site, asker, submission_id, now)


@router.post(
    "/submissions/{submission_id}/evaluation",
    status_code=202,
    responses=problems(401, 403, 404, 409, 422),
)
def queue(site: SiteOf, asker: TeamMemberOf, now: Now, submission_id: SubmissionId) -> SubmissionFacts:
    """Queues one that waits because the team had no evaluation left when its check had passed."""
    have_evaluated(site.working, asker.person, submission_id)
    site.wake.ring()
    return _shown(site, asker, submission_id, now)


@router.delete("/submissions/{submission_id}", responses=problems(401, 403, 404, 409, 422))
def cancel(site: SiteOf, asker: TeamMemberOf, now: Now, submission_id: SubmissionId) -> SubmissionFacts:
    """Takes one back that has no score yet. It doesn't count against the team's evaluations."""
    take_back(site.working, asker.person, submission_id)
    return _shown(site, asker, submission_id, now)


def _shown(site: Site, asker: Known, submission_id: int, now: Now) -> SubmissionFacts:
    return show_submission(site.working, asker.person, submission_id, now)
