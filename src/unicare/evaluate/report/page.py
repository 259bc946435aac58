"""The page: everything that a report shows, written out as HTML that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from unicare import __version__
from unicare.evaluate.ranking.standings import BoardResult
from unicare.evaluate.report.charts import COLOURS, SHAPES, Chart
from unicare.evaluate.report.draw import chart_library, still_svg
from unicare.evaluate.report.embedded import chart_json, hash_source
from unicare.evaluate.report.facts import RunFacts
from unicare.evaluate.report.pictures import Picture, Shown
from unicare.evaluate.report.results import Comparison, by_centre_name
from unicare.evaluate.report.sections import RuleCount, StructureSection
from unicare.evaluate.report.story import Story
from unicare.evaluate.report.wording import capital, count, figure, interval, joined
from unicare.metrics.catalogue import CATALOGUE
from unicare.metrics.rules import DEFINITION, Rule

__all__ = ["Page", "add_pictures", "fill_page"]

_SCRIPTS = ("tables.js", "browser.js", "charts.js")


@dataclass(frozen=True)
class Page:
    """What a report shows.

    Attributes:
        title: headline.
        note: what a reader must know first.
        runs: their facts, in the report's order.
        cases: how many truths there are.
        comparisons: everything that was scored, worst first.
        story: the first screen in words; None where nothing was scored.
        overview: the chart beside it.
        boards: rankings; none for a single run.
        sections: by structure.
        rules: how often each rule for empty masks applied.
        shown: the worst, median and best case of each structure, of the leading run.
        pictures: (case, label) to what was drawn.
    """

    title: str
    note: str
    runs: tuple[RunFacts, ...]
    cases: int
    comparisons: tuple[Comparison, ...]
    story: Story | None
    overview: Chart | None
    boards: tuple[BoardResult, ...]
    sections: tuple[StructureSection, ...]
    rules: tuple[RuleCount, ...]
    shown: tuple[Shown, ...]
    pictures: Mapping[tuple[str, int], Picture]

    @property
    def charts(self) -> list[Chart]:
        """Every chart of the page."""
        found = [] if self.overview is None else [self.overview]
        for section in self.sections:
            found += [*section.charts, *section.volume_charts, *([section.slope] if section.slope else [])]
        return found


_PICTURES = "<!-- pictures of the case browser -->"
"""Where they go; no text of a user can hold this, since all of it is escaped."""


def fill_page(page: Page) -> str:
    """Writes the page out, with room left for the pictures of the case browser."""
    script = "".join(_own_script(name) for name in _SCRIPTS)
    library = chart_library()
    places = {(one.case, one.label): place for place, one in enumerate(page.comparisons)}
    return str(
        _template().render(
            page=page,
            names=[run.name for run in page.runs],
            library=library,
            script=script,
            policy=" ".join((hash_source(library), hash_source(script))),
            chart_json=chart_json(page.charts),
            stills={chart.name: still_svg(chart) for chart in page.charts},
            choices=_choices(page.comparisons),
            shown=_shown_by_structure(page),
            places=places,
            pictures_here=_PICTURES,
            catalogue=CATALOGUE,
            rules=[rule.value for rule in Rule],
            version=__version__,
            definition=DEFINITION,
        )
    )


def add_pictures(html: str, pictures: Sequence[tuple[int, str]]) -> str:
    """Puts the case browser's pictures into a page.

    Args:
        html: of ``fill_page``.
        pictures: place of each comparison, and its picture as JSON.
    """
    blocks = [
        f'<script type="application/json" id="picture-{place}">{text}</script>' for place, text in pictures
    ]
    return html.replace(_PICTURES, "\n".join(blocks), 1)


def _own_script(name: str) -> str:
    return resources.files("unicare.evaluate.report").joinpath("script", name).read_text(encoding="utf-8")


def _template() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("unicare.evaluate.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "figure": figure,
        "interval": interval,
        "capital": capital,
        "joined": joined,
        "plain_rule": lambda rule: rule.replace("_", " "),
        "identifier": lambda name: re.sub(r"[^a-zA-Z0-9]+", "-", name),
    }
    environment.globals |= {"colours": COLOURS, "shapes": len(SHAPES), "count": count}
    return environment.get_template("page.html")


def _choices(comparisons: Sequence[Comparison]) -> dict[str, list[str]]:
    """What the case browser can be narrowed down to."""
    by_label = sorted(comparisons, key=lambda one: one.label)
    by_centre = sorted(comparisons, key=by_centre_name)
    found = {result.rule for one in comparisons for result in one.results.values()}
    return {
        "structure": list(dict.fromkeys(one.structure for one in by_label)),
        "centre": list(dict.fromkeys(one.group for one in by_centre if one.centre)),
        "distribution": sorted({one.distribution for one in comparisons if one.distribution}),
        "rule": [rule.value for rule in Rule if rule.value in found],
    }


def _shown_by_structure(page: Page) -> dict[str, list[tuple[str, Comparison, Picture]]]:
    """Structure to its worst, median and best case that there is a picture of."""
    shown: dict[str, list[tuple[str, Comparison, Picture]]] = {}
    for one in page.shown:
        picture = page.pictures.get((one.comparison.case, one.comparison.label))
        if picture is not None:
            words = joined(list(one.words))
            shown.setdefault(one.comparison.structure, []).append((words, one.comparison, picture))
    return shown
