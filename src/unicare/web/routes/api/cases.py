"""Figures of single cases, and the volumes of the worst."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

from fastapi import Path, Response
from fastapi.responses import StreamingResponse

from unicare.web.deps import KnownOf, Now, SiteOf
from unicare.web.facts.cases import CasesFacts, WorstFacts
from unicare.web.hand_in.results import case_facts, cases_csv, results_of
from unicare.web.hand_in.volumes import What, open_volume, worst_facts
from unicare.web.routes.api.part import api_part
from unicare.web.routes.api.submissions import SubmissionId
from unicare.web.routes.problems import problems

__all__ = ["cases", "router", "worst"]

router = api_part("submissions", "/submissions/{submission_id}")

_CSV: dict[int | str, Any] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
_GZIP: dict[int | str, Any] = {
    200: {"content": {"application/gzip": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/cases", responses=problems(401, 403, 404, 422))
def cases(site: SiteOf, asker: KnownOf, now: Now, submission_id: SubmissionId) -> CasesFacts:
    """Every figure of every case, of the last evaluation with a score; of hidden test sets none."""
    return case_facts(results_of(site.working, asker.person, submission_id, now))


@router.get("/cases.csv", responses={**_CSV, **problems(401, 403, 404, 422)}, response_class=Response)
def cases_file(site: SiteOf, asker: KnownOf, now: Now, submission_id: SubmissionId) -> Response:
    """The same as a CSV, with the digits of ``unicare evaluate``."""
    text = cases_csv(results_of(site.working, asker.person, submission_id, now))
    headers = {"Content-Disposition": f'attachment; filename="submission-{submission_id}-cases.csv"'}
    return Response(text.encode(), media_type="text/csv; charset=utf-8", headers=headers)


@router.get("/worst", responses=problems(401, 403, 404, 422))
def worst(site: SiteOf, asker: KnownOf, now: Now, submission_id: SubmissionId) -> WorstFacts:
    """The worst cases with their volumes, where the organisers allow."""
    results = results_of(site.working, asker.person, submission_id, now, worst=True)
    return worst_facts(site.working, results, f"/api/v1/submissions/{submission_id}/worst")


@router.get(
    "/worst/{case}/{what}.nii.gz",
    responses={**_GZIP, **problems(401, 403, 404, 422)},
    response_class=StreamingResponse,
)
def volume(
    site: SiteOf,
    asker: KnownOf,
    now: Now,
    submission_id: SubmissionId,
    case: Annotated[str, Path(description="One of the worst cases.", max_length=300)],
    what: Annotated[What, Path(description="Which of its volumes.")],
) -> StreamingResponse:
    """A volume of one of the worst cases, for a viewer."""
    results = results_of(site.working, asker.person, submission_id, now, worst=True)
    blocks = open_volume(site.working, results, case, what)
    name = quote(f"{case}_{what}.nii.gz")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Cache-Control": "private, no-store",
    }
    return StreamingResponse(blocks, media_type="application/gzip", headers=headers)
