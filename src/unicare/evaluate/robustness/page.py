"""Curves of robustness as one HTML file that opens offline: the picture, and every area as a table."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from unicare.evaluate.robustness.chart import panel_title, robustness_chart
from unicare.evaluate.robustness.curves import Curve, Interval
from unicare.evaluate.robustness.summary import Combination
from unicare.evaluate.rows import write_text
from unicare.metrics.catalogue import find_metric

__all__ = ["write_page"]


def write_page(
    path: Path,
    curves: Mapping[str, Sequence[Curve]],
    combinations: Mapping[str, Sequence[Combination]] | None = None,
    *,
    title: str = "Robustness",
    note: str = "",
    findings: Sequence[str] = (),
) -> Path:
    """Writes the page; the tables are readable without JavaScript, the picture needs it.

    Args:
        path: HTML file; replaced when it is there.
        curves: predictor to its curves.
        combinations: predictor to what single combinations of sequences give.
        title: headline.
        note: a sentence below it, such as what the cases are.
        findings: what else is worth knowing.

    Returns:
        The file.

    Raises:
        OutputError: the place can't be written to.
    """
    import vl_convert

    metrics = list(dict.fromkeys(curve.metric for several in curves.values() for curve in several))
    charts = {f"chart-{metric}": robustness_chart(curves, metric).to_dict() for metric in metrics}
    page = resources.files("unicare.evaluate.robustness").joinpath("page.html").read_text(encoding="utf-8")
    text = (
        Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
        .from_string(page)
        .render(
            title=title,
            note=note,
            findings=findings,
            sections=[(f"chart-{metric}", find_metric(metric), _areas(curves, metric)) for metric in metrics],
            combinations=_combinations(combinations or {}),
            several=len(curves) > 1,
            vega=Markup(_closed(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;"))),
            charts=Markup(json.dumps(charts).replace("<", "\\u003c")),
        )
    )
    write_text(path, text)
    return path


def _closed(script: str) -> str:
    """A script in which nothing closes the element that it stands in."""
    return re.sub("</(?=script)", r"<\\/", script, flags=re.IGNORECASE)


def _areas(curves: Mapping[str, Sequence[Curve]], metric: str) -> list[tuple[str, ...]]:
    return [
        (
            panel_title(curve),
            curve.structure,
            predictor,
            _number(curve.points[0].mean, metric),
            _number(curve.points[-1].mean, metric),
            *_cells(curve.area, metric),
        )
        for predictor, several in curves.items()
        for curve in several
        if curve.metric == metric
    ]


def _combinations(found: Mapping[str, Sequence[Combination]]) -> list[tuple[str, ...]]:
    return [
        (
            one.sequences,
            one.structure,
            predictor,
            find_metric(one.metric).title,
            *_cells(one.figure, one.metric),
        )
        for predictor, several in found.items()
        for one in several
    ]


def _cells(figure: Interval, metric: str) -> tuple[str, str, str]:
    interval = "" if figure.low is None or figure.high is None else _range(figure.low, figure.high, metric)
    return _number(figure.mean, metric), interval, str(figure.n)


def _range(low: float, high: float, metric: str) -> str:
    return f"{_number(low, metric)} to {_number(high, metric)}"


def _number(value: float, metric: str) -> str:
    return f"{value:.1f}" if find_metric(metric).unit else f"{value:.3f}"
