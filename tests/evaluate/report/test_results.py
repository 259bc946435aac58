import pytest
from tests.evaluate.report.made import rows_of, run_of

from unicare.core.errors import SettingsError
from unicare.evaluate.report.results import check_runs, compare_runs
from unicare.evaluate.rows import ERROR, Row


def test_runs_stand_side_by_side_worst_first():
    one = run_of("one", rows_of("a", {"dice": 0.9}), rows_of("b", {"dice": 0.8}))
    other = run_of("other", rows_of("a", {"dice": 0.3}), rows_of("b", {"dice": 0.7}))
    comparisons = compare_runs([one, other])
    assert [comparison.case for comparison in comparisons] == ["a", "b"]
    assert [comparisons[0].figure(run, "dice") for run in ("one", "other")] == [0.9, 0.3]


def test_a_structure_that_one_run_was_not_scored_on_has_no_figure_of_it():
    one, other = run_of("one", rows_of("a", {"dice": 0.9})), run_of("other", rows_of("b", {"dice": 0.8}))
    b, a = compare_runs([one, other])
    assert (a.case, a.figure("other", "dice")) == ("a", None)
    assert (b.case, b.figure("one", "dice")) == ("b", None)


def test_two_labels_of_one_name_are_kept_apart():
    run = run_of(
        "one",
        rows_of("a", {"dice": 0.9}, label=200, structure="myocardium"),
        rows_of("b", {"dice": 0.8}, label=205, structure="myocardium"),
    )
    names = {comparison.structure for comparison in compare_runs([run])}
    assert names == {"myocardium (label 200)", "myocardium (label 205)"}


def test_cases_that_could_not_be_scored_and_figures_that_are_not_finite_are_left_out():
    error = Row("lost", "A", "ID", None, "", ERROR, None, "no such file")
    run = run_of("one", rows_of("a", {"dice": 0.5, "hausdorff_mm": float("inf")}), [error])
    (comparison,) = compare_runs([run])
    assert comparison.case == "a"
    assert comparison.figure("one", "hausdorff_mm") is None


def test_runs_that_cannot_be_told_apart_or_compared_are_refused():
    run = run_of("one", rows_of("a", {"dice": 0.9}))
    with pytest.raises(SettingsError, match="NAME=FOLDER"):
        check_runs([run, run])
    with pytest.raises(SettingsError, match="no run"):
        check_runs([])
    with pytest.raises(SettingsError, match=r"no Dice.*found nsd"):
        check_runs([run_of("one", rows_of("a", {"nsd": 0.9}))])
