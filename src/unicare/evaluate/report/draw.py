"""Charts as still pictures for pages without JavaScript, and the library that makes them live."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache

from unicare.evaluate.report.charts import Chart

__all__ = ["chart_library", "still_svg"]

_TAG = re.compile(r"<[^>]+>")
_LONG_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_EXPORT = "window.vegaEmbed = vegaEmbed;"
"""What the page's script needs of the library."""

_MARK = re.compile(r'<path transform="translate\(([-\d.]+),([-\d.]+)\)" d="([^"]+)"([^>]*)/>')
_OFTEN = 20

_WORDS = re.compile(r' (?:role|aria-[a-z]+)="[^"]*"')


def still_svg(chart: Chart) -> str:
    """The chart as an ``<svg>`` element without words for screen readers, which the page gives beside it.

    Colours stay names of the page's, so that the picture follows dark mode.
    """
    import vl_convert

    svg = str(vl_convert.vegalite_to_svg(chart.whole))
    svg = svg[svg.index("<svg") :]
    svg = _WORDS.sub("", svg)
    svg = _TAG.sub(lambda tag: _LONG_NUMBER.sub(_tenths, tag[0]), svg)
    svg = _drawn_once(svg, chart.name)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)


def _tenths(number: re.Match[str]) -> str:
    """Of a pixel; more isn't seen."""
    return f"{float(number[0]):.1f}"


def _drawn_once(svg: str, name: str) -> str:
    """The picture with marks of one shape and colour written once and used often: a third of the bytes."""
    often = Counter((mark[3], mark[4]) for mark in _MARK.finditer(svg))
    shared = {kind: f"{name}-{n}" for n, (kind, count) in enumerate(often.items()) if count >= _OFTEN}
    if not shared:
        return svg

    def used(mark: re.Match[str]) -> str:
        identifier = shared.get((mark[3], mark[4]))
        return mark[0] if identifier is None else f'<use href="#{identifier}" x="{mark[1]}" y="{mark[2]}"/>'

    marks = "".join(f'<path id="{identifier}" d="{d}"{rest}/>' for (d, rest), identifier in shared.items())
    start = svg.index(">") + 1
    return f"{svg[:start]}<defs>{marks}</defs>{_MARK.sub(used, svg[start:])}"


@cache
def chart_library() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, which the package brings along; no network is used."""
    import vl_convert

    return str(vl_convert.javascript_bundle(_EXPORT))
