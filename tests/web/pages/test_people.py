"""Pages for people, as forms are filled in without a script."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from fastapi import FastAPI
from sqlalchemy import select
from tests.web.people import (
    PASSWORD,
    Somebody,
    approve,
    chief,
    comer,
    link,
    people_app,
    site_of_app,
    user_id,
)
from tests.web.routes.test_pages import seen

from unicare.web.accounts.organisers import decide, disable_user
from unicare.web.accounts.teams import disqualify_team
from unicare.web.database import Database
from unicare.web.database.tables import Team
from unicare.web.security.next_page import safe_next

NEW = "four other wet stones"
NASTY = "<img src=x onerror=alert(1)>"
ELSEWHERE = (
    "//evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://evil.example/",
    "http:///evil.example",
    "javascript:alert(1)",
    "/\t/evil.example",
    "\t//evil.example",
    "/ /evil.example",
    " //evil.example",
    "/\r\nSet-Cookie: a=b",
    "evil.example",
    "@evil.example",
    "/a\\b",
    "/é",
    "/" + "a" * 2001,
)


@pytest.fixture
def app(tmp_path: Path) -> FastAPI:
    return people_app(tmp_path)


def text_of(answer: object) -> str:
    """What a page says, without its markup."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))  # type: ignore[attr-defined]


def fields(html: str, action: str) -> dict[str, str]:
    """What a form of a page sends by itself."""
    form = html.split(f'action="{action}"', 1)[1].partition("</form>")[0]
    return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form))


def filled(somebody: Somebody, address: str, action: str, **written: str) -> object:
    """Opens a page and sends one of its forms, as a browser does."""
    page = somebody.page(address)
    assert page.status_code == 200, page.text
    return somebody.client.post(action, data={**fields(page.text, action), **written})


def test_the_whole_story_by_forms(tmp_path: Path, database: Database) -> None:
    """On both databases."""
    app = people_app(tmp_path, database=database)
    anna = Somebody(app, "anna@people.test")
    page = anna.page("/register")
    assert "organisers look at your registration" in text_of(page)
    assert "I agree" in text_of(page)  # the agreement, in place
    written = {"name": "Anna", "email": anna.email, "affiliation": "Uni", "password": PASSWORD}
    refused = filled(anna, "/register", "/register", **written)
    assert refused.status_code == 403
    assert "agreement" in text_of(refused)
    assert 'value="anna@people.test"' in refused.text
    assert PASSWORD not in refused.text
    sent = filled(anna, "/register", "/register", **written, agreement="yes")
    assert sent.status_code == 202
    assert "Look into your mailbox" in text_of(sent)

    address = f"/confirm?token={link(app, 'confirm')}"
    wrong = filled(anna, address, "/confirm", password="a wrong password")
    assert wrong.status_code == 401
    assert "chosen when this address was registered" in text_of(wrong)
    assert 'value="anna@people.test" autocomplete="username" readonly' in wrong.text
    confirmed = filled(anna, address, "/confirm", password=PASSWORD)
    assert confirmed.headers["Location"] == "/account?done=confirmed"
    assert "Waiting for the organisers" in text_of(anna.page("/account"))
    assert "used before" in text_of(anna.page(address))
    waiting = anna.page("/team")
    assert waiting.status_code == 403
    assert "isn’t approved" in text_of(waiting)

    approve(app, anna.email)
    out = filled(anna, "/account", "/log-out")
    assert out.headers["Location"] == "/?done=logged-out"
    assert "Log in" in text_of(anna.page("/"))
    back = filled(anna, "/log-in", "/log-in", email="ANNA@people.test", password=PASSWORD)
    assert back.headers["Location"] == "/team?done=logged-in"
    founded = filled(anna, "/team", "/team", name="Reds")
    assert founded.headers["Location"] == "/team?done=team-founded"
    invited = filled(anna, "/team", "/team/invitations", email="ben@people.test")
    assert invited.headers["Location"] == "/team?done=invited"

    token = link(app, "invitation")
    ben = Somebody(app, "ben@people.test")
    shown = ben.page(f"/invitation?token={token}")
    assert "Anna invites you to the team Reds" in text_of(shown)
    way = re.findall(r'href="(/log-in\?[^"]+)"', shown.text)[0]
    comer(app, "ben")
    came = filled(ben, way, "/log-in", email=ben.email, password=PASSWORD)
    assert came.headers["Location"] == f"/invitation?token={token}&done=logged-in"
    joined = filled(ben, came.headers["Location"], "/invitation/accept")
    assert joined.headers["Location"] == "/team?done=team-joined"
    assert "2 people" in text_of(ben.page("/team"))


@pytest.mark.parametrize("written", ELSEWHERE)
def test_nobody_is_led_elsewhere(app: FastAPI, written: str) -> None:
    assert safe_next(written) == ""
    chief(app)
    olga = Somebody(app, "chief@site.test")
    page = olga.client.get("/log-in", params={"next": written})
    assert "evil" not in page.text
    answer = olga.send("/log-in", email=olga.email, password=PASSWORD, next_=written)
    assert answer.headers["Location"] == "/?done=logged-in"
    assert olga.client.get("/log-in", params={"next": written}).headers["Location"] == "/account"
    assert olga.client.get("/register", params={"next": written}).headers["Location"] == "/account"


@pytest.mark.parametrize(
    "written", ["/", "/boards/open?sort=dice&order=worst_first", "/invitation?token=a-_Z"]
)
def test_pages_of_the_site_are_come_back_to(app: FastAPI, written: str) -> None:
    assert safe_next(written) == written
    chief(app)
    olga = Somebody(app, "chief@site.test")
    answer = olga.send("/log-in", email=olga.email, password=PASSWORD, next_=written)
    assert answer.headers["Location"].startswith(written)


def test_pages_with_tokens_tell_nobody_and_are_kept_nowhere(app: FastAPI) -> None:
    anna = comer(app, "anna")
    anna.call("POST", "/team", {"name": "Reds"})
    anna.call("POST", "/team/invitations", {"email": "x@people.test"})
    Somebody(app).call("POST", "/password-resets", {"email": anna.email})
    Somebody(app, "zoe@people.test").register()
    tokens = {kind: link(app, kind) for kind in ("invitation", "reset", "confirm")}
    addresses = [f"/{kind}?token={token}" for kind, token in tokens.items()]
    addresses += [f"/{way}?next=/invitation?token={tokens['invitation']}" for way in ("log-in", "register")]
    visitor = Somebody(app)
    for address in (*addresses, "/confirm?token=void", "/reset?token=void", "/invitation?token=void"):
        page = visitor.page(address)
        assert page.headers["Referrer-Policy"] == "no-referrer", address
        assert page.headers["Cache-Control"] == "no-store", address
        for _, attributes in seen(page.text).elements:
            for name in ("href", "src", "action"):
                target = str(attributes.get(name) or "")
                if any(token in target for token in tokens.values()):
                    assert target.startswith("/"), target


def test_their_forms_come_through_though_they_have_no_origin(app: FastAPI) -> None:
    anna = Somebody(app, "anna@people.test")
    anna.register()
    token = link(app, "confirm")
    data = {"token": token, "password": PASSWORD, "csrf_token": anna.csrf()}
    for site, status in (("cross-site", 403), ("same-site", 403), ("same-origin", 303)):
        headers = {"Origin": "null", "Sec-Fetch-Site": site}
        assert anna.client.post("/confirm", data=data, headers=headers).status_code == status


@pytest.mark.parametrize(
    "address",
    [
        "/log-in",
        "/log-out",
        "/register",
        "/confirm",
        "/forgotten",
        "/reset",
        "/account/agreement",
        "/account/password",
        "/account/tokens",
        "/account/tokens/1/revoke",
        "/account/log-out-everywhere",
        "/team",
        "/team/name",
        "/team/captain",
        "/team/members/1/remove",
        "/team/leave",
        "/team/invitations",
        "/team/invitations/1/withdraw",
        "/invitation/accept",
        "/invitation/decline",
    ],
)
def test_no_form_is_taken_from_elsewhere(app: FastAPI, address: str) -> None:
    anna = comer(app, "anna")
    token = anna.csrf()
    other = Somebody(app).csrf()
    for data, headers in (
        ({}, {}),
        ({"csrf_token": other}, {}),
        ({"csrf_token": token}, {"Origin": "https://evil.example"}),
        ({"csrf_token": token}, {"Sec-Fetch-Site": "cross-site"}),
    ):
        assert anna.client.post(address, data=data, headers=headers).status_code == 403
    assert anna.ask("/me").status_code == 200


def test_what_people_write_is_shown_as_text(app: FastAPI) -> None:
    chief_id, site = chief(app), site_of_app(app)
    anna = Somebody(app, "anna@people.test")
    anna.register(name=NASTY, affiliation=NASTY)
    anna.confirm()
    whom = user_id(app, anna.email)
    site.database.transact(
        lambda session: decide(session, site.rules, chief_id, whom, False, NASTY, now=site.clock())
    )
    assert_shown(anna, "/account", 3)
    approve(app, anna.email)
    anna.call("POST", "/team", {"name": NASTY})
    anna.call("POST", "/me/tokens", {"name": NASTY})
    assert_shown(anna, "/account", 4)
    assert_shown(anna, "/team", 4)
    team = anna.ask("/team").json()["id"]
    site.database.transact(
        lambda session: disqualify_team(session, site.rules, chief_id, team, NASTY, now=site.clock())
    )
    assert_shown(anna, "/team", 5)
    ben = comer(app, "ben")
    anna.call("POST", "/team/invitations", {"email": ben.email})
    for address in ("/account", "/team", f"/invitation?token={link(app, 'invitation')}"):
        assert_shown(ben, address, 2)
    for address, written in (
        ("/log-in", {"email": NASTY}),
        ("/register", {"email": NASTY, "name": NASTY, "affiliation": NASTY}),
        ("/forgotten", {"email": NASTY}),
        ("/confirm", {"token": NASTY}),
        ("/reset", {"token": NASTY, "password": NEW}),
    ):
        answer = Somebody(app).send(address, **written)
        assert "<img" not in answer.text, address
        page = seen(answer.text)
        assert (page.wrong, page.left_open) == ([], []), address


def assert_shown(somebody: Somebody, address: str, times: int) -> None:
    html = somebody.page(address).text
    assert "<img" not in html
    assert html.count("&lt;img src=x onerror=alert(1)&gt;") >= times
    page = seen(html)
    assert (page.wrong, page.left_open) == ([], [])


def test_a_wrong_password_is_said_and_the_address_kept(tmp_path: Path) -> None:
    app = people_app(tmp_path, settings={"log_in_tries": 3})
    comer(app, "anna")
    for email in ("anna@people.test", "nobody@people.test"):
        somebody = Somebody(app, email)
        pages = [somebody.send("/log-in", email=email, password="wrong") for _ in range(4)]
        assert [page.status_code for page in pages] == [401, 401, 401, 429]
        assert "password isn’t right" in text_of(pages[0])
        assert f'value="{email}"' in pages[0].text
        assert "Try again in 15 minutes" in text_of(pages[3])
        assert pages[3].headers["Retry-After"] == "900"


def test_known_and_unknown_addresses_see_the_same_pages(app: FastAPI) -> None:
    comer(app, "anna")
    version = site_of_app(app).rules.agreement_version or ""
    forms = {
        "/log-in": {"password": "a wrong password"},
        "/forgotten": {},
        "/register": {
            "password": PASSWORD,
            "name": "Somebody",
            "agreement": "yes",
            "agreement_version": version,
        },
    }
    for address, form in forms.items():
        pages = []
        for email in ("anna@people.test", "bert@people.test"):
            answer = Somebody(app).send(address, email=email, **form)
            html = answer.text.replace(email, "EMAIL")
            pages.append((answer.status_code, re.sub(r'value="\w{64}"', "", html)))
        assert pages[0] == pages[1], address


def test_too_many_forms_from_one_place(app: FastAPI) -> None:
    site = site_of_app(app)
    limit = replace(site.rules.forms, count=2)
    app.state.site = replace(site, door=replace(site.door, rules=replace(site.rules, forms=limit)))
    somebody = Somebody(app)
    answers = [somebody.send("/forgotten", email="a@people.test") for _ in range(3)]
    assert [one.status_code for one in answers] == [202, 202, 429]
    assert int(answers[2].headers["Retry-After"]) == 3600
    assert "tried too often" in text_of(answers[2])
    assert somebody.send("/reset", token="x", password=NEW).status_code == 429


def test_a_new_password_by_link_ends_all_sessions(app: FastAPI) -> None:
    anna = comer(app, "anna")
    forgetful = Somebody(app, anna.email)
    filled(forgetful, "/forgotten", "/forgotten", email=anna.email)
    address = f"/reset?token={link(app, 'reset')}"
    weak = filled(forgetful, address, "/reset", password="short")
    assert weak.status_code == 422
    assert "too short" in text_of(weak)
    assert 'value="anna@people.test" autocomplete="username" readonly' in weak.text
    done = filled(forgetful, address, "/reset", password=NEW)
    assert done.headers["Location"] == "/log-in?done=password-set"
    assert "password is set" in text_of(forgetful.page(done.headers["Location"]))
    assert anna.page("/account").headers["Location"].startswith("/log-in")
    assert forgetful.page(address).status_code == 410
    assert filled(forgetful, "/log-in", "/log-in", email=anna.email, password=NEW).status_code == 303


def test_who_is_disabled_sees_what_visitors_see(app: FastAPI) -> None:
    anna = comer(app, "anna")
    site, organiser, whom = site_of_app(app), chief(app), user_id(app, anna.email)
    assert "Anna" in text_of(anna.page("/"))
    site.database.transact(
        lambda session: disable_user(session, site.rules, organiser, whom, now=site.clock())
    )
    assert "Anna" not in text_of(anna.page("/"))
    assert anna.page("/account").status_code == 303


def test_a_token_is_shown_once_on_the_page(app: FastAPI) -> None:
    anna = comer(app, "anna")
    made = filled(anna, "/account", "/account/tokens", name="laptop")
    (token,) = set(re.findall(r"unicare_[\w-]{43}", made.text))
    assert made.headers["Cache-Control"] == "no-store"
    assert "unicare submit" in text_of(made)
    assert token not in anna.page("/account").text
    (number,) = re.findall(r"/account/tokens/(\d+)/revoke", anna.page("/account").text)
    revoked = filled(anna, "/account", f"/account/tokens/{number}/revoke")
    assert revoked.headers["Location"] == "/account?done=token-revoked"
    again = anna.send(f"/account/tokens/{number}/revoke")
    assert again.status_code == 404
    assert "no such API token" in text_of(again)


def test_account_and_team_by_their_forms(app: FastAPI) -> None:
    anna = comer(app, "anna")
    wrong = filled(anna, "/account", "/account/password", old="wrong", password=NEW)
    assert wrong.status_code == 401
    assert "until now isn’t right" in text_of(wrong)
    assert '<details class="more" open>' in wrong.text
    right = filled(anna, "/account", "/account/password", old=PASSWORD, password=NEW)
    assert right.headers["Location"] == "/account?done=password-changed"
    filled(anna, "/team", "/team", name="Reds")
    taken = comer(app, "cleo").send("/team", name="REDS")
    assert taken.status_code == 409
    assert "name is taken" in text_of(taken)
    assert 'value="REDS"' in taken.text
    ben, erik = comer(app, "ben"), comer(app, "erik")
    for other in (ben, erik):
        filled(anna, "/team", "/team/invitations", email=other.email)
    joined = filled(ben, "/account", "/invitation/accept")
    assert joined.headers["Location"] == "/team?done=team-joined"
    declined = filled(erik, "/team", "/invitation/decline")
    assert declined.headers["Location"] == "/account?done=invitation-declined"
    assert "Let go" not in ben.page("/team").text
    renamed = filled(anna, "/team", "/team/name", name="Blues")
    assert renamed.headers["Location"] == "/team?done=team-renamed"
    handed = filled(anna, "/team", "/team/captain")
    assert handed.headers["Location"] == "/team?done=captain-changed"
    number = user_id(app, anna.email)
    removed = filled(ben, "/team", f"/team/members/{number}/remove")
    assert removed.headers["Location"] == "/team?done=member-removed"
    filled(ben, "/team", "/team/invitations", email="x@people.test")
    (sent,) = re.findall(r"/team/invitations/(\d+)/withdraw", ben.page("/team").text)
    withdrawn = filled(ben, "/team", f"/team/invitations/{sent}/withdraw")
    assert withdrawn.headers["Location"] == "/team?done=invitation-withdrawn"
    assert filled(ben, "/team", "/team/leave").headers["Location"] == "/team?done=team-left"
    everywhere = filled(ben, "/account", "/account/log-out-everywhere")
    assert everywhere.headers["Location"] == "/?done=logged-out-everywhere"
    assert ben.page("/account").status_code == 303


def test_a_team_off_the_boards_is_offered_nothing_that_would_be_refused(app: FastAPI) -> None:
    anna, ben = comer(app, "anna"), comer(app, "ben")
    filled(anna, "/team", "/team", name="Reds")
    filled(anna, "/team", "/team/invitations", email=ben.email)
    filled(ben, "/account", "/invitation/accept")
    number = user_id(app, ben.email)
    forms = (
        "/team/name",
        "/team/leave",
        f"/team/members/{number}/remove",
        "/submissions/new?",
        '"upload-files"',
    )
    before = [anna.page(one).text for one in ("/team", "/submissions", "/submissions/new")]
    assert all(any(form in page for page in before) for form in forms)
    site = site_of_app(app)
    with site.database.reading() as session:
        (team,) = session.scalars(select(Team.id))
    organiser = chief(app)
    site.database.transact(
        lambda session: disqualify_team(session, site.rules, organiser, team, "two teams", now=site.clock())
    )
    after = [anna.page(one).text for one in ("/team", "/submissions", "/submissions/new")]
    assert not [form for form in forms for page in after if form in page]
    assert all("off the boards" in page for page in after)
    refused = anna.send("/team/name", name="Blues")
    assert refused.status_code == 403
    assert "stays as it is" in text_of(refused)


def test_an_agreement_that_changed_is_read_and_accepted_on_the_account(app: FastAPI) -> None:
    anna = comer(app, "anna")
    site = site_of_app(app)
    rules = replace(site.rules, agreement_version="another")
    app.state.site = replace(site, door=replace(site.door, rules=rules))
    assert "changed" in text_of(anna.page("/team"))
    assert "It has changed since you accepted it" in text_of(anna.page("/account"))
    stale = anna.send("/account/agreement", agreement_version="older")
    assert stale.status_code == 403
    accepted = filled(anna, "/account", "/account/agreement")
    assert accepted.headers["Location"] == "/account?done=agreed"
    assert anna.page("/team").status_code == 200


@pytest.mark.parametrize("given", ["number=x", "number=", "number=99999999999999999999", "token=", ""])
def test_forms_that_no_page_has_are_refused_politely(app: FastAPI, given: str) -> None:
    anna = comer(app, "anna")
    name, _, value = given.partition("=")
    written = {name: value} if name else {}
    for address in ("/invitation/accept", "/invitation/decline"):
        assert anna.send(address, **written).status_code in (404, 422)
    assert anna.send("/team/captain", user_id="x").status_code == 422
    assert anna.send("/team/members/99999999999999999999/remove").status_code == 422


def test_visitors_find_the_door(app: FastAPI, tmp_path: Path) -> None:
    home = Somebody(app).page("/")
    assert 'href="/log-in"' in home.text
    assert 'href="/register"' in home.text
    anna = comer(app, "anna")
    missing = anna.page("/nothing")  # the page of an error doesn't know who asks
    assert "Register" not in text_of(missing)
    assert "Log in" not in text_of(missing)
