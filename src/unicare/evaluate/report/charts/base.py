"""What all charts share: Vega-Lite in the page's colours, a shape and a dash for every run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

__all__ = [
    "CASE_MARK",
    "COLOURS",
    "INK",
    "LINE",
    "QUIET",
    "SHAPES",
    "Chart",
    "Spec",
    "dash_scale",
    "make_chart",
    "run_scales",
    "short_number",
    "tooltip",
]

Spec = dict[str, Any]
"""A part of a Vega-Lite specification."""

SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "stroke")
"""One for each run, together with a colour, so that colour never stands alone; the names are Vega's."""

COLOURS = 7
"""Of the page, ``--run-1`` and so on. One less than there are shapes, so that no two of 56 runs are alike."""

_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 1], [1, 3], [10, 4], [5, 2, 1, 2])

INK, QUIET, LINE = "var(--ink)", "var(--quiet)", "var(--line)"
"""The page's own colours, so that charts follow dark mode."""

CASE_MARK: Spec = {
    "type": "point",
    "filled": True,
    "size": 34,
    "opacity": 0.75,
    "cursor": "pointer",
    "aria": False,
}
"""A case; the page shows it when it is clicked."""

_CONFIG: Spec = {
    "background": None,
    "font": "system-ui, -apple-system, Segoe UI, Roboto, Helvetica Neue, Arial, sans-serif",
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": QUIET,
        "titleFontWeight": "normal",
        "gridColor": LINE,
        "domainColor": LINE,
        "tickColor": LINE,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "labelLimit": 130,
    },
}


@dataclass(frozen=True)
class Chart:
    """A chart and the same in words.

    Attributes:
        name: unlike that of any other chart of the page.
        title: what it shows.
        words: what can be seen in it, with the numbers that matter.
        spec: Vega-Lite without the data.
        values: the data, one object a mark.
    """

    name: str
    title: str
    words: str
    spec: Spec
    values: tuple[Mapping[str, Any], ...]

    @property
    def whole(self) -> Spec:
        """The specification with its data."""
        return self.spec | {"data": {"values": list(self.values)}}


def make_chart(
    name: str, title: str, words: str, body: Spec, values: Sequence[Mapping[str, Any]], left: int = 8
) -> Chart:
    """Puts a body into the house's style.

    Args:
        name: as in ``Chart``.
        title: as in ``Chart``.
        words: as in ``Chart``.
        body: size, marks and encodings.
        values: the data.
        left: room for labels that are wider on the reader's machine than on this one.
    """
    spec: Spec = {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": title,
        "config": _CONFIG,
        "padding": {"left": left, "top": 6, "right": 8, "bottom": 4},
    }
    return Chart(name, title, words, spec | body, tuple(values))


def run_scales(runs: Sequence[str]) -> Spec:
    """Colour and shape of each run: the page's, in the order of the runs."""
    colours = [f"var(--run-{place % COLOURS + 1})" for place in range(len(runs))]
    shapes = [SHAPES[place % len(SHAPES)] for place in range(len(runs))]
    return {"color": _by_run(runs, colours), "shape": _by_run(runs, shapes)}


def dash_scale(runs: Sequence[str]) -> Spec:
    """The dash of each run's line."""
    return _by_run(runs, [_DASHES[place % len(_DASHES)] for place in range(len(runs))])


def _by_run(runs: Sequence[str], values: Sequence[object]) -> Spec:
    scale = {"domain": list(runs), "range": list(values)}
    return {"field": "run", "type": "nominal", "legend": None, "scale": scale}


def tooltip(**titles: tuple[str, str] | str) -> list[Spec]:
    """What is said when a mark is pointed at.

    Args:
        **titles: field to its title, or to its title and format where it is a number.
    """
    said: list[Spec] = []
    for name, title in titles.items():
        if isinstance(title, str):
            said.append({"field": name, "title": title})
        else:
            said.append({"field": name, "title": title[0], "type": "quantitative", "format": title[1]})
    return said


def short_number(value: float | None) -> float | None:
    """Five significant digits: more than a pixel shows."""
    return None if value is None else float(f"{value:.5g}")
