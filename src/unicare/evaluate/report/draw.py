"""Charts as still pictures for pages without JavaScript, and the library that makes them live."""

from __future__ import annotations

import re
from functools import cache

from unicare.evaluate.report.charts import Chart

__all__ = ["chart_library", "still_svg"]

_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_EXPORT = "window.vegaEmbed = vegaEmbed;"
"""What the page's script needs of the library."""

_WORDS = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')


def still_svg(chart: Chart) -> str:
    """The chart as an ``<svg>`` element without words for screen readers, which the page gives beside it.

    Colours stay names of the page's, so that the picture follows dark mode.
    """
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(chart.whole))
    svg = svg[svg.index("<svg") :]
    svg = _WORDS.sub("", svg)
    svg = _LONG_NUMBER.sub(lambda number: f"{float(number[0]):.1f}", svg)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, which the package brings along; no network is used."""
    import vl_convert

    return str(vl_convert.javascript_bundle(_EXPORT))
