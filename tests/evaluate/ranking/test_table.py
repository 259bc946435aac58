"""Teams' rows as one array."""

import numpy as np
import pytest
from tests.evaluate.results import patient, row, rows_of

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.table import RANKABLE, build_table, goodness


def test_rows_find_their_place_whatever_order_they_come_in():
    rows = [*rows_of({"b": 0.2, "a": 0.1}), *rows_of({"a": 9.0}, metric="hausdorff_mm", structure="scar")]
    table = build_table({"x": rows, "y": rows[::-1]})
    assert [case.case for case in table.cases] == ["a", "b"]
    assert table.structures == ("liver", "scar")
    np.testing.assert_array_equal(table.values[0], table.values[1])
    assert table.figures("dice")[0, :, 0].tolist() == [0.1, 0.2]
    assert table.figures("hausdorff_mm")[0, 0, 1] == 9.0


def test_a_missing_dice_counts_as_none_found():
    table = build_table({"x": rows_of({"a": 0.9, "b": 0.8}), "y": rows_of({"a": 0.7})})
    assert table.figures("dice")[1, :, 0].tolist() == [0.7, 0]
    assert table.missing("dice").tolist() == [0, 1]


def test_a_missing_distance_counts_as_the_worst_of_all():
    table = build_table(
        {
            "x": rows_of({"a": 5.0, "b": 40.0}, metric="hausdorff_mm"),
            "y": rows_of({"b": 7.0}, metric="hausdorff_mm"),
        }
    )
    assert table.figures("hausdorff_mm")[1, :, 0].tolist() == [40, 7]


def test_an_error_row_and_a_value_that_is_no_number_are_missing():
    rows = [row("a", 0.5), row("b", None, metric="error"), row("b", float("nan"))]
    table = build_table({"x": rows, "y": rows_of({"a": 0.4, "b": 0.3})})
    assert table.missing("dice").tolist() == [1, 0]
    assert table.has_results("dice").tolist() == [True, True]


def test_what_nobody_was_scored_on_is_not_missing():
    rows = [row("a", 0.5), row("b", 0.5, structure="scar")]
    table = build_table({"x": rows, "y": rows})
    assert table.missing("dice").tolist() == [0, 0]
    assert np.isnan(table.figures("dice")[:, 0, 1]).all()


def test_signed_errors_are_ranked_by_their_size():
    table = build_table({"x": rows_of({"a": -3.0, "b": 1.0}, metric="volume_error_ml")})
    assert table.figures("volume_error_ml")[0, :, 0].tolist() == [3, 1]


@pytest.mark.parametrize("metric", ["dice", "hausdorff_mm", "volume_error_ml"])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_no_finite_number_is_never_good(metric, value):
    assert goodness(RANKABLE[metric], np.array([value])).tolist() == [-np.inf]


def test_the_manifest_says_whose_case_it_is():
    cohort = [
        patient("a", patient="p", centre="C", task="whs", distribution="OOD", sex="F", field_strength_t=1.5)
    ]
    (case,) = build_table({"x": rows_of({"a": 0.5})}, cohort).cases
    assert (case.patient, case.centre, case.task, case.distribution) == ("p", "C", "whs", "OOD")
    assert (case.subgroup("sex"), case.subgroup("field_strength_t")) == ("F", "1.5")
    assert case.subgroup("handedness") == ""


def test_cases_of_the_same_name_are_told_apart_by_what_is_annotated_in_them():
    cohort = [
        patient("a", task="liver", annotated=(1,)),
        patient("a", task="whs", annotated=(500, 420)),
    ]
    table = build_table({"x": [row("a", 0.5), row("a", 0.6, label=500, structure="LV")]}, cohort)
    assert [case.task for case in table.cases] == ["liver", "whs"]
    with pytest.raises(SettingsError, match="one row"):
        build_table({"x": [row("a", 0.5, label=7)]}, cohort)


def test_a_figure_is_given_once():
    with pytest.raises(SettingsError, match="twice"):
        build_table({"x": rows_of({"a": 0.5}) * 2})


def test_without_a_figure_there_is_nothing_to_rank():
    with pytest.raises(SettingsError, match="nothing to rank"):
        build_table({"x": [row("a", None, metric="error")]})
