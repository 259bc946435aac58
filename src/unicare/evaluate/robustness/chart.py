"""Curves of robustness as a picture: a panel for each way of getting worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from unicare.core.errors import SettingsError
from unicare.evaluate.robustness.curves import Curve, Interval
from unicare.evaluate.robustness.summary import ALL_STRUCTURES
from unicare.metrics.catalogue import find_metric

if TYPE_CHECKING:
    import altair as alt

__all__ = ["panel_title", "robustness_chart"]

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's, which colour-blind readers can tell apart; dashes and shapes say the same again."""

_DASHES = ([1, 0], [6, 3], [2, 2], [8, 3, 2, 3], [4, 1], [1, 3], [10, 4])
_SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right")

_AXES = {
    "missing": "probability that a sequence is missing",
    "noise": "noise, share of the image's spread",
    "jitter": "furthest movement, share of the box",
    "points": "points on each slice",
}

_PANELS_IN_A_ROW = 3
_MOST_MARKED = 8
"""Curves of more levels are drawn without a mark at each."""


def panel_title(curve: Curve) -> str:
    """What a panel of the chart and a line of the table are called."""
    if curve.kind == "missing":
        return f"missing sequences, {curve.variant}"
    if curve.kind == "noise":
        noisy = {"all": "every image", "unknown": "the image"}.get(curve.variant, curve.variant)
        return f"noise on {noisy}"
    if curve.kind == "points":
        return "points and the box" if curve.variant == "box" else "points, no box"
    return "moved boxes and points"


def robustness_chart(
    curves: Mapping[str, Sequence[Curve]], metric: str = "dice", *, structures: bool = True
) -> alt.ConcatChart:
    """Draws the curves of one metric: a panel for each kind and variant, a line for each predictor.

    The thick line is the mean over structures and cases, with its 95 % interval; where there is one
    predictor, thin lines are single structures (their names under the pointer).

    Args:
        curves: predictor to its curves.
        metric: which.
        structures: whether single structures are drawn as well.

    Raises:
        SettingsError: no curve of this metric.
    """
    import altair as alt

    values = _values(curves, metric)
    if not values:
        raise SettingsError("curves to draw", found="none", expected=f"curves of {metric}")
    title = find_metric(metric).title + (f", {find_metric(metric).unit}" if find_metric(metric).unit else "")
    lowest, highest = min(value["low"] for value in values), max(value["high"] for value in values)
    limits = (0.0, 1.0) if find_metric(metric).bounds == (0.0, 1.0) else (min(lowest, 0.0), highest)
    drawn = structures and len(curves) == 1
    panels: list[Any] = []
    for name in dict.fromkeys(value["panel"] for value in values):
        chosen = [value for value in values if value["panel"] == name]
        panels.append(_panel(name, chosen, list(curves), title, limits, drawn))
    chart: alt.ConcatChart = (
        alt.concat(*panels, columns=_PANELS_IN_A_ROW, spacing=24)
        .configure_view(stroke=None)
        .configure_axis(grid=True, gridColor="#e3e5e8", domainColor="#9aa0a6", tickColor="#9aa0a6")
        .configure_legend(orient="top", title=None, symbolStrokeWidth=2, symbolSize=60)
        .configure_title(anchor="start", fontSize=12, fontWeight=600)
    )
    return chart


def _values(curves: Mapping[str, Sequence[Curve]], metric: str) -> list[dict[str, Any]]:
    return [
        {
            "predictor": predictor,
            "kind": curve.kind,
            "panel": panel_title(curve),
            "structure": curve.structure,
            "level": level,
            **_rounded(point),
        }
        for predictor, several in curves.items()
        for curve in several
        if curve.metric == metric
        for level, point in zip(curve.levels, curve.points, strict=True)
    ]


def _rounded(point: Interval) -> dict[str, float]:
    low, high = (point.mean if end is None else end for end in (point.low, point.high))
    return {"mean": round(point.mean, 4), "low": round(low, 4), "high": round(high, 4), "n": point.n}


def _panel(
    name: str,
    values: list[dict[str, Any]],
    predictors: Sequence[str],
    title: str,
    limits: tuple[float, float],
    structures: bool,
) -> Any:
    import altair as alt

    kind = values[0]["kind"]
    ticks = sorted({value["level"] for value in values})
    axis = alt.Axis(values=ticks, format="~g") if len(ticks) <= _MOST_MARKED else alt.Axis(tickCount=5)
    x = alt.X("level:Q", title=_AXES[kind], axis=axis, scale=alt.Scale(zero=kind != "points", nice=False))
    y = alt.Y("mean:Q", title=title, scale=alt.Scale(domain=list(limits), nice=False))
    scale = alt.Scale(domain=list(predictors), range=list(COLOURS[: len(predictors)]))
    several = len(predictors) > 1
    legend = alt.Legend(symbolOpacity=1) if several else None
    colour = alt.Color("predictor:N", scale=scale, legend=legend)
    tips = ["predictor:N", "structure:N", "level:Q", "mean:Q", "low:Q", "high:Q", "n:Q"]
    whole = _plain([value for value in values if value["structure"] == ALL_STRUCTURES])
    layers: list[Any] = []
    if structures:
        single = _plain([value for value in values if value["structure"] != ALL_STRUCTURES])
        layers.append(
            single.mark_line(color="#6b7280", strokeWidth=1, opacity=0.7).encode(
                x=x, y=y, detail="structure:N", tooltip=tips
            )
        )
    band = whole.mark_area(opacity=0.18).encode(x=x, y=alt.Y("low:Q", title=title), y2="high:Q", color=colour)
    dash = alt.StrokeDash(
        "predictor:N",
        legend=legend,
        scale=alt.Scale(domain=list(predictors), range=[list(dash) for dash in _DASHES[: len(predictors)]]),
    )
    line = whole.mark_line(strokeWidth=2.5).encode(x=x, y=y, color=colour, strokeDash=dash, tooltip=tips)
    layers += [band, line]
    if len(ticks) <= _MOST_MARKED:
        shapes = list(_SHAPES[: len(predictors)])
        shape = alt.Shape(
            "predictor:N", legend=legend, scale=alt.Scale(domain=list(predictors), range=shapes)
        )
        marks = whole.mark_point(filled=True, size=45, opacity=1)
        layers.append(marks.encode(x=x, y=y, color=colour, shape=shape, tooltip=tips))
    return alt.layer(*layers).properties(title=name, width=265, height=185)


def _plain(values: list[dict[str, Any]]) -> alt.Chart:
    """A chart of these values, which stay in it."""
    import altair as alt

    return alt.Chart(alt.InlineData(values))
