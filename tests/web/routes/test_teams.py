"""Teams and invitations, by the API."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from tests.web.people import Clock, Somebody, comer, link, mails, people_app, site_of_app, user_id

from unicare.web.database import Database
from unicare.web.database.tables import Submission


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def app(tmp_path: Path, clock: Clock) -> FastAPI:
    return people_app(tmp_path, now=clock)


@pytest.fixture
def anna(app: FastAPI) -> Somebody:
    """Captain of the Reds."""
    anna = comer(app, "anna")
    assert anna.call("POST", "/team", {"name": "Reds"}).status_code == 201
    return anna


def joins(anna: Somebody, name: str) -> Somebody:
    """Somebody whom Anna invites, and who comes."""
    other = comer(anna.app, name)
    anna.call("POST", "/team/invitations", {"email": other.email})
    body = {"token": link(anna.app, "invitation", other.email)}
    assert other.call("POST", "/invitations/accept", body).status_code == 200
    return other


def hand_in(app: FastAPI, team_id: int, email: str) -> None:
    """A submission, as far as teams are concerned."""
    whom, site = user_id(app, email), site_of_app(app)
    site.database.transact(
        lambda session: session.add(
            Submission(
                team_id=team_id,
                user_id=whom,
                task="la",
                phase="validation",
                kind="predictions",
                state="uploading",
                created_at=site.clock(),
                storage_key="",
            )
        )
    )


def names(somebody: Somebody) -> list[str]:
    return [one["name"] for one in somebody.ask("/team").json()["members"]]


def test_a_team_is_founded_and_renamed_by_its_captain(anna: Somebody) -> None:
    team = anna.ask("/team").json()
    assert (team["name"], team["has_runs"], team["largest"]) == ("Reds", False, None)
    assert anna.call("POST", "/team", {"name": "More"}).json()["reason"] == "in_a_team"
    renamed = anna.call("PATCH", "/team", {"name": "<b>Blues</b>"})
    assert renamed.json()["name"] == "<b>Blues</b>"
    ben = joins(anna, "ben")
    for method, path, body in (
        ("PATCH", "/team", {"name": "Mine"}),
        ("POST", "/team/invitations", {"email": "x@people.test"}),
        ("PUT", "/team/captain", {"user_id": 1}),
        ("DELETE", f"/team/members/{user_id(anna.app, anna.email)}", None),
    ):
        assert ben.call(method, path, body).status_code == 403, path
    assert names(ben) == ["Anna", "Ben"]


@pytest.mark.parametrize(
    ("name", "status"), [("reds", 409), ("Ｒｅｄｓ", 409), ("", 422), ("x" * 61, 422), ("a\u0000b", 422)]
)
def test_names_are_free_and_readable(anna: Somebody, name: str, status: int) -> None:
    answer = comer(anna.app, "ben").call("POST", "/team", {"name": name})
    assert answer.status_code == status
    assert answer.json()["field"] == "name"


def test_the_captain_hands_over_and_lets_go(anna: Somebody) -> None:
    ben, cleo = joins(anna, "ben"), joins(anna, "cleo")
    stranger = comer(anna.app, "dora")
    number = user_id(anna.app, ben.email)
    assert anna.call("DELETE", f"/team/members/{user_id(anna.app, stranger.email)}").status_code == 403
    assert anna.call("PUT", "/team/captain", {"user_id": number}).status_code == 200
    assert anna.call("PUT", "/team/captain", {"user_id": number}).status_code == 403
    assert ben.call("DELETE", f"/team/members/{user_id(anna.app, cleo.email)}").status_code == 204
    assert cleo.ask("/team").status_code == 404
    assert names(ben) == ["Anna", "Ben"]


def test_who_leaves_is_followed_and_the_last_one_dissolves_it(anna: Somebody) -> None:
    ben = joins(anna, "ben")
    assert anna.call("POST", "/team/leave").status_code == 204
    assert anna.ask("/team").status_code == 404
    assert [one["is_captain"] for one in ben.ask("/team").json()["members"]] == [True]
    assert ben.call("POST", "/team/leave").status_code == 204
    assert ben.call("POST", "/team/leave").json()["reason"] == "no_team"
    assert comer(anna.app, "cleo").call("POST", "/team", {"name": "Reds"}).status_code == 201


def test_people_of_a_team_with_runs_stay_together(anna: Somebody) -> None:
    ben = joins(anna, "ben")
    hand_in(anna.app, anna.ask("/team").json()["id"], anna.email)
    assert anna.ask("/team").json()["has_runs"]
    for refused in (
        ben.call("POST", "/team/leave"),
        anna.call("DELETE", f"/team/members/{user_id(anna.app, ben.email)}"),
    ):
        assert (refused.status_code, refused.json()["reason"]) == (409, "has_runs")
    page = anna.page("/team").text
    assert "people stay together" in page
    assert "Let go" not in page


def test_an_invitation_is_for_whoever_has_the_link(anna: Somebody) -> None:
    anna.call("POST", "/team/invitations", {"email": "B.Other@people.test"})
    token = link(anna.app, "invitation")
    visitor = Somebody(anna.app)
    opened = visitor.call("POST", "/invitations/open", {"token": token})
    assert (opened.json()["team"], opened.json()["invited_by"]) == ("Reds", "Anna")
    assert visitor.call("POST", "/invitations/accept", {"token": token}).status_code == 401
    ben = comer(anna.app, "ben")
    assert ben.ask("/me/invitations").json() == []
    number = opened.json()["id"]
    assert ben.call("POST", "/invitations/accept", {"id": number}).status_code == 404  # not his address
    assert ben.call("POST", "/invitations/accept", {"token": token, "id": number}).status_code == 422
    assert ben.call("POST", "/invitations/accept", {}).status_code == 422
    assert ben.call("POST", "/invitations/accept", {"token": token}).status_code == 200
    again = ben.call("POST", "/invitations/accept", {"token": token})
    assert again.status_code == 404
    assert visitor.call("POST", "/invitations/open", {"token": token}).status_code == 404
    assert anna.ask("/team/invitations").json() == []


def test_an_invitation_is_declined_withdrawn_replaced_or_grows_old(anna: Somebody, clock: Clock) -> None:
    ben = comer(anna.app, "ben")

    def invite() -> tuple[int, str]:
        made = anna.call("POST", "/team/invitations", {"email": ben.email})
        return made.json()["id"], link(anna.app, "invitation", ben.email)

    number, token = invite()
    assert [one["id"] for one in ben.ask("/me/invitations").json()] == [number]
    assert ben.call("POST", "/invitations/decline", {"id": number}).status_code == 204
    assert ben.call("POST", "/invitations/accept", {"token": token}).status_code == 404
    number, token = invite()
    assert ben.call("DELETE", f"/team/invitations/{number}").status_code == 409  # he has no team
    assert anna.call("DELETE", f"/team/invitations/{number}").status_code == 204
    assert ben.call("POST", "/invitations/accept", {"token": token}).status_code == 404
    first, old = invite()
    second, _ = invite()
    assert [one["id"] for one in anna.ask("/team/invitations").json()] == [second]
    assert ben.call("POST", "/invitations/accept", {"token": old}).status_code == 404
    clock.now += timedelta(days=15)
    ben.log_in()
    assert ben.ask("/me/invitations").json() == []
    assert first < second


def test_invitations_dont_tell_who_has_an_account(anna: Somebody) -> None:
    ben = comer(anna.app, "ben")
    known = anna.call("POST", "/team/invitations", {"email": ben.email})
    unknown = anna.call("POST", "/team/invitations", {"email": "nobody@people.test"})
    assert known.status_code == unknown.status_code == 201
    assert known.json().keys() == unknown.json().keys()
    assert mails(anna.app, ben.email)[-1][0] == mails(anna.app, "nobody@people.test")[-1][0]


def test_a_team_is_full_when_it_is(anna: Somebody) -> None:
    site = site_of_app(anna.app)
    anna.app.state.site = replace(site, door=replace(site.door, rules=replace(site.rules, largest_team=2)))
    joins(anna, "ben")
    cleo = comer(anna.app, "cleo")
    anna.call("POST", "/team/invitations", {"email": cleo.email})
    body = {"token": link(anna.app, "invitation", cleo.email)}
    refused = cleo.call("POST", "/invitations/accept", body)
    assert (refused.status_code, refused.json()["reason"]) == (409, "full")


def test_who_isnt_approved_joins_nothing(anna: Somebody) -> None:
    dora = comer(anna.app, "dora", approved=False)
    anna.call("POST", "/team/invitations", {"email": dora.email})
    body = {"token": link(anna.app, "invitation", dora.email)}
    refused = dora.call("POST", "/invitations/accept", body)
    assert (refused.status_code, refused.json()["reason"]) == (403, "not_approved")
    assert dora.ask("/team").status_code == 403


def test_a_program_does_all_of_it_with_a_token(tmp_path: Path, database: Database) -> None:
    """On both databases."""
    app = people_app(tmp_path, database=database)
    anna, ben = comer(app, "anna"), comer(app, "ben")
    token = anna.call("POST", "/me/tokens", {"name": "laptop"}).json()["token"]
    client = Somebody(app, headers={"Authorization": f"Bearer {token}"}).client
    start = "/api/v1/team"
    assert client.post(start, json={"name": "Reds"}).status_code == 201
    made = client.post(f"{start}/invitations", json={"email": ben.email})
    assert client.delete(f"{start}/invitations/{made.json()['id']}").status_code == 204
    client.post(f"{start}/invitations", json={"email": ben.email})
    (invitation,) = ben.ask("/me/invitations").json()
    assert ben.call("POST", "/invitations/accept", {"id": invitation["id"]}).status_code == 200
    number = user_id(app, ben.email)
    assert client.put(f"{start}/captain", json={"user_id": number}).status_code == 200
    assert client.patch(start, json={"name": "Blues"}).status_code == 403
    assert ben.call("PATCH", "/team", {"name": "Blues"}).status_code == 200
    assert ben.call("DELETE", f"/team/members/{user_id(app, anna.email)}").status_code == 204
    assert client.get(start).status_code == 404
    assert ben.call("POST", "/team/leave").status_code == 204
