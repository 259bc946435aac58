"""The charts of a report: one module each, all in Vega-Lite."""

from __future__ import annotations

from unicare.evaluate.report.charts.agreement import agreement_chart
from unicare.evaluate.report.charts.base import COLOURS, SHAPES, Chart
from unicare.evaluate.report.charts.centres import centre_chart
from unicare.evaluate.report.charts.overview import overview_chart
from unicare.evaluate.report.charts.slope import slope_chart
from unicare.evaluate.report.charts.volume import volume_chart

__all__ = [
    "COLOURS",
    "SHAPES",
    "Chart",
    "agreement_chart",
    "centre_chart",
    "overview_chart",
    "slope_chart",
    "volume_chart",
]
