"""The public pages in headless Chromium: desk and phone, light and dark, by keyboard, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.browsers import NEEDS_CHROMIUM, open_chromium
from tests.web.boards.made import MadeScores
from tests.web.served import served
from tests.web.sites import AFTER_RELEASE, made_app

pytestmark = NEEDS_CHROMIUM

PAGES = ("/", "/boards", "/boards/open", "/boards/hidden?edition=year-two", "/texts/the-rules", "/nothing")


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A site that is served as in earnest; http://127.0.0.1 and a port of its own."""
    with served(made_app(tmp_path_factory.mktemp("site"), AFTER_RELEASE, scores=MadeScores())) as found:
        yield found


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as chromium:
        yield chromium


def opened(browser: Any, said: list[str], **given: Any) -> Any:
    """A tab; what it says on the console, or asks of others than the site, is noted."""
    context = browser.new_context(**{"viewport": {"width": 1200, "height": 900}, **given})
    tab = context.new_page()
    tab.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda asked: None if "//127.0.0.1:" in asked.url else said.append(asked.url))
    return tab


@pytest.fixture
def tab(browser: Any) -> Iterator[Any]:
    said: list[str] = []
    found = opened(browser, said)
    yield found
    found.context.close()
    assert said == []


def teams(tab: Any) -> list[str]:
    """Of the first table that isn't the overall one."""
    rows = tab.locator("table.board").first.locator("tbody").first.locator("th")
    return [text.strip() for text in rows.all_inner_texts()]


def test_somebody_finds_a_board_and_sorts_it(tab: Any, address: str) -> None:
    tab.goto(address)
    tab.get_by_role("navigation").get_by_role("link", name="Boards").click()
    tab.get_by_role("main").get_by_role("link", name="Open <board>").click()
    assert tab.get_by_role("heading", level=1).inner_text().startswith("Open <board>")
    assert teams(tab)[:3] == ["North", "East", "South"]
    tab.get_by_role("link", name="Dice").last.click()
    head = tab.get_by_role("columnheader", name="Dice").last
    assert head.get_attribute("aria-sort") == "ascending"
    assert teams(tab)[-1] == "North"
    table = tab.get_by_role("table").last
    assert table.evaluate(
        "one => one.getBoundingClientRect().top < window.innerHeight"
    )  # the one that was sorted
    tab.get_by_role("link", name="Hausdorff distance").first.click()
    assert tab.get_by_role("columnheader", name="Hausdorff").first.get_attribute("aria-sort") == "ascending"


def test_a_board_can_be_taken_away(tab: Any, address: str) -> None:
    tab.goto(f"{address}/boards/hidden?edition=year-two")
    for name, suffix in (("CSV", ".csv"), ("BibTeX", ".bib")):
        with tab.expect_download() as waiting:
            tab.get_by_role("link", name=name).click()
        assert waiting.value.suggested_filename == f"hidden-year-two{suffix}"
        assert Path(waiting.value.path()).stat().st_size > 100


def test_by_keyboard_alone(tab: Any, address: str) -> None:
    tab.goto(f"{address}/boards/open")
    tab.keyboard.press("Tab")
    assert tab.evaluate("document.activeElement.textContent") == "Skip to the content"
    tab.keyboard.press("Enter")
    assert tab.evaluate("document.activeElement.tagName") == "MAIN"
    for _ in range(30):
        tab.keyboard.press("Tab")
        if "sort=dice&order=worst_first" in str(tab.evaluate("document.activeElement.href")):
            break
    style = tab.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"
    tab.keyboard.press("Enter")
    tab.wait_for_url("**order=worst_first**")
    assert teams(tab)[-1] == "North"


CONTRAST = """
() => {
  const channel = (value) => (value /= 255) <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const colour = parse(getComputedStyle(one).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll("body *")) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(element).color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) weak.push([element.tagName, contrast, element.textContent.slice(0, 40)]);
  }
  return weak;
}
"""


@pytest.mark.parametrize(("width", "scheme"), [(1200, "light"), (390, "dark"), (320, "light")])
def test_texts_stand_out_and_nothing_runs_off_the_page(
    browser: Any, address: str, width: int, scheme: str
) -> None:
    said: list[str] = []
    tab = opened(browser, said, color_scheme=scheme, viewport={"width": width, "height": 800})
    for page in PAGES:
        tab.goto(address + page)
        assert tab.evaluate(CONTRAST) == [], page
        assert tab.evaluate("document.documentElement.scrollWidth") <= width, page
    tab.context.close()
    assert [one for one in said if "404" not in one] == []


UNNAMED = """
() => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const named = (element) => element.getAttribute("aria-label") || element.textContent.trim()
    || document.getElementById(element.getAttribute("aria-labelledby"))?.textContent.trim();
  const levels = all("h1, h2, h3, h4").map((one) => Number(one.tagName[1]));
  const ids = all("[id]").map((one) => one.id);
  return {
    unnamed: all("a, button, [role=region], nav").filter((one) => !named(one)).length,
    scrolling: all(".scroll").filter((one) => one.tabIndex !== 0).length,
    skipped: levels.filter((level, place) => place && level > levels[place - 1] + 1).length,
    missing: ["header", "nav", "main", "footer"].filter((name) => !all(name).length).length,
    headings: all("h1").length,
    captions: all("main table:not(.prose table)").filter((one) => !one.caption).length,
    twice: ids.filter((id, place) => ids.indexOf(id) !== place).length,
    nowhere: all('a[href^="#"]').filter((one) => !ids.includes(one.hash.slice(1))).length,
    pictures: all("img").filter((one) => !one.alt || !one.naturalWidth).length,
    scripts: all("script").length,
    language: document.documentElement.lang,
  };
}
"""


@pytest.mark.parametrize("page", PAGES[:-1])
def test_everything_has_a_name_and_a_place(tab: Any, address: str, page: str) -> None:
    tab.goto(address + page)
    assert tab.evaluate(UNNAMED) == {
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


def test_all_is_there_without_scripts(browser: Any, address: str) -> None:
    said: list[str] = []
    tab = opened(browser, said, java_script_enabled=False)
    tab.goto(f"{address}/boards/open")
    tab.get_by_role("link", name="Hausdorff distance").first.click()
    assert tab.get_by_role("columnheader", name="Hausdorff").first.get_attribute("aria-sort") == "ascending"
    tab.context.close()
    assert said == []
