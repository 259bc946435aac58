"""Who may do what: every route, by every method, for everybody, as ``authorisation.txt`` says."""

from __future__ import annotations

import pytest
from tests.web.security.cast import Cast, routes_of
from tests.web.security.requests_sent import address_of, sent_to
from tests.web.security.table import ROLES, WANTED

EVERY = {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"}
BY_TOKEN = {
    "POST /api/v1/me/tokens": {"201": "403", "422": "403"},  # a stolen token can't outlive its end
}
"""Where an API token is answered otherwise than the session of the same person."""


def answers(cast: Cast, route: str, *, by_token: bool = False) -> dict[str, str]:
    """What each role is answered; all is put back as it was in between."""
    told = {}
    for name, who in cast.roles.items():
        if by_token and not who.token:
            continue
        method, address = address_of(cast, route)
        answer = cast.ask(who, method, address, by_token=by_token, **sent_to(cast, route))
        told[name] = str(answer.status_code)
        if method != "GET" and answer.status_code not in (401, 403, 404, 405):
            cast.put_back()
    return told


def test_the_table_has_every_route_and_every_role(cast: Cast) -> None:
    assert tuple(cast.roles) == ROLES
    assert routes_of(cast.app) == set(WANTED)
    assert {len(statuses) for statuses in WANTED.values()} == {len(ROLES)}


@pytest.mark.parametrize("route", WANTED)
def test_everybody_is_answered_as_the_table_says(cast: Cast, route: str) -> None:
    assert answers(cast, route) == dict(zip(ROLES, WANTED[route], strict=True))


@pytest.mark.parametrize("route", [route for route in WANTED if " /api/" in route])
def test_a_token_may_what_its_person_may_and_needs_no_form(cast: Cast, route: str) -> None:
    other = BY_TOKEN.get(route, {})
    wanted = {role: other.get(status, status) for role, status in zip(ROLES, WANTED[route], strict=True)}
    del wanted["visitor"]
    told = answers(cast, route, by_token=True)
    # a token that isn't good is told so everywhere but where nobody is asked who they are
    assert told.pop("disabled") == ("200" if route.endswith("/openapi.json") else "401")
    del wanted["disabled"]
    assert told == wanted


@pytest.mark.parametrize("route", [route for route in WANTED if not route.startswith("GET ")])
def test_no_session_changes_anything_without_the_form_of_this_site(cast: Cast, route: str) -> None:
    method, address = address_of(cast, route)
    for name in ("visitor", "captain", "organiser"):
        answer = cast.ask(cast.roles[name], method, address, csrf=False, **sent_to(cast, route))
        assert answer.status_code == 403, name
        assert "sent from this site" in answer.text


def test_no_other_method_finds_anything(cast: Cast) -> None:
    methods: dict[str, set[str]] = {}
    for route in WANTED:
        method, pattern = route.split(" ")
        methods.setdefault(pattern, set()).add(method)
    for pattern, known in methods.items():
        for method in EVERY - known:
            _, address = address_of(cast, f"{method} {pattern}")
            answer = cast.ask(cast.roles["organiser"], method, address)
            assert answer.status_code == 405, f"{method} {address}"


def test_what_is_another_teams_is_not_there(cast: Cast) -> None:
    """The table says so in its column; here it is that the answer is the one to what never was."""
    other = cast.roles["other"]
    for route in WANTED:
        if "/api/v1/submissions/{submission_id}" not in route:
            continue
        method, address = address_of(cast, route)
        never = address.replace(f"/submissions/{address.split('/')[4]}", "/submissions/999999")
        told, untold = (cast.ask(other, method, one, **sent_to(cast, route)) for one in (address, never))
        assert told.status_code == untold.status_code == 404
        assert told.json()["detail"] == untold.json()["detail"]
