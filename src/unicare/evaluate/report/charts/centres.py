"""One metric of one structure, by centre and run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from unicare.evaluate.report.charts.base import (
    CASE_MARK,
    INK,
    Chart,
    Spec,
    make_chart,
    run_scales,
    short_number,
    tooltip,
)
from unicare.evaluate.report.results import Comparison, by_centre_name

__all__ = ["centre_chart"]

_LEAST_FOR_BOX = 4


def centre_chart(
    name: str, comparisons: Sequence[Comparison], runs: Sequence[str], metric: str, title: str, words: str
) -> Chart:
    """A row for each centre and run, a mark a case; from four cases on a box from quartile to quartile.

    Figures of empty masks are left out of distances, where a fixed figure would hide the rest.
    """
    is_distance = metric.endswith("_mm")
    values = [
        {"run": run, "case": one.case, "centre": one.group, "value": short_number(value)}
        for one in comparisons
        for run in runs
        if (value := one.figure(run, metric)) is not None and (one.results[run].measured or not is_distance)
    ]
    centres = list(dict.fromkeys(one.group for one in sorted(comparisons, key=by_centre_name)))
    step = 13 if len(runs) > 1 else 24
    x: Spec = {
        "field": "value",
        "type": "quantitative",
        "title": title,
        "scale": {"zero": True, "nice": True} if is_distance else {"domain": [0, 1]},
        "axis": {"tickCount": 5},
    }
    y: Spec = {
        "field": "centre",
        "type": "nominal",
        "title": None,
        "sort": centres,
        "scale": {"domain": centres, "paddingInner": 0.3, "paddingOuter": 0.15},
        "axis": {"ticks": False, "domain": False},
    }
    offset: Spec = {"field": "run", "type": "nominal", "scale": {"domain": list(runs)}}
    body: Spec = {
        "width": 300,
        "height": {"step": step, "for": "offset"} if len(runs) > 1 else {"step": step},
        "encoding": {"x": x, "y": y, **({"yOffset": offset} if len(runs) > 1 else {})},
        "layer": [_marks(runs, title), *([_boxes(step - 3)] if _has_box(values) else [])],
    }
    return make_chart(name, title, words, body, values)


def _marks(runs: Sequence[str], title: str) -> Spec:
    return {
        "mark": CASE_MARK,
        "encoding": {**run_scales(runs), "tooltip": tooltip(case="case", run="run", value=(title, ".3~f"))},
    }


def _has_box(values: Sequence[Mapping[str, object]]) -> bool:
    sizes = Counter((value["centre"], value["run"]) for value in values)
    return max(sizes.values(), default=0) >= _LEAST_FOR_BOX


def _boxes(height: int) -> Spec:
    grouped = {"joinaggregate": [{"op": "count", "as": "n"}], "groupby": ["centre", "run"]}
    return {
        "transform": [grouped, {"filter": f"datum.n >= {_LEAST_FOR_BOX}"}],
        "mark": {
            "type": "boxplot",
            "size": height,
            "extent": 0,
            "outliers": False,
            "rule": False,
            "ticks": False,
            "box": {"filled": False, "stroke": INK, "strokeWidth": 1, "cornerRadius": 1, "aria": False},
            "median": {"color": INK, "thickness": 2.5, "aria": False},
        },
    }
