import json
import re

import pytest
from tests.evaluate.report.made import comparisons_of, rows_of, run_of

from unicare.evaluate.report.agreement import volume_agreement
from unicare.evaluate.report.charts import agreement_chart, centre_chart, volume_chart
from unicare.evaluate.report.draw import still_svg
from unicare.evaluate.report.results import compare_runs


def dice_chart(dice):
    return centre_chart("name", comparisons_of(dice), list(dice), "dice", "Dice", "words")


def marks_of(svg):
    """Colour to how many marks have it, also of those that are drawn once and used often."""
    shared = dict(re.findall(r'<path id="([^"]+)"[^>]*fill="([^"]+)"', svg))
    drawn = re.sub(r"<defs>.*?</defs>", "", svg, flags=re.DOTALL)
    colours = [shared[name] for name in re.findall(r'<use href="#([^"]+)"', drawn)]
    colours += re.findall(r'<path transform="translate[^>]*fill="([^"]+)"', drawn)
    return {colour: colours.count(colour) for colour in colours}


@pytest.mark.parametrize("cases", [3, 40])
def test_every_case_of_every_run_has_a_mark_in_its_runs_colour(cases):
    dice = {run: {f"c{case}": 0.5 + case / 100 for case in range(cases)} for run in ("one", "other")}
    assert marks_of(still_svg(dice_chart(dice))) == {"var(--run-1)": cases, "var(--run-2)": cases}


def test_runs_differ_in_shape_as_well_as_in_colour():
    names = [f"run {number}" for number in range(20)]
    scales = dice_chart({name: {"c": 0.5} for name in names}).spec["layer"][0]["encoding"]
    colours, shapes = (scales[kind]["scale"]["range"] for kind in ("color", "shape"))
    assert len(set(zip(colours, shapes, strict=True))) == 20
    assert len(set(shapes[:8])) == 8


def test_distances_of_empty_masks_are_not_drawn():
    rows = [
        rows_of("a", {"dice": 0.9, "hausdorff_mm": 5.0}),
        rows_of("b", {"dice": 0.0, "hausdorff_mm": 400.0}, rule="prediction_empty"),
    ]
    comparisons = compare_runs([run_of("one", *rows)])
    assert len(centre_chart("n", comparisons, ["one"], "dice", "Dice", "").values) == 2
    distances = centre_chart("n", comparisons, ["one"], "hausdorff_mm", "HD", "").values
    assert [mark["value"] for mark in distances] == [5.0]


def test_volumes_that_differ_much_are_on_a_logarithmic_axis():
    def axis(*volumes):
        rows = [rows_of(str(n), {"dice": 0.9, "truth_volume_ml": volume}) for n, volume in enumerate(volumes)]
        chart = volume_chart("n", compare_runs([run_of("one", *rows)]), ["one"], "title", "")
        return chart.spec["encoding"]["x"]["scale"].get("type")

    assert axis(1.0, 100.0) == "log"
    assert axis(90.0, 100.0) is None


def test_bias_and_limits_are_drawn_and_written():
    volumes = {"a": (100, 112), "b": (200, 208), "c": (300, 310)}
    rows = [
        rows_of(case, {"dice": 0.9, "truth_volume_ml": truth, "volume_ml": volume})
        for case, (truth, volume) in volumes.items()
    ]
    agreement = volume_agreement(compare_runs([run_of("one", *rows)]), "one")
    svg = still_svg(agreement_chart("n", "one", ["one"], agreement, (-5.0, 20.0), "title", ""))
    texts = re.findall(r"<text[^>]*>([^<]*)", svg)
    assert "+10" in texts  # the mean of 12, 8 and 10
    assert "+6.08" in texts  # 10 − 1.96 · 2
    assert "+13.9" in texts


def test_names_are_escaped():
    svg = still_svg(dice_chart({"<script>": {"a": 0.5}}))
    assert "<script>" not in svg
    json.dumps(dice_chart({"<script>": {"a": 0.5}}).whole)
