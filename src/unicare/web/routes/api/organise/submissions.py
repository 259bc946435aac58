"""All teams' submissions."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import Field

from unicare.web.deps import Now, OrganiserOf, SiteOf
from unicare.web.life.states import State
from unicare.web.organise.reason import check_reason
from unicare.web.organise.reruns import RerunFacts, rerun, rerun_task
from unicare.web.organise.submissions import (
    SubmissionRecord,
    SubmissionsFacts,
    cancel,
    list_submissions,
    read_submission,
)
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.organise.asked import Because, PageNumber
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems

__all__ = [
    "InState",
    "Name",
    "OfTeam",
    "Rerun",
    "again",
    "all_again",
    "cancelled",
    "router",
    "submission",
    "submissions",
]

router = api_part("organise", "/organise")

_NAME = r"^[a-z0-9_-]{0,40}$"
Name = Annotated[str, Query(description="Only of this one; all if left out.", pattern=_NAME)]
OfTeam = Annotated[int | None, Query(description="Number of a team.", ge=1, le=2**31 - 1)]
InState = Annotated[State | None, Query(description="Only submissions in this state.")]


class Rerun(Because):
    """Which submissions are evaluated again.

    Attributes:
        phase: name.
        task: name.
    """

    phase: Annotated[str, Field(max_length=40)]
    task: Annotated[str, Field(max_length=40)]


@router.get("/submissions", responses=problems(401, 403, 422))
def submissions(
    site: SiteOf,
    asker: OrganiserOf,
    phase: Name = "",
    task: Name = "",
    team: OfTeam = None,
    state: InState = None,
    page: PageNumber = 1,
) -> SubmissionsFacts:
    """All submissions, newest first."""
    with site.database.reading() as session:
        return list_submissions(session, phase=phase, task=task, team=team, state=state, page=page)


@router.get("/submissions/{submission_id}", responses=problems(401, 403, 404, 422))
def submission(site: SiteOf, asker: OrganiserOf, submission_id: Number) -> SubmissionRecord:
    """One of them, with what went wrong in full, and all its evaluations."""
    with site.database.reading() as session:
        return read_submission(session, submission_id)


@router.post("/submissions/{submission_id}/rerun", responses=problems(401, 403, 404, 409, 422))
def again(
    site: SiteOf, asker: OrganiserOf, now: Now, submission_id: Number, body: Because
) -> SubmissionRecord:
    """Has it evaluated again; old scores stay. One that couldn’t be checked is checked again."""
    reason = check_reason(body.reason)
    site.database.transact(
        lambda session: rerun(
            *(session, site.challenge, submission_id, asker.id, reason),
            now=now,
            address=asker.origin.address,
        )
    )
    site.wake.ring()
    return submission(site, asker, submission_id)


@router.post("/submissions/{submission_id}/cancel", responses=problems(401, 403, 404, 409, 422))
def cancelled(
    site: SiteOf, asker: OrganiserOf, now: Now, submission_id: Number, body: Because
) -> SubmissionRecord:
    """Cancels one that has no score yet, and gives its team's quota back; or the rerun of one that has."""
    reason = check_reason(body.reason)
    site.database.transact(
        lambda session: cancel(
            *(session, submission_id, asker.id, reason), now=now, address=asker.origin.address
        )
    )
    return submission(site, asker, submission_id)


@router.post("/reruns", responses=problems(401, 403, 422))
def all_again(site: SiteOf, asker: OrganiserOf, now: Now, body: Rerun) -> RerunFacts:
    """Has all scored submissions of a task in a phase evaluated again, as after a fix of the evaluation."""
    reason = check_reason(body.reason)
    done = rerun_task(
        *(site.database, site.challenge, body.phase, body.task, asker.id, reason),
        now=now,
        address=asker.origin.address,
    )
    site.wake.ring()
    return done
