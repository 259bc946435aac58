"""The page in headless Chromium: what a script, a keyboard and a screen reader find there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.browsers import NEEDS_CHROMIUM, open_chromium
from tests.evaluate.report.made import rows_of

from unicare.core.volume import Volume
from unicare.data.nifti import save_labels, save_volume
from unicare.evaluate.report import Run, write_report
from unicare.evaluate.rows import Row

pytestmark = NEEDS_CHROMIUM

AFFINE = np.diag([-1.5, -1.5, 9.0, 1.0])
STRUCTURES = {200: "myocardium", 500: "left ventricle"}
RUNS = {"good": 0.9, "bad": 0.4}
CENTRES = {"north": "ID", "south": "OOD"}


def rows_of_run(run: str) -> list[Row]:
    """Made up: twelve cases, in which each run is the better the higher the case's number."""
    rows = []
    for number in range(12):
        centre = list(CENTRES)[number % 2]
        for place, (label, structure) in enumerate(STRUCTURES.items()):
            nothing = run == "bad" and number == 0
            dice = 0.0 if nothing else RUNS[run] + number / 200 - place / 100
            figures = {
                "dice": dice,
                "hausdorff_mm": 4.0 + 10 * (1 - dice),
                "truth_volume_ml": 20.0 + number,
                "volume_ml": 20.0 + number * RUNS[run] + place,
            }
            rows += rows_of(
                f"case{number:02d}",
                figures,
                centre=centre,
                distribution=CENTRES[centre],
                label=label,
                structure=structure,
                rule="prediction_empty" if nothing else "measured",
            )
    return rows


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report of two runs; the pictures are those of four cases."""
    root = tmp_path_factory.mktemp("page")
    labels = np.zeros((48, 48, 6), dtype=np.int16)
    labels[12:36, 12:36, 1:5] = 200
    labels[18:30, 18:30, 1:5] = 500
    noise = np.random.default_rng(0).normal(100, 20, labels.shape).astype(np.float32)
    truth = Volume.from_file_axes(labels, AFFINE)
    for number in range(4):
        case = f"case{number:02d}"
        save_labels(root / f"truth/{case}.nii.gz", truth, truth.data)
        save_volume(root / f"in/images/{case}.nii.gz", Volume.from_file_axes(noise + labels / 10, AFFINE))
        for step, run in enumerate(RUNS, start=1):
            moved = np.roll(truth.data, 2 * step, axis=0)
            save_labels(root / f"{run}/{case}_pred.nii.gz", truth, moved)
    runs = [Run(run, root / run, rows_of_run(run)) for run in RUNS]
    return write_report(
        root / "report.html", truth_dir=root / "truth", runs=runs, images=root / "in", note="made up"
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with open_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Any, page_file: Path) -> Iterator[Any]:
    """The report as opened; whatever it says on the console or asks of the network fails the test."""
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    tab = context.new_page()
    said: list[str] = []
    tab.on("console", lambda message: said.append(f"{message.type}: {message.text}"))
    tab.on("pageerror", lambda error: said.append(str(error)))
    tab.on("request", lambda request: said.append(request.url) if request.url.startswith("http") else None)
    tab.goto(page_file.as_uri())
    tab.wait_for_selector("#viewer h3")
    yield tab
    context.close()
    assert said == []


def column(page: Any, table: str, place: int) -> list[str]:
    """The texts of a column, of the rows that are shown."""
    rows = page.locator(f"{table} tbody tr:not([hidden])")
    return [row.locator("th, td").nth(place).inner_text().strip() for row in rows.all()]


def shown_cases(page: Any) -> list[str]:
    return column(page, "#case-table", 0)


def test_heads_sort_their_tables_and_say_so(page: Any) -> None:
    head = page.locator(".summary th", has_text="Structure").first
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(page, ".summary", 0) == ["Left ventricle", "Myocardium"]
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(page, ".summary", 0) == ["Myocardium", "Left ventricle"]


def test_numbers_are_sorted_as_numbers(page: Any) -> None:
    page.locator("#case-table th", has_text="bad").last.get_by_role(
        "button"
    ).click()  # its Hausdorff distance
    distances = [float(text) for text in column(page, "#case-table", 6)]
    assert distances == sorted(distances)
    assert min(distances) < 10 < max(distances)  # as texts, 9.9 would come after 14.0


def test_a_board_can_be_sorted_by_any_column(page: Any) -> None:
    assert column(page, ".board", 1) == ["good", "bad"]
    page.locator(".board th", has_text="Dice").get_by_role("button").click()
    assert column(page, ".board", 1) == ["bad", "good"]


def test_cases_come_worst_first_and_the_worst_is_on_view(page: Any) -> None:
    assert shown_cases(page)[:2] == ["case00", "case00"]
    assert "case00" in page.locator("#viewed").inner_text()
    assert page.locator("#viewer svg.slice").count() >= 2
    # both runs are beside each other, and moved outlines are told with what is wrong there
    captions = page.locator("#viewer figcaption").all_inner_texts()
    assert any(caption.startswith("good") for caption in captions)
    assert any("voxels wrong" in caption for caption in captions)


def test_filters_narrow_the_list_and_the_count_is_announced(page: Any) -> None:
    assert page.locator("#counted").get_attribute("aria-live") == "polite"
    assert "24 of 24 shown" in page.locator("#counted").inner_text()
    page.select_option("select[name=structure]", "myocardium")
    assert set(column(page, "#case-table", 1)) == {"myocardium"}
    page.select_option("select[name=distribution]", "OOD")
    assert shown_cases(page) == [f"case{number:02d}" for number in (1, 3, 5, 7, 9, 11)]
    assert "6 of 24 shown" in page.locator("#counted").inner_text()
    page.fill("input[name=search]", "CASE03")
    assert shown_cases(page) == ["case03"]
    page.fill("input[name=search]", "nobody")
    assert shown_cases(page) == []
    assert "No case fits" in page.locator("#viewer").inner_text()
    page.click("button[type=reset]")
    page.locator("#counted", has_text="24 of 24").wait_for()


def test_a_rule_for_empty_masks_can_be_looked_for(page: Any) -> None:
    page.select_option("select[name=rule]", "prediction_empty")
    assert shown_cases(page) == ["case00", "case00"]
    page.select_option("select[name=run]", "good")  # which has none
    assert shown_cases(page) == []


def test_a_chosen_run_orders_the_list_and_stands_alone_on_view(page: Any) -> None:
    page.select_option("select[name=run]", "good")
    values = [float(text) for text in column(page, "#case-table", 2)]
    assert values == sorted(values)
    captions = page.locator("#viewer figcaption").all_inner_texts()
    assert captions
    assert all(caption.startswith("good") for caption in captions)


def test_the_browser_is_walked_through_by_keyboard(page: Any) -> None:
    first = page.locator("#viewed").inner_text()
    page.locator(".case-button").first.focus()
    page.keyboard.press("ArrowDown")
    second = page.locator("#viewed").inner_text()
    assert second != first
    assert page.evaluate("document.activeElement.getAttribute('aria-current')") == "true"
    page.get_by_role("button", name="Next").focus()
    page.keyboard.press("Enter")
    third = page.locator("#viewed").inner_text()
    assert third not in (first, second)
    assert page.evaluate("document.activeElement.textContent") == "Next"
    assert page.locator("#announced").inner_text().lower() == f"{third}, 3 of 24".lower()
    page.keyboard.press("ArrowLeft")
    assert page.locator("#viewed").inner_text() == second


def test_charts_become_live_and_a_mark_shows_its_case(page: Any) -> None:
    chart = page.locator('figure[data-chart="structure-2-dice"]')
    page.locator("#structure-2").evaluate("details => { details.open = true }")
    chart.scroll_into_view_if_needed()
    page.wait_for_selector('figure[data-chart="structure-2-dice"][data-live]')
    mark = chart.locator(".mark-symbol path").first
    mark.hover()
    page.wait_for_selector("#vg-tooltip-element.visible")
    tip = page.locator("#vg-tooltip-element").inner_text()
    mark.click()
    page.wait_for_selector("#viewer:focus")
    assert re.search(r"case\d\d", tip)[0] in page.locator("#viewed").inner_text()  # type: ignore[index]
    assert "eft ventricle" in page.locator("#viewed").inner_text()


def test_a_link_opens_its_structure(page: Any) -> None:
    second = page.locator("#structure-2")
    assert second.get_attribute("open") is None
    page.locator('.summary a[href="#structure-2"]').click()
    page.wait_for_selector("#structure-2[open]")


def test_without_script_tables_charts_and_pictures_are_there(browser: Any, page_file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page_file.as_uri())
    assert tab.locator("#case-table tbody tr").count() == 24
    assert tab.locator("#case-table").is_visible()
    assert tab.locator("#overview-title").is_visible()
    assert tab.locator('figure[data-chart="overview"] svg').is_visible()
    assert tab.locator("#structure-1 svg.slice").first.is_visible()
    for dead in ("#filters", "#viewer", "#counted"):
        assert not tab.locator(dead).is_visible()
    context.close()


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
    if (!own || element.closest("script, svg.slice, [hidden]") || !element.getClientRects().length) continue;
    const style = getComputedStyle(element);
    const isSvg = element instanceof SVGElement;
    const [a, b] = [light(parse(isSvg ? style.fill : style.color)), light(ground(element))];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5 && !element.disabled) {
      weak.push([element.tagName, contrast, element.textContent.slice(0, 40)]);
    }
  }
  for (let run = 1; run <= 7; run += 1) {
    const probe = document.createElement("i");
    probe.style.color = `var(--run-${run})`;
    document.body.append(probe);
    const panel = ground(document.querySelector(".panel"));
    const [a, b] = [light(parse(getComputedStyle(probe).color)), light(panel)];
    probe.remove();
    if ((Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 3) weak.push(["run", run]);
  }
  return weak;
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1200, 390])
def test_texts_stand_out_and_nothing_runs_off_the_page(
    browser: Any, page_file: Path, scheme: str, width: int
) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 800})
    tab = context.new_page()
    tab.goto(page_file.as_uri())
    tab.wait_for_selector("#viewer h3")
    assert tab.evaluate(CONTRAST) == []
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    context.close()


UNNAMED = """
() => {
  const text = (element) => !element.matches("select, input") && element.textContent.trim();
  const named = (element) => element.getAttribute("aria-label") || element.getAttribute("aria-labelledby")
    || element.closest("label") || text(element) || element.querySelector("title");
  const shown = (element) => element.getClientRects().length > 0;
  const all = (selector) => [...document.querySelectorAll(selector)];
  const some = (selector) => all(selector).filter(shown).filter((one) => !named(one));
  const levels = all("h1, h2, h3, h4").filter(shown).map((one) => Number(one.tagName[1]));
  const tables = all("table").filter((one) => !one.closest("#vg-tooltip-element"));
  return {
    controls: some("button, select, input, a").length,
    pictures: some('svg[role="img"], [role="img"]').length,
    scrolling: all(".scroll").filter((one) => one.tabIndex !== 0).length,
    skipped: levels.filter((level, place) => place && level > levels[place - 1] + 1).length,
    landmarks: ["header", "nav", "main", "footer"].filter((name) => !all(name).length).length,
    headings: all("h1").length,
    captions: tables.filter((one) => !one.caption).length,
    language: document.documentElement.lang,
  };
}
"""


def test_everything_has_a_name_and_a_place(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true })")
    assert page.evaluate(UNNAMED) == {
        "controls": 0,
        "pictures": 0,
        "scrolling": 0,
        "skipped": 0,
        "landmarks": 0,
        "headings": 1,
        "captions": 0,
        "language": "en",
    }
