"""Organisers' pages: all that the API does by forms, and only by forms."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from tests.web.organise.season import HOSTILE, Season, made_season
from tests.web.sites import asking

from unicare.web.database import Database

PAGES = (
    *("", "/people", "/people?state=waiting&search=w", "/people/{person}", "/people/{waiting}", "/teams"),
    *("/teams/{team}", "/submissions", "/submissions?state=scored&team={team}", "/submissions/{submission}"),
    *("/submissions/{failed}", "/boards", "/announcements", "/timeline", "/audit", "/audit?subject=team"),
    "/export",
)
FORMS = (
    *("/people/{waiting}/decision", "/people/{person}/disable", "/people/{person}/enable"),
    *("/people/{person}/role", "/teams/{team}/disqualify", "/teams/{team}/reinstate"),
    *("/submissions/{submission}/rerun", "/submissions/{failed}/cancel", "/reruns", "/announcements"),
    *("/announcements/1/withdraw", "/boards/open/freeze", "/boards/open/unfreeze"),
)


@pytest.fixture
def season(tmp_path: Path) -> Season:
    return made_season(tmp_path)


@pytest.fixture
def chief(season: Season) -> TestClient:
    return season.logged_in(season.organiser)


def addressed(season: Season, path: str) -> str:
    return "/organise" + path.format(
        person=season.participant,
        waiting=season.waiting,
        team=season.teams[0],
        submission=season.scored[0],
        failed=season.scored[1] + 1,
    )


def send(client: TestClient, page: str, form: str, **fields: str) -> Response:
    """Fills in a form of a page, with its token."""
    found = client.get(page)
    assert found.status_code == 200
    assert f'action="{form}"' in found.text, f"{page} has no form {form}"
    token = re.search(r'name="csrf_token" value="(\w+)"', found.text)
    assert token is not None
    return client.post(form, data={"csrf_token": token[1], **fields})


def done(client: TestClient, answer: Response) -> str:
    """The page that a form leads to."""
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["Location"]).text


class Outline(HTMLParser):
    """What a page is made of."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.attributes: set[str] = set()
        self.links: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Notes an element."""
        self.tags.add(tag)
        given = dict(attrs)
        self.attributes |= set(given)
        self.ids += [given["id"] or ""] if "id" in given else []
        self.links |= {given["href"] or ""} if tag == "a" and "href" in given else set()


def outline(text: str) -> Outline:
    read = Outline()
    read.feed(text)
    return read


def test_every_page_shows_what_people_wrote_as_text(season: Season, chief: TestClient) -> None:
    for path in PAGES:
        answer = chief.get(addressed(season, path))
        assert answer.status_code == 200, path
        page = outline(answer.text)
        assert not page.tags & {"img", "script", "style"}, path
        assert not [one for one in page.attributes if one.startswith("on") or one == "style"], path
        assert len(page.ids) == len(set(page.ids)), path
        assert HOSTILE not in answer.text, path
        assert not re.search("(&#39;|')49", answer.text), f"{path}: what was written is a template"
        assert answer.headers["Cache-Control"] == "no-store"
    assert "&lt;img src=x" in chief.get(addressed(season, "/people/{person}")).text


def test_every_link_leads_somewhere(season: Season, chief: TestClient) -> None:
    links = set()
    for path in PAGES:
        links |= outline(chief.get(addressed(season, path)).text).links
    own = {one for one in links if one.startswith(("/organise", "/api/v1/organise"))}
    assert len(own) > 25
    for link in own:
        assert chief.get(link).status_code == 200, link


def test_visitors_are_sent_to_the_door_and_participants_away(season: Season) -> None:
    visitor, participant = asking(season.app), season.logged_in(season.participant)
    for path in PAGES:
        address = addressed(season, path)
        answer = visitor.get(address, headers={"Accept": "text/html"})
        assert answer.status_code == 303, path
        assert answer.headers["Location"].startswith("/log-in?next=%2Forganise"), path
        assert participant.get(address, headers={"Accept": "text/html"}).status_code == 403, path
    for path in FORMS:
        address = addressed(season, path)
        assert visitor.post(address, data={"reason": "x"}).status_code in (401, 403), path
        token = re.search(r'name="csrf_token" value="(\w+)"', participant.get("/").text)
        assert token is not None
        answer = participant.post(address, data={"reason": "x", "csrf_token": token[1]})
        assert answer.status_code == 403, path
        assert "organiser" in answer.text


def test_forms_need_their_token_and_are_no_links(season: Season, chief: TestClient) -> None:
    for path in FORMS:
        address = addressed(season, path)
        assert chief.post(address, data={"reason": "x"}).status_code == 403, path
        if path != "/announcements":  # its list has this address
            assert chief.get(address).status_code in (404, 405), path


def test_a_registration_is_decided(season: Season, chief: TestClient) -> None:
    page = addressed(season, "/people/{waiting}")
    assert "waiting" in chief.get(page).text
    answer = send(chief, page, f"{page}/decision", reason=" ")
    assert answer.status_code == 422
    assert "A reason is needed" in answer.text
    text = done(chief, send(chief, page, f"{page}/decision", reason="No affiliation."))
    assert "The registration is rejected." in text
    assert "No affiliation." in text
    text = done(chief, send(chief, page, f"{page}/decision", approve="yes"))
    assert "The registration is approved." in text
    assert "Nobody." in chief.get("/organise/people?state=waiting").text


def test_approving_goes_on_with_the_list(season: Season, chief: TestClient) -> None:
    form = addressed(season, "/people/{waiting}/decision")
    for page in ("/organise", "/organise/people"):
        assert f'action="{form}"' in chief.get(page).text
    answer = send(chief, "/organise", form, approve="yes", back="list")
    assert answer.headers["Location"].startswith("/organise/people?state=waiting&done=")


def test_an_account_is_disabled_and_enabled(season: Season, chief: TestClient) -> None:
    page = addressed(season, "/people/{person}")
    assert send(chief, page, f"{page}/disable").status_code == 422
    assert "disabled" in done(chief, send(chief, page, f"{page}/disable", reason="Spam"))
    assert "works again" in done(chief, send(chief, page, f"{page}/enable", reason="A mistake"))
    assert "is an organiser now" in done(
        chief, send(chief, page, f"{page}/role", organiser="yes", reason="Helps")
    )
    assert "isn’t an organiser" in done(chief, send(chief, page, f"{page}/role", reason="Thanks"))
    own = chief.get(f"/organise/people/{season.organiser}").text
    assert "This is you." in own
    assert "/disable" not in own


def test_a_team_is_taken_off_the_boards(season: Season, chief: TestClient) -> None:
    page = addressed(season, "/teams/{team}")
    answer = send(chief, page, f"{page}/disqualify", reason="")
    assert answer.status_code == 422
    assert '<details class="because" open>' in answer.text
    text = done(chief, send(chief, page, f"{page}/disqualify", reason=f"Two accounts {HOSTILE}"))
    assert "The team is off the boards." in text
    assert "Two accounts &lt;img" in text
    assert "2 of 10" in text
    assert "back on the boards" in done(chief, send(chief, page, f"{page}/reinstate", reason="Settled"))


def test_scores_stand_side_by_side_after_a_rerun(database: Database, tmp_path: Path) -> None:
    season = made_season(tmp_path, database)
    chief = season.logged_in(season.organiser)
    page = addressed(season, "/submissions/{submission}")
    assert "queued once more" in done(chief, send(chief, page, f"{page}/rerun", reason="A fix"))
    text = chief.get(page).text
    assert "0.7500" in text
    assert "A fix" in text
    assert "The submission is cancelled." in done(
        chief, send(chief, page, f"{page}/cancel", reason="Not yet")
    )
    answer = send(
        chief, "/organise/submissions", "/organise/reruns", phase="validation", task="la", reason="A fix"
    )
    assert "queued once more" in done(chief, answer)
    answer = send(chief, "/organise/submissions", "/organise/reruns", phase="x", task="la", reason="A fix")
    assert answer.status_code == 422
    assert "no such task" in answer.text


def test_failures_are_shown_in_full(season: Season, chief: TestClient) -> None:
    for path in ("", "/submissions/{failed}"):
        assert "Traceback in /secret/place &lt;img" in chief.get(addressed(season, path)).text


def test_news_are_looked_at_and_published(season: Season, chief: TestClient) -> None:
    page = "/organise/announcements"
    written = {"title": f"Good {HOSTILE}", "text": f"*Very* {HOSTILE}"}
    answer = send(chief, page, page, do="preview", **written)
    assert answer.status_code == 200
    assert "<em>Very</em> &lt;img" in answer.text
    assert "Good" not in chief.get("/").text
    assert "on the first page" in done(chief, send(chief, page, page, **written))
    assert "Good &lt;img" in chief.get("/").text
    later = {**written, "title": "Later", "at": "2025-07-02T09:00", "zone": "Europe/Berlin"}
    text = done(chief, send(chief, page, page, **later))
    assert "2 Jul 2025, 07:00 UTC" in text
    for wrong in ({"at": "soon"}, {"zone": "Mars/Crater"}, {"at": "2020-01-01T00:00"}, {"title": ""}):
        answer = send(chief, page, page, **{**later, **wrong})
        assert answer.status_code == 422, wrong
        assert "Very" in answer.text
    answer = send(chief, page, f"{page}/1/withdraw", reason="Too early")
    assert "The news is withdrawn." in done(chief, answer)
    assert "Good" not in chief.get("/").text


def test_lists_forgive_what_cannot_be_chosen(season: Season, chief: TestClient) -> None:
    asked: dict[str, Any] = {"phase": "<b>", "task": "x" * 500, "team": "abc", "state": "lost"}
    assert chief.get("/organise/submissions", params=asked).status_code == 200
    assert chief.get("/organise/people", params={"state": "lost"}).status_code == 200
    assert chief.get("/organise/audit", params={"day": "31.12.", "actor": "\x00" * 300}).status_code == 200
    for path in ("/people/99999999999", "/teams/0", "/submissions/x"):
        assert chief.get(f"/organise{path}").status_code == 422
    for path in ("/people/999", "/teams/999", "/submissions/999"):
        assert chief.get(f"/organise{path}", headers={"Accept": "text/html"}).status_code == 404


def test_a_deadline_is_the_last_minute_here_as_well(chief: TestClient) -> None:
    for address in ("/organise", "/organise/timeline", "/organise/boards"):
        text = chief.get(address).text
        assert re.search(r"after <time[^>]*>30 Jul 2025, 23:59 UTC\+2<", text), address
        assert "31 Jul 2025" not in text


def test_what_the_audit_log_shows_leads_to_more_of_it(season: Season, chief: TestClient) -> None:
    page = f"/organise/teams/{season.teams[0]}"
    send(chief, page, f"{page}/disqualify", reason="For a test.")
    text = chief.get("/organise/audit").text
    assert '<a class="quietly" href="/organise/audit?action=team.disqualified">team disqualified</a>' in text
    for shown in ({"action": "team disqualified"}, {"subject": f"team {season.teams[0]}"}):
        assert "For a test." in chief.get("/organise/audit", params=shown).text


def test_organisers_keep_their_menus(season: Season, chief: TestClient) -> None:
    """Also on a board of theirs, on pages of errors, and where others would be told to wait for them."""
    menu = 'aria-label="Organisers’ pages"'
    board = chief.get("/organise/boards/hidden").text
    assert menu in board
    assert 'href="/organise/boards" aria-current="page"' in board
    assert menu not in chief.get("/boards/open").text
    html = {"Accept": "text/html"}
    for address, status in (("/nowhere", 404), ("/organise/teams/999", 404), ("/submissions", 403)):
        answer = chief.get(address, headers=html)
        assert answer.status_code == status
        assert 'href="/organise"' in answer.text
        assert "Log out" in answer.text
        assert answer.headers["Cache-Control"] == "no-store"
    for address in ("/team", "/submissions"):
        text = chief.get(address, headers=html).text
        assert "organisers take no part in it" in text
        assert "wait for the organisers" not in text
    visitor = asking(season.app).get("/nowhere", headers=html).text
    assert "Log out" not in visitor
