"""Dice against volume."""

from __future__ import annotations

from collections.abc import Sequence

from unicare.evaluate.report.charts.base import (
    CASE_MARK,
    Chart,
    Spec,
    make_chart,
    run_scales,
    short_number,
    tooltip,
)
from unicare.evaluate.report.results import Comparison

__all__ = ["volume_chart"]

_WIDE = 4.0
"""From this ratio of volumes on, their axis is logarithmic."""


def volume_chart(
    name: str, comparisons: Sequence[Comparison], runs: Sequence[str], title: str, words: str
) -> Chart:
    """Dice against the volume of the truth, a mark a case; cases where the truth is empty aren't in it."""
    values = [
        {"run": run, "case": one.case, "volume": short_number(volume), "value": short_number(dice)}
        for one in comparisons
        for run in runs
        if (dice := one.figure(run, "dice")) is not None and (volume := one.figure(run, "truth_volume_ml"))
    ]
    volumes = [value["volume"] for value in values if isinstance(value["volume"], float)]
    wide = bool(volumes) and max(volumes) > _WIDE * min(volumes)
    x: Spec = {
        "field": "volume",
        "type": "quantitative",
        "title": "volume of the truth, ml" + (" (logarithmic)" if wide else ""),
        "scale": {"type": "log", "nice": False, "padding": 8} if wide else {"zero": False, "padding": 8},
        "axis": {"tickCount": 4, "grid": False, "format": ",.3~r", "labelOverlap": True},
    }
    y: Spec = {
        "field": "value",
        "type": "quantitative",
        "title": "Dice",
        "scale": {"domain": [0, 1]},
        "axis": {"tickCount": 5},
    }
    said = tooltip(case="case", run="run", volume=("volume, ml", ".4~g"), value=("Dice", ".3f"))
    body: Spec = {
        "width": 300,
        "height": 170,
        "mark": CASE_MARK,
        "encoding": {"x": x, "y": y, **run_scales(runs), "tooltip": said},
    }
    return make_chart(name, title, words, body, values)
