"""A browser that draws volumes without a GPU, and tabs that say what the page's policy refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.browsers import open_chromium
from tests.web.pages.widgets.widget_site import WidgetSite, serve_widgets

NOTE_REFUSALS = """
window.refusals = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.refusals.push(`${event.effectiveDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""


@pytest.fixture(scope="module")  # two of Playwright’s at the same time aren’t allowed
def chromium() -> Iterator[Any]:
    with open_chromium(webgl=True) as browser:
        yield browser


@pytest.fixture
def site() -> Iterator[WidgetSite]:
    with serve_widgets() as found:
        yield found


@pytest.fixture
def expected() -> list[str]:
    """Parts of what the console may say in a test."""
    return []


@pytest.fixture
def rough(expected: list[str]) -> None:
    """For tests whose requests fail on purpose: the browser says so."""
    expected += ["Failed to load resource", "net::ERR_"]


@pytest.fixture
def new_tab(chromium: Any, expected: list[str]) -> Iterator[Callable[..., Any]]:
    """Makes tabs; what they write on their console, or ask of others than the site, fails the test."""
    contexts = []
    said: list[str] = []

    def make(**given: Any) -> Any:
        context = chromium.new_context(**{"viewport": {"width": 640, "height": 700}, **given})
        contexts.append(context)
        context.add_init_script(NOTE_REFUSALS)
        tab = context.new_page()
        tab.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
        tab.on("pageerror", lambda error: said.append(str(error)))
        tab.on("request", lambda asked: None if "//127.0.0.1:" in asked.url else said.append(asked.url))
        return tab

    yield make
    refusals = [one for context in contexts for tab in context.pages for one in refusals_of(tab)]
    for context in contexts:
        context.close()
    assert refusals == []
    assert [one for one in said if not any(part in one for part in expected)] == []


def refusals_of(tab: Any) -> list[str]:
    """What the page's policy refused."""
    return list(tab.evaluate("window.refusals ?? []"))


@pytest.fixture
def tab(new_tab: Callable[..., Any]) -> Any:
    return new_tab()
