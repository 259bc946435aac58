"""Browsers of the people of a season, what they do on pages, and pictures of these pages."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.web.people import link
from tests.web.season.stage import Stage

__all__ = ["PASSWORD", "Tab", "Theatre"]

PASSWORD = "seven green lanterns"
SIZES = {"desk": (1280, 900), "phone": (390, 844)}
_NOTE_REFUSALS = """
window.refusals = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.refusals.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""


class Theatre:
    """All browsers of a season, and what went wrong in any of them.

    Args:
        browser: that they are made of.
        stage: the site.
    """

    def __init__(self, browser: Any, stage: Stage) -> None:
        self.browser = browser
        self.stage = stage
        self.said: list[str] = []
        self.tabs: list[Tab] = []
        folder = os.environ.get("UNICARE_SHOTS")
        self.shots = Path(folder) if folder else None

    def enter(self, name: str) -> Tab:
        """Somebody with a browser of their own."""
        context = self.browser.new_context(
            viewport={"width": 1280, "height": 900}, base_url=self.stage.address, accept_downloads=True
        )
        context.set_default_timeout(180_000)  # a busy machine is slow, not broken
        context.add_init_script(_NOTE_REFUSALS)
        page = context.new_page()
        page.on("console", lambda message: self._note(name, message))
        page.on("pageerror", lambda error: self.said.append(f"{name}: {error}"))
        page.on("dialog", lambda dialog: self.said.append(f"{name}: {dialog.message}"))
        page.on(
            "request",
            lambda asked: (
                None
                if asked.url.startswith((self.stage.address, "blob:"))
                else self.said.append(f"{name} asks {asked.url}")
            ),
        )
        self.tabs.append(Tab(self, name, page))
        return self.tabs[-1]

    def _note(self, name: str, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.said.append(f"{name}: {message.type}: {message.text}")

    def check(self) -> None:
        """No page wrote on its console, asked others than the site, or did what its policy forbids."""
        refused = [one for tab in self.tabs for one in tab.refusals()]
        assert self.said == [], self.said
        assert refused == [], refused


class Tab:
    """A person's browser.

    Args:
        theatre: that it belongs to.
        name: of the person; the address is made of it.
        page: Playwright's.
    """

    def __init__(self, theatre: Theatre, name: str, page: Any) -> None:
        self.theatre = theatre
        self.name = name
        self.page = page
        self.email = f"{name.lower()}@season.test"
        self._refusals: list[str] = []

    def go(self, address: str) -> Any:
        """Opens a page, which must be there."""
        self.refusals()
        answer = self.page.goto(address)
        assert answer is not None
        assert answer.status == 200, (address, answer.status)
        return self.page

    def refusals(self) -> list[str]:
        """What policies of pages forbade so far."""
        self._refusals += self.page.evaluate("window.refusals || []")
        return self._refusals

    def press(self, name: str) -> None:
        """Presses the button of this name, and waits for the page that comes."""
        self.refusals()
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=name, exact=True).click()

    def fill(self, **fields: str) -> None:
        """Fills in fields by their names."""
        for name, text in fields.items():
            self.page.locator(f"main [name={name}]").fill(text)

    def reads(self, *texts: str) -> None:
        """The page has all these words in its main part."""
        words = " ".join(self.page.locator("main").inner_text().split()).lower()
        for text in texts:
            assert text.lower() in words, (self.page.url, text, words)

    def register(self) -> None:
        """Registers, opens the mail's link, and comes in."""
        self.go("/register")
        self.fill(name=self.name, email=self.email, affiliation="A university", password=PASSWORD)
        self.page.locator("main [name=agreement]").check()
        self.shot("register")
        self.page.get_by_role("button", name="Register", exact=True).click()
        self.page.get_by_role("heading", name="Look into your mailbox").wait_for()
        self.shot("mail-sent")
        self.go(f"/confirm?token={link(self.theatre.stage.app, 'confirm', self.email)}")
        self.fill(password=PASSWORD)
        self.press("Confirm")
        self.reads("Your address is confirmed")

    def log_in(self) -> None:
        """Logs in by the page."""
        self.go("/log-in")
        self.fill(email=self.email, password=PASSWORD)
        self.shot("log-in")
        self.press("Log in")
        assert self.page.get_by_role("button", name="Log out").is_visible()

    def log_out(self) -> None:
        """Logs out."""
        self.press("Log out")

    def shot(self, name: str) -> None:
        """Pictures of the page, at a desk and on a phone, light and dark; if a folder is named for them."""
        if self.theatre.shots is None:
            return
        self.theatre.shots.mkdir(parents=True, exist_ok=True)
        for size, (width, height) in SIZES.items():
            self.page.set_viewport_size({"width": width, "height": height})
            for scheme in ("light", "dark"):
                self.page.emulate_media(color_scheme=scheme)
                file = self.theatre.shots / f"{name}-{size}-{scheme}.png"
                self.page.screenshot(path=file, full_page=True, animations="disabled")
        self.page.set_viewport_size({"width": 1280, "height": 900})
        self.page.emulate_media(color_scheme="light")
