"""How good every run is, and how sure that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from unicare.evaluate.report.charts.base import (
    QUIET,
    Chart,
    Spec,
    make_chart,
    run_scales,
    short_number,
    tooltip,
)
from unicare.evaluate.report.intervals import MeanFigure

__all__ = ["overview_chart"]


def overview_chart(
    name: str, means: Mapping[str, Mapping[str, MeanFigure]], runs: Sequence[str], title: str, words: str
) -> Chart:
    """Each run's mean with its interval, a line for each group of cases.

    Args:
        name: of the chart.
        means: group of cases (all, ID, OOD) to run to its mean.
        runs: in their order.
        title: of the axis.
        words: the chart in words.
    """
    values = [
        {
            "run": run,
            "group": group,
            "value": short_number(figure.value.value),
            "low": short_number(figure.value.value if figure.value.low is None else figure.value.low),
            "high": short_number(figure.value.value if figure.value.high is None else figure.value.high),
            "n": figure.n,
        }
        for group, by_run in means.items()
        for run, figure in by_run.items()
    ]
    groups = list(means)
    body: Spec = {
        "width": 330,
        "height": {"step": 17, "for": "offset"} if len(groups) > 1 else {"step": 30},
        "encoding": {
            "y": {
                "field": "run",
                "type": "nominal",
                "title": None,
                "sort": list(runs),
                "scale": {"domain": list(runs), "paddingInner": 0.25, "paddingOuter": 0.1},
                "axis": {"ticks": False, "domain": False, "labelFontSize": 12},
            },
            **({"yOffset": _by_group(groups)} if len(groups) > 1 else {}),
        },
        "layer": [_intervals(runs, title), _means(runs, title), *([_names()] if len(groups) > 1 else [])],
    }
    return make_chart(name, title, words, body, values, left=14)


def _by_group(groups: Sequence[str]) -> Spec:
    return {"field": "group", "type": "nominal", "scale": {"domain": list(groups)}}


def _x(field: str, title: str) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "title": title,
        "scale": {"domain": [0, 1]},
        "axis": {"tickCount": 5},
    }


def _intervals(runs: Sequence[str], title: str) -> Spec:
    return {
        "mark": {"type": "rule", "strokeWidth": 2.5, "aria": False},
        "encoding": {"x": _x("low", title), "x2": {"field": "high"}, "color": run_scales(runs)["color"]},
    }


def _means(runs: Sequence[str], title: str) -> Spec:
    scales = run_scales(runs)
    hollow = {"test": "datum.group === 'OOD'", "value": "var(--paper)"}
    return {
        "mark": {"type": "point", "size": 60, "strokeWidth": 2, "opacity": 1, "aria": False},
        "encoding": {
            "x": _x("value", title),
            **scales,
            "fill": {**scales["color"], "condition": hollow},
            "tooltip": tooltip(
                run="run",
                group="cases",
                value=("mean", ".3f"),
                low=("from", ".3f"),
                high=("to", ".3f"),
                n=("figures", "d"),
            ),
        },
    }


def _names() -> Spec:
    return {
        "mark": {"type": "text", "align": "left", "dx": 7, "fontSize": 10, "color": QUIET, "aria": False},
        "encoding": {"x": {"field": "high", "type": "quantitative"}, "text": {"field": "group"}},
    }
