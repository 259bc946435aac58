"""Fragments that are fetched again, by htmx, under the policy of pages with scripts."""

from __future__ import annotations

from typing import Any

from tests.web.pages.widgets.widget_site import WidgetSite


def test_a_state_changes_without_a_reload_until_it_is_final(tab: Any, site: WidgetSite) -> None:
    tab.goto(f"{site.address}/live")
    state = tab.locator("#state")
    assert state.inner_text() == "At first"
    tab.get_by_text("1st").wait_for()
    state.evaluate("one => { one.marked = true; }")
    polls = site.polls
    while site.polls == polls:
        tab.wait_for_timeout(50)
    tab.wait_for_timeout(100)
    assert state.evaluate("one => one.marked")  # it said the same, so it was left alone
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
