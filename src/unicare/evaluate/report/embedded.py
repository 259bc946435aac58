"""What the page's script works with: charts and pictures as JSON that is small and safe inside HTML."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from unicare.evaluate.report.charts import Chart
from unicare.evaluate.report.pictures import Picture, Slice

__all__ = ["chart_json", "hash_source", "picture_json"]


def chart_json(charts: Sequence[Chart]) -> str:
    """Name to specification and data; data by columns, in which texts are numbers of a list."""
    return _json(
        {chart.name: {"spec": dict(chart.spec), "columns": _columns(chart.values)} for chart in charts}
    )


def _columns(values: Sequence[Mapping[str, Any]]) -> dict[str, object]:
    columns: dict[str, object] = {}
    for name in values[0] if values else ():
        column = [value[name] for value in values]
        if any(isinstance(item, str) for item in column):
            texts = list(dict.fromkeys(column))
            places = {text: place for place, text in enumerate(texts)}
            columns[name] = {"texts": texts, "places": [places[text] for text in column]}
        else:
            columns[name] = column
    return columns


def picture_json(picture: Picture) -> str:
    """A picture for the page's script, which draws it when it is asked for."""
    return _json({"runs": picture.runs, "slices": [_slice(one) for one in picture.slices]})


def _slice(one: Slice) -> dict[str, object]:
    overlay = one.overlay
    return {
        "index": one.index,
        "size": [overlay.width_mm, overlay.height_mm],
        "image": overlay.image,
        "truth": overlay.truth,
        "predictions": overlay.predictions,
        "dice": [None if dice is None else round(dice, 4) for dice in one.dice],
        "wrong": one.wrong,
        "box": overlay.box,
        "points": overlay.points,
        "negative": overlay.negative_points,
        "letters": overlay.letters,
    }


def _json(value: object) -> str:
    """JSON that no ``</script>`` can end, and that isn't taken for markup."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def hash_source(script: str) -> str:
    """The script's name in a content security policy, which then lets no other script run."""
    digest = hashlib.sha256(script.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"
