"""All teams' submissions."""

from __future__ import annotations

from typing import Any

from fastapi import Response

from unicare.web.deps import Known, Now, OrganiserOf, SiteOf
from unicare.web.life.states import State
from unicare.web.organise.teams import team_names
from unicare.web.pages.compared import compare
from unicare.web.routes.api.asked import Number
from unicare.web.routes.api.organise import submissions as api
from unicare.web.routes.api.organise.asked import Because
from unicare.web.routes.pages.organise.shown import PageOf, Written, chosen, page
from unicare.web.routes.pages.part import pages_part
from unicare.web.routes.pages.view import View, ViewOf
from unicare.web.routes.refused import Told
from unicare.web.site import Site

__all__ = ["router"]

router = pages_part("/organise")

_LIST = "/organise/submissions"


@router.get("/submissions")
def submissions(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    phase: str = "",
    task: str = "",
    team: str = "",
    state: str = "",
    page_number: PageOf = 1,
) -> Response:
    """All submissions; what can't be chosen is as if it weren't."""
    asked = {"phase": phase, "task": task, "team": team, "state": state}
    return _list(view, site, asker, asked, page_number)


@router.post("/reruns")
def all_again(
    view: ViewOf,
    site: SiteOf,
    asker: OrganiserOf,
    now: Now,
    phase: Written = "",
    task: Written = "",
    reason: Written = "",
) -> Response:
    """Has all scored submissions of a task in a phase evaluated again."""
    given = {"phase": phase, "task": task, "reason": reason}
    return view.form(
        lambda: api.all_again(site, asker, now, api.Rerun(phase=phase, task=task, reason=reason)),
        lambda: view.go(f"{_LIST}?phase={phase}&task={task}&state=scored", "all-queued-again"),
        lambda told: _list(view, site, asker, {}, 1, told, given),
    )


@router.get("/submissions/{submission_id}")
def submission(view: ViewOf, site: SiteOf, asker: OrganiserOf, submission_id: Number) -> Response:
    """One of them."""
    return _page(view, site, asker, submission_id)


@router.post("/submissions/{submission_id}/rerun")
def again(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, submission_id: Number, reason: Written = ""
) -> Response:
    """Has it evaluated again."""
    return view.form(
        lambda: api.again(site, asker, now, submission_id, Because(reason=reason)),
        lambda: view.go(f"{_LIST}/{submission_id}", "queued-again"),
        lambda told: _page(view, site, asker, submission_id, told, "rerun", {"reason": reason}),
    )


@router.post("/submissions/{submission_id}/cancel")
def cancelled(
    view: ViewOf, site: SiteOf, asker: OrganiserOf, now: Now, submission_id: Number, reason: Written = ""
) -> Response:
    """Cancels it, or its rerun."""
    return view.form(
        lambda: api.cancelled(site, asker, now, submission_id, Because(reason=reason)),
        lambda: view.go(f"{_LIST}/{submission_id}", "submission-cancelled"),
        lambda told: _page(view, site, asker, submission_id, told, "cancel", {"reason": reason}),
    )


def _list(
    view: View,
    site: Site,
    asker: Known,
    asked: dict[str, str],
    page_number: int,
    told: Told | None = None,
    given: dict[str, str] | None = None,
) -> Response:
    with site.database.reading() as session:
        teams = {str(number): name for number, name in team_names(session)}
    phases, tasks = _titles(site)
    states = {one.value: one.value for one in State}
    choices = {"phase": phases, "task": tasks, "team": teams, "state": states}
    known = {name: value for name, value in asked.items() if value in choices[name]}
    team, state = known.get("team"), known.get("state")
    values: dict[str, Any] = {
        "facts": api.submissions(
            *(site, asker, known.get("phase", ""), known.get("task", "")),
            team=None if team is None else int(team),
            state=None if state is None else State(state),
            page=page_number,
        ),
        "choices": choices,
        "phases": phases,
        "tasks": tasks,
        "asked": chosen(**known),
        "given": given or known,
    }
    return page(view, "submissions", "submissions", told, "reruns", **values)


def _page(
    view: View,
    site: Site,
    asker: Known,
    submission_id: int,
    told: Told | None = None,
    form: str = "",
    given: dict[str, str] | None = None,
) -> Response:
    one = api.submission(site, asker, submission_id)
    phases, tasks = _titles(site)
    values: dict[str, Any] = {
        "one": one,
        "compared": compare(one.runs),
        "phases": phases,
        "tasks": tasks,
        "given": given or {},
    }
    return page(view, "submissions", "submission", told, form, **values)


def _titles(site: Site) -> tuple[dict[str, str], dict[str, str]]:
    """Of phases and of tasks."""
    phases = {one.name: one.title or one.name for one in site.challenge.phases}
    return phases, {one.name: one.title for one in site.challenge.tasks}
