"""Charts of a report: boxes and single cases, per centre; SVG that takes the page's colours."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from unicare.evaluate.rows import Row

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["strip_chart"]

_INK, _FAINT, _MARK = "#010203", "#040506", "#070809"
_PAGE_COLOURS = {_INK: "var(--ink)", _FAINT: "var(--line)", _MARK: "var(--accent)"}
"""Stand-ins in the drawing, and the page's colours that replace them, so that charts follow dark mode."""

_LEAST_FOR_BOX = 4

_SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "unicare",
    "font.size": 9,
    "font.family": "sans-serif",
    "font.sans-serif": ["system-ui", "DejaVu Sans"],
    "text.color": _INK,
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "text.parse_math": False,
}


def strip_chart(
    rows: Sequence[Row], centres: Sequence[str], axis_label: str, limits: tuple[float, float] | None
) -> str:
    """Draws one metric of one structure: a line a centre, a dot a case, a box from quartile to quartile.

    Args:
        rows: of one structure and one metric.
        centres: a line for each, from top to bottom; "" stands for cases without one.
        axis_label: what the axis says.
        limits: of the axis; None for 0 to the greatest value.

    Returns:
        An ``<svg>`` element, its texts escaped. Cases out of distribution are hollow.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    nowhere = "all" if list(centres) == [""] else "no centre"
    with mpl.rc_context(_SETTINGS):
        figure = Figure(figsize=(4.2, 0.62 + 0.3 * len(centres)), layout="constrained")
        axes = figure.add_subplot()
        for line, centre in enumerate(centres):
            _draw_centre(axes, line, [row for row in rows if row.centre == centre])
        axes.set_yticks(range(len(centres)), [_short(centre) or nowhere for centre in centres])
        axes.set_ylim(len(centres) - 0.45, -0.55)
        axes.set_xlabel(axis_label)
        greatest = max((row.value or 0.0 for row in rows), default=0.0)
        axes.set_xlim(*(limits or (0.0, greatest * 1.06 or 1.0)))
        axes.grid(axis="x", color=_FAINT, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.tick_params(length=0)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        text = io.StringIO()
        figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return _for_page(text.getvalue())


def _draw_centre(axes: Axes, line: int, rows: Sequence[Row]) -> None:
    values = np.array([row.value for row in rows], dtype=float)
    spread = np.random.default_rng(0).uniform(-0.16, 0.16, len(values))
    hollow = np.array([row.distribution.upper() == "OOD" for row in rows], dtype=bool)
    if len(values) >= _LEAST_FOR_BOX:
        low, middle, high = np.percentile(values, (25, 50, 75))
        axes.barh(line, high - low, left=low, height=0.52, fill=False, edgecolor=_INK, linewidth=0.9)
        axes.plot((middle, middle), (line - 0.26, line + 0.26), color=_INK, linewidth=2.2)
    axes.scatter(values[~hollow], line + spread[~hollow], s=13, color=_MARK, alpha=0.65, linewidths=0)
    axes.scatter(
        values[hollow], line + spread[hollow], s=13, facecolors="none", edgecolors=_MARK, linewidths=1.1
    )


def _short(name: str, most: int = 18) -> str:
    return name if len(name) <= most else name[: most - 1] + "…"


def _for_page(svg: str) -> str:
    """The drawing without XML's preamble and fixed size, in the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, count=1, flags=re.DOTALL)
    svg = re.sub(r"<style.*?</style>", "", svg, count=1, flags=re.DOTALL)
    for stand_in, colour in _PAGE_COLOURS.items():
        svg = svg.replace(stand_in, colour)
    return svg.replace("<svg ", '<svg aria-hidden="true" focusable="false" ', 1)
