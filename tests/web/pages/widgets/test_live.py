"""Fragments that are fetched again, by htmx, under the policy of pages with scripts."""

from __future__ import annotations

from typing import Any

from tests.web.pages.widgets.widget_site import WidgetSite

SAME_WHEN_ASKED_AGAIN = """
async () => {
  const state = document.querySelector("#state");
  await new Promise((done) => document.body.addEventListener("htmx:afterRequest", done, { once: true }));
  return state.isConnected;
}
"""


def test_a_state_changes_without_a_reload_until_it_is_final(tab: Any, site: WidgetSite) -> None:
    tab.goto(f"{site.address}/live")
    tab.get_by_text("At first").wait_for()
    site.state = "1st"
    tab.get_by_text("1st").wait_for()
    assert tab.evaluate(SAME_WHEN_ASKED_AGAIN)
    site.state, site.final = "Scored", True
    tab.get_by_text("Scored").wait_for()
    polls = site.polls
    tab.wait_for_timeout(1300)
    assert site.polls == polls


def test_nothing_is_made_of_strings_and_only_the_site_is_asked(tab: Any, site: WidgetSite) -> None:
    tab.goto(f"{site.address}/live")
    tab.wait_for_function("window.htmx !== undefined")
    config = tab.evaluate("htmx.config")
    assert config["allowEval"] is False
    assert config["allowScriptTags"] is False
    assert config["includeIndicatorStyles"] is False
    assert config["selfRequestsOnly"] is True
    assert config["historyCacheSize"] == 0
    assert tab.locator("head style").count() == 0
