"""What organisers do by the API, and that nobody else can."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from tests.web.boards.made import MadeScores
from tests.web.organise.season import HOSTILE, Season, made_season
from tests.web.sites import AFTER_RELEASE, DURING, asking

from unicare.web.database import Database
from unicare.web.database.tables import AuditEntry, BoardState, Evaluation, OutboxMail, Submission
from unicare.web.standings.counting import candidates

API = "/api/v1/organise"
WHY = {"reason": "As we agreed on Monday."}
READ = (
    *("/overview", "/people", "/people/{person}", "/teams", "/teams/{team}", "/submissions"),
    *("/submissions/{submission}", "/announcements", "/timeline", "/audit", "/audit.csv", "/audit.jsonl"),
    *("/export.zip", "/boards/{board}", "/boards/{board}/history", "/boards/{board}/figures.csv"),
)
WRITTEN: dict[str, dict[str, Any]] = {
    "/people/{waiting}/decision": {"approve": True},
    "/people/{person}/disable": WHY,
    "/people/{person}/enable": WHY,
    "/people/{person}/role": {**WHY, "organiser": True},
    "/teams/{team}/disqualify": WHY,
    "/teams/{team}/reinstate": WHY,
    "/submissions/{submission}/rerun": WHY,
    "/submissions/{queued}/cancel": WHY,
    "/reruns": {**WHY, "phase": "validation", "task": "la"},
    "/announcements": {"title": "News", "text": "Of *today*"},
    "/announcements/preview": {"text": "Of *today*"},
    "/announcements/{news}/withdraw": WHY,
    "/boards/{board}/freeze": WHY,
    "/boards/{board}/unfreeze": WHY,
}


@pytest.fixture
def season(tmp_path: Path) -> Season:
    return made_season(tmp_path)


@pytest.fixture
def chief(season: Season) -> TestClient:
    return season.program(season.organiser)


@pytest.fixture
def both(database: Database, tmp_path: Path) -> Season:
    """On SQLite, and on PostgreSQL."""
    return made_season(tmp_path, database)


def addressed(season: Season, path: str, news: int = 1) -> str:
    return API + path.format(
        person=season.participant,
        waiting=season.waiting,
        team=season.teams[0],
        submission=season.scored[0],
        queued=season.scored[1] + 2,
        news=news,
        board="open",
    )


def entries(season: Season, subject: str) -> list[AuditEntry]:
    with season.site.database.reading() as session:
        return list(
            session.scalars(select(AuditEntry).where(AuditEntry.subject == subject).order_by(AuditEntry.id))
        )


def written_down(season: Season, action: str, subject: str) -> dict[str, Any]:
    """That somebody did something: who, from where, and what else is told of it."""
    (entry,) = [one for one in entries(season, subject) if one.action == action]
    assert (entry.actor_id, entry.address) == (season.organiser, "127.0.0.1")
    assert entry.at == season.site.clock()
    return entry.details


def test_every_route_is_in_these_tables(season: Season) -> None:
    described = season.app.openapi()["paths"]
    found = {(method, path) for path, item in described.items() if path.startswith(API) for method in item}
    names = {"{person}": "{user_id}", "{waiting}": "{user_id}", "{team}": "{team_id}", "{board}": "{name}"}
    names |= {"{submission}": "{submission_id}", "{queued}": "{submission_id}", "{news}": "{announcement_id}"}

    def described_as(path: str) -> str:
        for ours, theirs in names.items():
            path = path.replace(ours, theirs)
        return API + path

    tried = {("get", described_as(path)) for path in READ} | {
        ("post", described_as(path)) for path in WRITTEN
    }
    assert found == tried


def test_visitors_and_participants_get_nothing(season: Season) -> None:
    before = len(_audit(season))
    for who, status in ((asking(season.app), 401), (season.program(season.participant), 403)):
        for path in READ:
            assert who.get(addressed(season, path)).status_code == status, path
        for path, body in WRITTEN.items():
            answer = who.post(addressed(season, path), json=body)
            assert answer.status_code == (403 if status == 403 else answer.status_code), path
            assert answer.status_code in (401, 403), path
    assert len([one for one in _audit(season) if "token" not in one.action]) == before


def test_an_organiser_gets_everything(season: Season) -> None:
    chief = season.program(season.organiser)
    for path in READ:
        answer = chief.get(addressed(season, path))
        assert answer.status_code == 200, (path, answer.text)
    for path, body in WRITTEN.items():
        answer = chief.post(addressed(season, path), json=body)
        expected = {200, 201} if "boards" not in path else {409}  # nothing stands on it
        assert answer.status_code in expected, (path, answer.text)


def test_an_organisers_browser_needs_a_token_of_its_forms(season: Season) -> None:
    browser = season.logged_in(season.organiser)
    assert browser.get(f"{API}/overview").status_code == 200
    for path, body in WRITTEN.items():
        assert browser.post(addressed(season, path), json=body).status_code == 403, path


def test_a_reason_is_needed(season: Season, chief: TestClient) -> None:
    before = len(_audit(season))
    for path, body in WRITTEN.items():
        for reason in ("", "  \n ", "x\x00", "x" * 2001) if "reason" in body else ():
            answer = chief.post(addressed(season, path), json={**body, "reason": reason})
            assert (answer.status_code, answer.json()["field"]) == (422, "reason"), path
    assert len(_audit(season)) == before


def test_a_registration_is_decided_and_the_person_told(both: Season) -> None:
    chief = both.program(both.organiser)
    overview = chief.get(f"{API}/overview").json()
    assert [one["name"] for one in overview["waiting"]] == ["Waldo"]
    address = f"{API}/people/{both.waiting}/decision"
    assert chief.post(address, json={"approve": False}).status_code == 422
    answer = chief.post(address, json={"approve": False, "reason": "No affiliation."})
    assert (answer.json()["status"], answer.json()["reason"]) == ("rejected", "No affiliation.")
    assert answer.json()["decided_by"] == "Olga"
    with both.site.database.reading() as session:
        (mail,) = session.scalars(select(OutboxMail))
    assert mail.recipient == "waldo@people.test"
    assert "No affiliation." in mail.body
    subject = f"user:{both.waiting}"
    assert written_down(both, "registration.rejected", subject) == {"reason": "No affiliation."}
    assert chief.post(address, json={"approve": True}).json()["status"] == "approved"
    assert chief.get(f"{API}/overview").json()["waiting_total"] == 0


def test_people_are_found(both: Season) -> None:
    chief = both.program(both.organiser)

    def names(**asked: Any) -> list[str]:
        return [one["name"] for one in chief.get(f"{API}/people", params=asked).json()["people"]]

    assert names() == ["Waldo", f"Ada {HOSTILE}", "Olga"]
    assert names(search="ada reds") == [f"Ada {HOSTILE}"]
    assert names(search="100%") == names(search="_") == names(search="\x00nobody") == []
    assert names(search="PEOPLE.test", state="organiser") == ["Olga"]
    assert names(state="waiting") == ["Waldo"]
    assert names(state="approved") == [f"Ada {HOSTILE}"]
    assert names(state="disabled") == names(state="rejected") == names(state="unconfirmed") == []
    text = chief.get(f"{API}/people").text
    assert "secret-hash" not in text


def test_somebody_is_shut_out_and_let_in_again(season: Season, chief: TestClient) -> None:
    other = season.logged_in(season.participant)
    program = season.program(season.participant)
    assert other.get("/api/v1/me").status_code == program.get("/api/v1/me").status_code == 200
    address = f"{API}/people/{season.participant}"
    assert chief.post(f"{address}/disable", json=WHY).json()["disabled_at"] is not None
    assert other.get("/api/v1/me").status_code == program.get("/api/v1/me").status_code == 401
    assert written_down(season, "user.disabled", f"user:{season.participant}") == WHY
    assert chief.post(f"{address}/enable", json=WHY).json()["disabled_at"] is None
    assert written_down(season, "user.enabled", f"user:{season.participant}") == WHY


def test_one_organiser_always_remains(season: Season, chief: TestClient) -> None:
    own = f"{API}/people/{season.organiser}"
    assert chief.post(f"{own}/role", json={**WHY, "organiser": False}).status_code == 404
    assert chief.post(f"{own}/disable", json=WHY).status_code == 404
    other = f"{API}/people/{season.participant}/role"
    assert chief.post(other, json={**WHY, "organiser": True}).json()["organiser"] is True
    second = season.program(season.participant)
    assert second.get(f"{API}/overview").status_code == 200
    assert chief.post(other, json={**WHY, "organiser": False}).json()["organiser"] is False
    assert second.get(f"{API}/overview").status_code == 403
    assert written_down(season, "user.unmade_organiser", f"user:{season.participant}") == WHY


def test_a_team_is_taken_off_the_boards_and_put_back(both: Season) -> None:
    chief = both.program(both.organiser)
    red = f"{API}/teams/{both.teams[0]}"
    team = chief.get(red).json()
    assert [(one["name"], one["captain"]) for one in team["people"]] == [(f"Ada {HOSTILE}", True)]
    assert team["submissions"] == 2
    used = {(one["phase"], one["task"]): (one["used"], one["quota"]) for one in team["quotas"]}
    assert used == {("validation", "la"): (2, 10), ("test", "la"): (0, 10)}
    assert chief.post(f"{red}/disqualify", json=WHY).json()["disqualified_reason"] == WHY["reason"]
    found = chief.get(f"{API}/teams", params={"state": "disqualified"}).json()["teams"]
    assert [one["id"] for one in found] == [both.teams[0]]
    assert chief.post(f"{red}/reinstate", json=WHY).json()["disqualified_at"] is None
    for action in ("team.disqualified", "team.reinstated"):
        assert written_down(both, action, f"team:{both.teams[0]}") == WHY
    found = chief.get(f"{API}/teams", params={"search": "blues"}).json()["teams"]
    assert [one["name"] for one in found] == ["=Blues/../.."]


def test_submissions_are_found_a_page_at_a_time(both: Season) -> None:
    chief = both.program(both.organiser)

    def numbers(**asked: Any) -> list[int]:
        answer = chief.get(f"{API}/submissions", params=asked)
        return [one["id"] for one in answer.json()["submissions"]]

    first, second = both.scored
    assert numbers() == [second + 2, second + 1, second, first]
    assert numbers(team=both.teams[0]) == numbers(state="scored") == [second, first]
    assert numbers(phase="test") == numbers(task="whs") == numbers(team=2**31 - 1) == []
    assert numbers(phase="validation", task="la", state="failed") == [second + 1]
    assert numbers(page=7) == numbers()
    assert chief.get(f"{API}/submissions", params={"state": "lost"}).status_code == 422
    assert chief.get(f"{API}/submissions", params={"team": 2**40}).status_code == 422


def test_one_submission_shows_what_went_wrong(season: Season, chief: TestClient) -> None:
    failed = season.scored[1] + 1
    found = chief.get(f"{API}/submissions/{failed}").json()
    assert "/secret/place" in found["runs"][0]["private_error"]
    assert (found["counted"], found["may_rerun"], found["may_cancel"]) == (False, True, False)
    (failure,) = chief.get(f"{API}/overview").json()["failures"]
    assert (failure["submission"], failure["what"], failure["again"]) == (failed, "evaluation", False)
    assert "/secret/place" in failure["private"]
    assert chief.get(f"{API}/submissions/999").status_code == 404


def test_a_rerun_keeps_the_old_score(both: Season) -> None:
    chief = both.program(both.organiser)
    number = both.scored[0]
    found = chief.post(f"{API}/submissions/{number}/rerun", json=WHY).json()
    assert [one["state"] for one in found["runs"]] == ["scored", "queued"]
    assert found["runs"][0]["figures"][0]["mean"] == 0.75
    assert (found["state"], found["may_rerun"], found["may_cancel"]) == ("scored", False, True)
    second = f"evaluation:{found['runs'][1]['id']}"
    assert written_down(both, "evaluation.queue", second)["reason"] == WHY["reason"]
    answer = chief.post(f"{API}/submissions/{number}/rerun", json=WHY)
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_now")
    found = chief.post(f"{API}/submissions/{number}/cancel", json=WHY).json()
    assert [one["state"] for one in found["runs"]] == ["scored", "cancelled"]
    assert (found["state"], found["counted"]) == ("scored", True)
    assert written_down(both, "evaluation.cancel", second)["reason"] == WHY["reason"]


def test_a_submission_that_failed_is_queued_again_and_can_be_cancelled(
    season: Season, chief: TestClient
) -> None:
    failed = f"{API}/submissions/{season.scored[1] + 1}"
    found = chief.post(f"{failed}/rerun", json=WHY).json()
    assert (found["state"], found["counted"], len(found["runs"])) == ("queued", True, 2)
    found = chief.post(f"{failed}/cancel", json=WHY).json()
    assert (found["state"], found["counted"]) == ("cancelled", False)
    assert chief.post(f"{failed}/cancel", json=WHY).status_code == 409
    assert [one["details"]["reason"] for one in found["entries"] if one["details"].get("reason")] == [
        WHY["reason"]
    ] * 2


def test_all_of_a_task_are_evaluated_again_once(both: Season) -> None:
    chief = both.program(both.organiser)
    body = {**WHY, "phase": "validation", "task": "la"}
    assert chief.post(f"{API}/reruns", json=body).json() == {"queued": 2, "left_out": 0}
    assert chief.post(f"{API}/reruns", json=body).json() == {"queued": 0, "left_out": 2}
    assert chief.post(f"{API}/reruns", json={**body, "task": "whs"}).status_code == 422
    with both.site.database.reading() as session:
        of_scored = select(Evaluation.state).join(Submission).where(Submission.id.in_(both.scored))
        states = sorted(session.scalars(of_scored))
    assert states == ["queued", "queued", "scored", "scored"]
    told = [one.details for one in entries(both, "task:validation/la")]
    assert told == [{**WHY, "queued": 2, "left_out": 0}, {**WHY, "queued": 0, "left_out": 2}]


def test_news_are_shown_from_their_moment_until_they_are_withdrawn(tmp_path: Path) -> None:
    now = [DURING]
    season = made_season(tmp_path, now=DURING)
    object.__setattr__(season.site, "clock", lambda: now[0])
    chief, visitor = season.program(season.organiser), asking(season.app)

    def titles() -> list[str]:
        return [one["title"] for one in visitor.get("/api/v1/challenge").json()["news"]]

    given = titles()
    at_once = {"title": f"At once {HOSTILE}", "text": f"Look *here* {HOSTILE} ![x](https://evil.test/x.png)"}
    first = chief.post(f"{API}/announcements", json=at_once).json()
    assert (first["state"], first["author"]) == ("shown", "Olga")
    later = {"title": "Later", "text": "x", "at": (DURING + timedelta(hours=2)).isoformat()}
    assert chief.post(f"{API}/announcements", json=later).json()["state"] == "planned"
    assert titles() == [at_once["title"], *given]
    news = visitor.get("/api/v1/challenge").json()["news"][0]
    assert "<em>here</em>" in news["html"]
    assert "<img" not in news["html"]
    page = visitor.get("/").text
    assert "At once &lt;img" in page
    assert "Later" not in page
    now[0] += timedelta(hours=3)
    assert titles() == ["Later", at_once["title"], *given]
    address = f"{API}/announcements/{first['id']}/withdraw"
    assert chief.post(address, json=WHY).json()["state"] == "withdrawn"
    assert titles() == ["Later", *given]
    assert chief.post(address, json=WHY).status_code == 409
    written = entries(season, f"announcement:{first['id']}")
    assert [one.action for one in written] == ["announcement.written", "announcement.withdrawn"]
    for wrong in (
        {"at": "2025-07-01T10:00:00"},
        {"at": "1999-07-01T10:00:00Z"},
        {"at": "9999-12-31T23:59:59Z"},
    ):
        assert chief.post(f"{API}/announcements", json={**later, **wrong}).status_code == 422
    for wrong in ({"title": " "}, {"text": ""}, {"title": "x" * 201}, {"text": "x\x1b"}):
        assert chief.post(f"{API}/announcements", json={**at_once, **wrong}).status_code == 422


def test_the_timeline_is_in_the_order_of_time(both: Season) -> None:
    found = both.program(both.organiser).get(f"{API}/timeline").json()
    events = found["events"]
    kinds = [one["kind"] for one in events]
    assert {"phase_opens", "phase_closes", "phase_released", "announcement", "board_freezes"} <= set(kinds)
    counted = [(one["kind"], one["count"], one["failed"]) for one in events if one["count"]]
    assert sorted(counted[:2]) == [("evaluations", 2, 1), ("submissions", 3, None)]
    assert sorted(counted[2:]) == [
        ("evaluations", 1, 0),
        ("registrations", 2, None),
        ("submissions", 1, None),
    ]
    ahead = [one["ahead"] for one in events]
    assert ahead == sorted(ahead)
    assert ahead.count(True) >= 3


def test_the_audit_log_is_read_and_taken_away(both: Season) -> None:
    chief = both.program(both.organiser)
    chief.post(f"{API}/teams/{both.teams[0]}/disqualify", json={"reason": f"=1+1 {HOSTILE}"})
    chief.post(f"{API}/people/{both.participant}/disable", json=WHY)

    def actions(**asked: Any) -> list[str]:
        answer = chief.get(f"{API}/audit", params=asked)
        assert answer.status_code == 200
        return [one["action"] for one in answer.json()["entries"]]

    assert actions()[:2] == ["user.disabled", "team.disqualified"]
    assert actions(action="team") == actions(subject="team") == ["team.disqualified"]
    assert actions(action="tea") == actions(subject=f"team:{both.teams[0]}1") == []
    assert (
        actions(action="Team Disqualified")
        == actions(subject=f"team {both.teams[0]}")
        == actions(action="team")
    )
    assert actions(subject=f"person {both.participant}") == actions(subject=f"user:{both.participant}") != []
    assert actions(subject=f"team {both.teams[0]}1") == actions(action="team disqual") == []
    assert set(actions(actor="the site")) == set(actions()) - set(actions(actor=str(both.organiser)))
    assert "user.disabled" in actions(actor="olga")
    assert "user.disabled" in actions(actor=str(both.organiser))
    assert actions(actor="waldo") == []
    assert actions(day=DURING.date().isoformat()) == actions()
    assert actions(day="2025-01-01") == []
    assert chief.get(f"{API}/audit", params={"day": "9999-12-31"}).status_code == 422
    lines = chief.get(f"{API}/audit.jsonl", params={"action": "team"}).text.splitlines()
    assert json.loads(lines[0])["details"]["reason"] == f"=1+1 {HOSTILE}"
    rows = list(csv.DictReader(io.StringIO(chief.get(f"{API}/audit.csv").text)))
    assert [row["action"] for row in rows] == actions()[::-1]
    assert json.loads(rows[-2]["details"])["reason"] == f"=1+1 {HOSTILE}"


def test_nothing_changes_the_audit_log(season: Season, chief: TestClient) -> None:
    number = _audit(season)[0].id
    for path in (f"{API}/audit", f"{API}/audit/{number}", f"{API}/audit.csv"):
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            assert chief.request(method, path, json={}).status_code in (404, 405), (method, path)


def test_organisers_look_at_boards_before_everybody_does(tmp_path: Path) -> None:
    season = made_season(tmp_path, scores=MadeScores())
    address = "/boards/hidden?edition=current"
    assert asking(season.app).get(f"/api/v1{address}").json()["tables"] == []
    chief = season.program(season.organiser)
    found = chief.get(f"{API}{address}").json()
    assert found["state"] == "hidden"
    assert found["tables"][0]["rows"][0]["team"] == "North"
    page = season.logged_in(season.organiser).get(f"/organise{address}")
    assert page.status_code == 200
    assert "Only organisers see this page." in page.text
    assert "North" in page.text
    assert "North" not in asking(season.app).get(address).text
    links = re.findall(r'href="(/api/v1/[^"]*hidden[^"]*)"', page.text)
    assert any("figures.csv" in link for link in links)
    for link in links:
        assert "North" in chief.get(html.unescape(link)).text, link
        assert "North" not in asking(season.app).get(html.unescape(link)).text
    assert season.logged_in(season.participant).get(f"/organise{address}").status_code == 403
    assert chief.get(f"{API}/boards/nothing").status_code == 404


def test_a_board_is_frozen_anew_when_something_changed(tmp_path: Path) -> None:
    season = made_season(tmp_path, now=AFTER_RELEASE)
    chief = season.program(season.organiser)
    answer = chief.post(f"{API}/boards/open/freeze", json=WHY)
    assert (answer.status_code, answer.json()["reason"]) == (409, "not_now")
    assert chief.post(f"{API}/boards/nothing/freeze", json=WHY).status_code == 404

    def rank(session: Session) -> None:
        challenge = season.site.challenge
        runs = candidates(session, challenge, challenge.board("open")).digest
        state = BoardState(board="open", runs=runs, rules="x", as_of=AFTER_RELEASE, content={"runs": []})
        session.add(state)

    season.site.database.transact(rank)
    frozen = chief.post(f"{API}/boards/open/freeze", json=WHY)
    assert (frozen.status_code, frozen.json()["number"]) == (201, 1)
    assert written_down(season, "board.freeze", "board:open") == {**WHY, "number": 1}
    assert chief.post(f"{API}/boards/open/freeze", json=WHY).status_code == 409
    events = chief.get(f"{API}/timeline").json()["events"]
    assert [one["title"] for one in events if one["kind"] == "board_frozen"] == ["Board open was frozen"]
    assert chief.post(f"{API}/boards/open/unfreeze", json=WHY).status_code == 409


def test_a_board_is_frozen_early_and_unfrozen_by_forms(tmp_path: Path) -> None:
    season = made_season(tmp_path)
    browser = season.logged_in(season.organiser)

    def rank(session: Session) -> None:
        challenge = season.site.challenge
        runs = candidates(session, challenge, challenge.board("open")).digest
        session.add(BoardState(board="open", runs=runs, rules="x", as_of=DURING, content={"runs": [{}]}))

    def act(what: str) -> str:
        token = re.search(r'name="csrf_token" value="(\w+)"', browser.get("/organise/boards").text)
        assert token is not None
        done = browser.post(f"/organise/boards/open/{what}", data={"csrf_token": token[1], **WHY})
        assert done.status_code == 303, done.text
        return browser.get("/organise/boards").text

    season.site.database.transact(rank)
    assert "Unfreeze it" not in browser.get("/organise/boards").text
    assert "Unfreeze it" in act("freeze")
    assert "Unfreeze it" not in act("unfreeze")
    assert written_down(season, "board.unfreeze", "board:open") == {**WHY, "number": 1}


def _audit(season: Season) -> list[AuditEntry]:
    with season.site.database.reading() as session:
        return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id)))
