import re
from html.parser import HTMLParser

import numpy as np
import pytest
import vl_convert

from unicare.core.errors import SettingsError
from unicare.evaluate.robustness.chart import robustness_chart
from unicare.evaluate.robustness.curves import Condition, estimate_curve
from unicare.evaluate.robustness.page import write_page


def curves(start=0.9, metric="dice"):
    along = {
        Condition("missing", 0, "at least one left"): np.linspace(0, 1, 21),
        Condition("noise", 0, "LGE"): (0, 0.1, 0.2),
        Condition("jitter"): (0, 0.1, 0.3),
        Condition("points", 1, "box"): (1, 2, 5),
        Condition("points", 1, "no box"): (1, 2, 5),
    }
    found = []
    for condition, levels in along.items():
        for structure in ("all", "left atrium"):
            values = start - 0.1 * np.array(levels)[:, None] + np.array([0.0, 0.02, 0.05])
            found.append(estimate_curve(condition, structure, metric, levels, values, resamples=50))
    return found


def test_a_panel_for_each_way_of_getting_worse():
    chart = robustness_chart({"mine": curves()}).to_dict()
    assert [panel["title"] for panel in chart["concat"]] == [
        "missing sequences, at least one left",
        "noise on LGE",
        "moved boxes and points",
        "points and the box",
        "points, no box",
    ]
    thin = chart["concat"][1]["layer"][0]  # a single structure has a line of its own
    assert {value["structure"] for value in chart["datasets"][thin["data"]["name"]]} == {"left atrium"}
    without = robustness_chart({"mine": curves()}, structures=False).to_dict()
    assert "left atrium" not in str(without["concat"][1]["layer"])


def test_predictors_differ_in_colour_dash_and_shape():
    svg = vl_convert.vegalite_to_svg(robustness_chart({"mine": curves(), "other": curves(0.5)}).to_dict())
    assert {"mine", "other", "points, no box"} <= set(re.findall(r">([^<>]+)<", svg))
    assert {"#0072B2", "#D55E00"} <= set(re.findall(r"#[0-9A-F]{6}", svg))
    assert 'stroke-dasharray="6,3"' in svg
    assert "left atrium" not in svg  # one line a predictor, else nothing could be told apart


def test_distances_are_drawn_up_to_the_greatest():
    values = curves(30.0, "hausdorff_mm")
    chart = robustness_chart({"mine": values}, "hausdorff_mm").to_dict()
    limits = {tuple(found) for found in _domains(chart)}
    highest = max(point.high for curve in values for point in curve.points)
    assert limits == {(0.0, round(highest, 4))}
    with pytest.raises(SettingsError, match="curves of dice"):
        robustness_chart({"mine": values}, "dice")


def _domains(part):
    if isinstance(part, dict):
        if isinstance(part.get("y"), dict) and "domain" in part["y"].get("scale", {}):
            yield part["y"]["scale"]["domain"]
        for inner in part.values():
            yield from _domains(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _domains(inner)


class Reader(HTMLParser):
    """What stands in a page: cells by row, and everything that it would fetch."""

    def __init__(self):
        super().__init__()
        self.rows, self.fetched, self.inside = [], [], None

    def handle_starttag(self, tag, attrs):
        self.inside = tag
        if tag == "tr":
            self.rows.append([])
        self.fetched += [
            value for name, value in attrs if name in ("src", "href") and not value.startswith("#")
        ]

    def handle_data(self, data):
        if self.inside in ("td", "th"):
            self.rows[-1].append(data.strip())

    def handle_endtag(self, tag):
        self.inside = None


def test_the_page_has_every_area_as_text_and_fetches_nothing(tmp_path):
    found = curves()
    path = write_page(tmp_path / "page.html", {"<b>mine</b>": found}, note="a & b", findings=["</script>x"])
    text = path.read_text(encoding="utf-8")
    reader = Reader()
    reader.feed(text)
    assert reader.fetched == []
    assert text.count("<script>") == text.count("</script>") == 2
    assert "<b>mine</b>" not in text.replace("\\u003cb>mine", "")
    rows = [row for row in reader.rows if row and row[0] == "noise on LGE"]
    assert [row[1] for row in rows] == ["all", "left atrium"]
    (curve,) = [one for one in found if one.kind == "noise" and one.structure == "all"]
    area = curve.area
    assert f"{area.mean:.3f}" in rows[0]
    assert f"{area.low:.3f} to {area.high:.3f}" in rows[0]
    assert rows[0][-1] == "3"
