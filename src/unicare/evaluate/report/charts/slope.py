"""In distribution against out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unicare.evaluate.report.charts.base import (
    Chart,
    Spec,
    dash_scale,
    make_chart,
    run_scales,
    short_number,
    tooltip,
)
from unicare.evaluate.report.intervals import Gap

__all__ = ["slope_chart"]


def slope_chart(name: str, gaps: Mapping[str, Gap], runs: Sequence[str], title: str, words: str) -> Chart:
    """Mean Dice in and out of distribution: a line for each run, with the intervals of both ends."""
    values = [
        {
            "run": run,
            "side": side,
            "value": short_number(figure.value.value),
            "low": short_number(figure.value.low),
            "high": short_number(figure.value.high),
            "n": figure.n,
        }
        for run, gap in gaps.items()
        for side, figure in (("ID", gap.inside), ("OOD", gap.outside))
    ]
    x: Spec = {
        "field": "side",
        "type": "nominal",
        "title": None,
        "scale": {"domain": ["ID", "OOD"], "padding": 0.35},
        "axis": {"labelAngle": 0, "ticks": False},
    }
    offset: Spec = {"field": "run", "type": "nominal", "scale": {"domain": list(runs), "paddingOuter": 0.9}}
    points = {
        "shape": run_scales(runs)["shape"],
        "tooltip": tooltip(run="run", side="cases", value=("mean Dice", ".3f"), n=("cases", "d")),
    }
    body: Spec = {
        "width": 190,
        "height": 150,
        "encoding": {"x": x, "color": run_scales(runs)["color"]},
        "layer": [
            {
                "mark": {"type": "rule", "strokeWidth": 1.5, "opacity": 0.5, "aria": False},
                "encoding": {"xOffset": offset, "y": _y("low"), "y2": {"field": "high"}},
            },
            {
                "mark": {"type": "line", "strokeWidth": 2, "aria": False},
                "encoding": {"xOffset": offset, "y": _y("value"), "strokeDash": dash_scale(runs)},
            },
            {
                "mark": {"type": "point", "filled": True, "size": 45, "opacity": 1, "aria": False},
                "encoding": {"xOffset": offset, "y": _y("value"), **points},
            },
        ],
    }
    return make_chart(name, title, words, body, values)


def _y(field: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "title": "mean Dice",
        "scale": {"domain": [0, 1]},
        "axis": {"tickCount": 5},
    }
