"""Predicted against true volumes, after Bland and Altman."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from unicare.evaluate.report.agreement import Agreement
from unicare.evaluate.report.charts.base import (
    CASE_MARK,
    INK,
    LINE,
    Chart,
    Spec,
    make_chart,
    run_scales,
    short_number,
    tooltip,
)

__all__ = ["agreement_chart"]

_LEAST_APART = 0.09
"""Of the axis; values written closer than this would run into each other."""


def agreement_chart(
    name: str,
    run: str,
    runs: Sequence[str],
    agreement: Agreement,
    limits: tuple[float, float],
    title: str,
    words: str,
) -> Chart:
    """Prediction minus truth against the mean of both; the bias solid, the limits of agreement dashed.

    Args:
        name: of the chart.
        run: whose volumes these are.
        runs: all of them, in their order.
        agreement: the volumes and what follows from them.
        limits: of the vertical axis, the same for all runs of a structure.
        title: of the chart.
        words: the chart in words.
    """
    values = [
        {"run": run, "case": case, "mean": short_number(mean), "difference": short_number(difference)}
        for case, mean, difference in agreement.pairs
    ]
    ends = [end for end in (agreement.lower_ml, agreement.upper_ml) if end is not None]
    lines: list[Spec] = [{"at": short_number(agreement.bias_ml), "what": "bias"}]
    lines += [{"at": short_number(end), "what": "limit"} for end in ends]
    body: Spec = {
        "width": 215,
        "height": 160,
        "layer": [_zero(limits), _drawn(lines, limits), *_written(lines, limits), _marks(runs, limits)],
    }
    return make_chart(name, title, words, body, values)


def _y(field: str, limits: tuple[float, float]) -> Spec:
    return {
        "field": field,
        "type": "quantitative",
        "title": "prediction − truth, ml",
        "scale": {"domain": list(limits), "nice": True},
        "axis": {"tickCount": 5, "grid": False},
    }


def _zero(limits: tuple[float, float]) -> Spec:
    return {
        "data": {"values": [{"at": 0}]},
        "mark": {"type": "rule", "color": LINE, "aria": False},
        "encoding": {"y": _y("at", limits)},
    }


def _drawn(lines: Sequence[Spec], limits: tuple[float, float]) -> Spec:
    dashes = {"domain": ["bias", "limit"], "range": [[1, 0], [5, 4]]}
    dash = {"field": "what", "type": "nominal", "legend": None, "scale": dashes}
    return {
        "data": {"values": list(lines)},
        "mark": {"type": "rule", "color": INK, "strokeWidth": 1.3, "aria": False},
        "encoding": {"y": _y("at", limits), "strokeDash": dash},
    }


def _written(lines: Sequence[Spec], limits: tuple[float, float]) -> list[Spec]:
    """The lines' values beside them; nothing where they would lie on each other, since the words say them."""
    at = sorted(line["at"] for line in lines)
    if any(high - low < _LEAST_APART * (limits[1] - limits[0]) for low, high in pairwise(at)):
        return []
    style = {"align": "right", "baseline": "bottom", "dy": -2, "fontSize": 10, "color": INK, "aria": False}
    return [
        {
            "data": {"values": list(lines)},
            "mark": {"type": "text", **style},
            "encoding": {
                "x": {"value": "width"},
                "y": _y("at", limits),
                "text": {"field": "at", "type": "quantitative", "format": "+,.3~r"},
            },
        }
    ]


def _marks(runs: Sequence[str], limits: tuple[float, float]) -> Spec:
    x = {
        "field": "mean",
        "type": "quantitative",
        "title": "mean of both, ml",
        "scale": {"zero": False, "padding": 8},
        "axis": {"tickCount": 4, "grid": False},
    }
    said = tooltip(case="case", run="run", difference=("prediction − truth, ml", "+.4~g"))
    return {
        "mark": CASE_MARK,
        "encoding": {"x": x, "y": _y("difference", limits), **run_scales(runs), "tooltip": said},
    }
