"""Submissions of one's own team: what is left, what was handed in, how each one stands."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import HTTPException, Query, Response
from fastapi.responses import HTMLResponse

from unicare.web.accounts.people import Role, check_participant
from unicare.web.challenge import PhaseState
from unicare.web.deps import Known, KnownOf, Now, SiteOf, TeamMemberOf
from unicare.web.facts.challenge import task_facts
from unicare.web.facts.submissions import QuotaFacts, SubmissionFacts
from unicare.web.hand_in.look import LONGEST_LIST
from unicare.web.pages.figures import case_table, places_of, score_table
from unicare.web.routes.api import cases as cases_api
from unicare.web.routes.api import quotas as quotas_api
from unicare.web.routes.api import submissions as api
from unicare.web.routes.api.submissions import SubmissionId
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part()

_HERE = "/submissions"

_Name = Annotated[str, Query(max_length=80)]
_Before = Annotated[int | None, Query(ge=1, le=2**31 - 1)]


@router.get(_HERE)
def submissions(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, before: _Before = None) -> HTMLResponse:
    """What the team has left, and what it handed in."""
    _check_takes_part(asker)
    in_team = asker.person.team_id is not None
    found = api.submissions(site, asker, now, before) if in_team else ()
    values: dict[str, Any] = {
        "quotas": quotas_api.quotas(site, asker, now) if in_team else (),
        "submissions": found,
        "older": found[-1].id if len(found) == LONGEST_LIST else None,
        "before": before,
        "tasks": {one.name: one.title for one in site.challenge.tasks},
        "phases": {one.name: one.title or one.name for one in site.challenge.phases},
    }
    return view.page("submissions", _HERE, scripts=True, **values)


def _check_takes_part(asker: Known) -> None:
    """Refuses who may not take part; organisers wait for nobody's approval, they are told where to look."""
    if asker.person.role is Role.ORGANISER and not asker.person.may_take_part:
        raise HTTPException(
            403,
            "You organise this challenge; organisers take no part in it. What all teams handed in is under "
            "Organise, Submissions.",
        )
    check_participant(asker.person)


@router.get(f"{_HERE}/new")
def new(
    view: ViewOf, site: SiteOf, asker: TeamMemberOf, now: Now, task: _Name = "", phase: _Name = ""
) -> HTMLResponse:
    """Handing in: for which task of which phase, and the file."""
    open_now = [one for one in quotas_api.quotas(site, asker, now) if one.state is PhaseState.OPEN]
    values: dict[str, Any] = {
        "open_now": open_now,
        "chosen": _chosen(open_now, task, phase),
        "chunk_bytes": site.settings.upload_chunk_mb * 2**20,
        "containers": site.challenge.containers,
        "base_url": site.settings.base_url.rstrip("/"),
    }
    return view.page("new_submission", _HERE, scripts=True, **values)


def _chosen(open_now: list[QuotaFacts], task: str, phase: str) -> QuotaFacts | None:
    """What was asked for, or else the first that fits and has something left."""
    fitting = [one for one in open_now if one.phase == phase and one.task == task]
    fitting += [one for one in open_now if one.phase == phase]
    fitting += [one for one in open_now if one.task == task and one.left]
    fitting += [one for one in open_now if one.left]
    return next(iter([*fitting, *open_now]), None)


@router.get(f"{_HERE}/{{submission_id}}")
def submission(
    view: ViewOf,
    site: SiteOf,
    asker: KnownOf,
    now: Now,
    submission_id: SubmissionId,
    metric: _Name = "",
    sort: _Name = "",
    order: _Name = "",
    worst: Annotated[str, Query(max_length=300)] = "",
) -> HTMLResponse:
    """One of them: its state, what its check found, its scores, its cases."""
    facts = api.submission(site, asker, now, submission_id)
    table = worst_facts = None
    if facts.cases_shown:
        found = cases_api.cases(site, asker, now, submission_id)
        table = case_table(found, metric, sort, "falling" if order == "falling" else "rising")
    if facts.worst_shown:
        worst_facts = cases_api.worst(site, asker, now, submission_id)
    looked_at = next(
        (one for one in (worst_facts.cases if worst_facts is not None else ()) if one.case == worst), None
    )
    if looked_at is None and worst_facts is not None and worst_facts.cases:
        looked_at = worst_facts.cases[0]
    values: dict[str, Any] = {
        "table": table,
        "worst": worst_facts,
        "looked_at": looked_at,
        "labels": next((one.labels for one in task_facts(site.challenge) if one.name == facts.task), ()),
        "asked": {"metric": metric, "sort": sort, "order": order, "worst": worst},
    }
    return _page(view, facts, **values)


def _page(view: View, facts: SubmissionFacts, **values: Any) -> HTMLResponse:
    shared: dict[str, Any] = {"table": None, "worst": None, "looked_at": None, "labels": (), "asked": {}}
    shared["alone"] = False
    here = _HERE if view.asker.person is not None and view.asker.person.may_take_part else "/organise"
    return view.page("submission", here, scripts=True, **{**shared, **_status_values(facts), **values})


def _status_values(facts: SubmissionFacts) -> dict[str, Any]:
    latest = facts.evaluations[0] if facts.evaluations else None
    scored = next((one for one in facts.evaluations if one.scores), None)
    return {
        "one": facts,
        "latest": latest,
        "scored": scored,
        "scores": score_table(scored.scores) if scored is not None else None,
        "places": places_of,
    }


@router.get(f"{_HERE}/{{submission_id}}/status")
def status(view: ViewOf, site: SiteOf, asker: KnownOf, now: Now, submission_id: SubmissionId) -> HTMLResponse:
    """What changes on its page; once it is final, the browser is told to fetch the whole page."""
    facts = api.submission(site, asker, now, submission_id)
    answer = view.page("submission_status", _HERE, alone=True, **_status_values(facts))
    if facts.final:
        answer.headers["HX-Refresh"] = "true"
    return answer


@router.post(f"{_HERE}/{{submission_id}}/cancel")
def cancel(
    view: ViewOf, site: SiteOf, asker: TeamMemberOf, now: Now, submission_id: SubmissionId
) -> Response:
    """Takes it back."""
    return view.form(
        lambda: api.cancel(site, asker, now, submission_id),
        lambda: view.go(f"{_HERE}/{submission_id}", "submission-taken-back"),
        lambda told: _again(view, site, asker, now, submission_id, told),
    )


@router.post(f"{_HERE}/{{submission_id}}/evaluation")
def queue(view: ViewOf, site: SiteOf, asker: TeamMemberOf, now: Now, submission_id: SubmissionId) -> Response:
    """Queues it, if it waits because no evaluation was left."""
    return view.form(
        lambda: api.queue(site, asker, now, submission_id),
        lambda: view.go(f"{_HERE}/{submission_id}", "submission-queued"),
        lambda told: _again(view, site, asker, now, submission_id, told),
    )


def _again(view: View, site: Site, asker: TeamMemberOf, now: Now, submission_id: int, told: Told) -> Response:
    facts = api.submission(site, asker, now, submission_id)
    return _page(view, facts, error=told, status=told.status)
