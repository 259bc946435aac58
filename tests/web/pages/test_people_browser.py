"""Accounts and teams in headless Chromium: the whole story without a script; pages on a desk and a phone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from tests.web.pages.test_browser import CONTRAST, UNNAMED, browser, opened, pytestmark
from tests.web.people import PASSWORD, Somebody, approve, chief, comer, link, people_app
from tests.web.served import served

__all__ = ["browser", "pytestmark"]

LONG = "The very long name of a laboratory for hearts and livers"
WELL = {
    "unnamed": 0,
    "scrolling": 0,
    "skipped": 0,
    "missing": 0,
    "headings": 1,
    "captions": 0,
    "twice": 0,
    "nowhere": 0,
    "pictures": 0,
    "scripts": 0,
    "language": "en",
}
UNLABELLED = """
() => [...document.querySelectorAll("main input:not([type=hidden]), main select, main textarea")]
  .filter((one) => !one.labels.length && !one.closest("[aria-hidden=true]")).length
"""


@pytest.fixture
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return people_app(tmp_path_factory.mktemp("site"))


@pytest.fixture
def address(app: FastAPI) -> Iterator[str]:
    """The site, served as in earnest."""
    with served(app) as found:
        yield found


def told(tab: Any) -> str:
    """What the page says was done, or why it wasn't."""
    return str(tab.locator(".done, .trouble").first.inner_text())


def wrong(said: list[str]) -> list[str]:
    """What the console said, but for answers that are meant, and what it would like of password forms."""
    return [one for one in said if "status of 4" not in one and not one.startswith("verbose")]


def well_made(tab: Any) -> None:
    for details in tab.locator("details").all():
        details.evaluate("one => one.open = true")
    assert tab.evaluate(CONTRAST) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= tab.viewport_size["width"]
    assert tab.evaluate(UNNAMED) == WELL
    assert tab.evaluate(UNLABELLED) == 0


def enter(tab: Any, email: str, password: str = PASSWORD) -> None:
    tab.get_by_label("E-mail").fill(email)
    tab.get_by_label("Password").fill(password)
    tab.get_by_role("button", name="Log in").click()


def test_two_people_register_and_become_a_team(browser: Any, app: FastAPI, address: str) -> None:
    said: list[str] = []
    anna = opened(browser, said, java_script_enabled=False)
    anna.goto(address)
    anna.get_by_role("link", name="Register").click()
    anna.get_by_label("Name").fill("Anna")
    anna.get_by_label("E-mail").fill("Anna@People.test")
    anna.get_by_label("Affiliation").fill("Somewhere")
    anna.get_by_label("Password").fill(PASSWORD)
    anna.get_by_role("button", name="Register").click()
    assert anna.get_by_role("heading", level=1).inner_text() == "Register"  # the agreement isn't accepted
    anna.get_by_label("accept it").check()
    anna.get_by_role("button", name="Register").click()
    assert anna.get_by_role("heading", level=1).inner_text() == "Look into your mailbox"
    anna.goto(f"{address}/confirm?token={link(app, 'confirm')}")
    anna.get_by_label("Password").fill(PASSWORD)
    anna.get_by_role("button", name="Confirm").click()
    assert "confirmed" in told(anna)
    assert anna.get_by_text("Waiting for the organisers").is_visible()
    approve(app, "anna@people.test")
    anna.get_by_role("button", name="Log out", exact=True).click()
    anna.get_by_role("link", name="Log in").click()
    enter(anna, "ANNA@people.test", "a wrong password")
    assert "isn’t right" in told(anna)
    enter(anna, "ANNA@people.test")
    anna.get_by_label("Name of the team").fill("Reds")
    anna.get_by_role("button", name="Found it").click()
    anna.get_by_label("Invite somebody").fill("ben@people.test")
    anna.get_by_role("button", name="Invite").click()
    assert "on its way" in told(anna)

    comer(app, "ben")
    ben = opened(browser, said, java_script_enabled=False)
    ben.goto(f"{address}/invitation?token={link(app, 'invitation')}")
    ben.get_by_role("main").get_by_role("link", name="Log in").click()
    enter(ben, "ben@people.test")
    ben.get_by_role("button", name="Join the team").click()
    assert "You are in the team now" in told(ben)
    assert ben.get_by_role("heading", level=1).inner_text() == "Reds"
    anna.reload()
    anna.get_by_text("Change what Ben is").click()
    anna.get_by_role("button", name="Make captain").click()
    assert "new captain" in told(anna)
    for tab in (anna, ben):
        tab.context.close()
    assert wrong(said) == []


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark"), (320, "light")])
def test_pages_stand_out_fit_and_have_names(
    browser: Any, app: FastAPI, address: str, width: int, scheme: str
) -> None:
    anna, ben = comer(app, "anna"), comer(app, "ben")
    dora, waiting = comer(app, "dora"), comer(app, "waiting", approved=False)
    anna.call("POST", "/team", {"name": LONG})
    for other in (ben, dora, waiting):
        anna.call("POST", "/team/invitations", {"email": other.email})
    ben.call("POST", "/invitations/accept", {"token": link(app, "invitation", ben.email)})
    anna.call("POST", "/me/tokens", {"name": "w" * 100})
    Somebody(app, "new@people.test").register()
    Somebody(app).call("POST", "/password-resets", {"email": anna.email})
    invitation = f"/invitation?token={link(app, 'invitation', dora.email)}"
    chief(app)
    olga = Somebody(app, "chief@site.test")
    olga.log_in()
    seen_by = {
        None: [
            "/log-in",
            f"/register?next={invitation}",
            "/forgotten",
            f"/confirm?token={link(app, 'confirm')}",
            f"/reset?token={link(app, 'reset')}",
            "/confirm?token=void",
            "/reset?token=void",
            "/invitation?token=void",
            invitation,
        ],
        anna: ["/account", "/team", invitation, "/"],
        ben: ["/team"],
        dora: ["/account", "/team", invitation],
        waiting: ["/account", "/team", invitation],
        olga: ["/account", "/team"],
    }
    said: list[str] = []
    for somebody, pages in seen_by.items():
        tab = opened(browser, said, color_scheme=scheme, viewport={"width": width, "height": 800})
        if somebody is not None:
            cookies = [
                {"name": one.name, "value": one.value, "url": address} for one in somebody.client.cookies.jar
            ]
            tab.context.add_cookies(cookies)
        for page in pages:
            tab.goto(address + page)
            well_made(tab)
        tab.context.close()
    assert wrong(said) == []
