import csv
import gzip
import json
import math

import nibabel as nib
import numpy as np
import pytest
from rich.console import Console

from unicare.core.errors import ImageError, SettingsError
from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.rows import read_rows
from unicare.evaluate.run import METRICS_FILE, SUMMARY_FILE, evaluate
from unicare.evaluate.settings import EvaluationSettings
from unicare.evaluate.terminal import print_worst

AFFINE = np.diag([-1.0, -1.0, 10.0, 1.0])
SHAPE = (20, 20, 6)


def save(path, labels, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(labels.astype(np.int16), affine), path)


def heart(label=500):
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[5:15, 5:15, 1:5] = label
    return labels


@pytest.fixture
def folders(tmp_path):
    return tmp_path / "predictions", tmp_path / "truth", tmp_path / "out"


def values(result, case, label):
    return {row.metric: row.value for row in result.rows if (row.case, row.label) == (case, label)}


def test_figures_of_a_missed_end_slice(folders):
    predictions, truth, out = folders
    save(truth / "a.nii.gz", heart())
    short = heart()
    short[:, :, 4] = 0
    save(predictions / "a_pred.nii.gz", short)
    result = evaluate(predictions, truth, out)
    found = values(result, "a", 500)
    assert found["dice"] == pytest.approx(6 / 7)
    assert found["hausdorff_mm"] == pytest.approx(10.0)
    assert {row.structure for row in result.rows} == {"left ventricle blood cavity"}
    assert read_rows(out / METRICS_FILE) == result.rows


def test_missing_prediction_counts_as_empty_and_is_named(folders):
    predictions, truth, out = folders
    save(truth / "a.nii.gz", heart())
    save(truth / "b.nii.gz", heart())
    save(predictions / "a.nii.gz", heart())
    result = evaluate(predictions, truth, out)
    assert result.missing == ("b",)
    diagonal = math.sqrt(20**2 + 20**2 + 60**2)
    assert values(result, "b", 500)["dice"] == 0.0
    assert values(result, "b", 500)["hausdorff_mm"] == pytest.approx(diagonal)
    summary = json.loads((out / SUMMARY_FILE).read_text())
    dice = next(s for s in summary["structures"] if s["metric"] == "dice")
    assert (dice["n"], dice["mean"], dice["sd"]) == (2, 0.5, pytest.approx(math.sqrt(0.5)))
    assert dice["rules"] == {"measured": 1, "prediction_empty": 1}
    assert summary["missing_predictions"] == ["b"]


def test_other_grid_is_an_error_row_and_the_rest_goes_on(folders):
    predictions, truth, out = folders
    for case in "abc":
        save(truth / f"{case}.nii.gz", heart())
    save(predictions / "a_pred.nii.gz", heart()[:, :, :5])
    shifted = AFFINE.copy()
    shifted[0, 3] = 3.0
    save(predictions / "b_pred.nii.gz", heart(), shifted)
    save(predictions / "c_pred.nii.gz", heart())
    result = evaluate(predictions, truth, out)
    assert set(result.errors) == {"a", "b"}
    for case in "ab":
        assert f"{case}_pred.nii.gz" in result.errors[case]
        assert f"truth/{case}.nii.gz" in result.errors[case]
    assert "3 mm off" in result.errors["b"]
    assert values(result, "c", 500)["dice"] == 1.0
    with (out / METRICS_FILE).open() as file:
        bad = [row for row in csv.DictReader(file) if row["metric"] == "error"]
    assert [(row["case"], row["value"]) for row in bad] == [("a", ""), ("b", "")]


def test_same_grid_in_another_axis_order_is_fine(folders):
    predictions, truth, _ = folders
    save(truth / "a.nii.gz", heart())
    image = nib.load(truth / "a.nii.gz")
    turned = image.as_reoriented(np.array([[2, 1], [0, -1], [1, 1]]))
    predictions.mkdir()
    nib.save(turned, predictions / "a_pred.nii.gz")
    assert values(evaluate(predictions, truth), "a", 500)["hausdorff_mm"] == 0.0


def test_damaged_files_become_errors(folders):
    predictions, truth, _ = folders
    save(truth / "a.nii.gz", heart())
    save(truth / "b.nii.gz", heart())
    save(predictions / "b_pred.nii.gz", heart())
    (predictions / "a_pred.nii.gz").write_bytes(gzip.compress(b"no image")[:-4])
    result = evaluate(predictions, truth)
    assert set(result.errors) == {"a"}
    assert values(result, "b", 500)["dice"] == 1.0


def test_predicted_but_not_in_the_truth_is_a_finding(folders):
    predictions, truth, _ = folders
    save(truth / "a.nii.gz", heart())
    more = heart()
    more[0, 0, :3] = 77
    save(predictions / "a_pred.nii.gz", more)
    result = evaluate(predictions, truth)
    assert {row.label for row in result.rows} == {500}
    assert len(result.findings) == 1
    assert "label 77" in result.findings[0]
    assert "3 voxels" in result.findings[0]


def manifest(folder, *entries):
    rows = [
        CohortRow(case, case, centre, "", task, "test", distribution, ("LGE",), annotated)
        for case, centre, task, distribution, annotated in entries
    ]
    return write_cohort(folder, rows)


def test_only_what_the_manifest_calls_annotated_is_scored(folders, tmp_path):
    predictions, truth, _ = folders
    both = heart()
    both[0:3, 0:3, 2] = 600
    save(truth / "a.nii.gz", both)
    save(predictions / "a_pred.nii.gz", both)
    save(truth / "b.nii.gz", heart())
    save(predictions / "b_pred.nii.gz", both)
    cohort = manifest(
        tmp_path, ("a", "North", "myops", "ID", (500,)), ("b", "South", "myops", "OOD", (500, 600))
    )
    result = evaluate(predictions, truth, cohort_csv=cohort)
    scored = {(row.case, row.label, row.centre, row.distribution) for row in result.rows}
    assert scored == {("a", 500, "North", "ID"), ("b", 500, "South", "OOD"), ("b", 600, "South", "OOD")}
    assert {row.rule for row in result.rows if row.label == 600} == {"truth_empty"}


def test_case_that_the_manifest_does_not_name_is_a_finding(folders, tmp_path):
    predictions, truth, _ = folders
    save(truth / "a.nii.gz", heart())
    save(predictions / "a.nii.gz", heart())
    result = evaluate(
        predictions, truth, cohort_csv=manifest(tmp_path, ("z", "North", "myops", "ID", (500,)))
    )
    assert values(result, "a", 500)["dice"] == 1.0
    assert "not in cohort.csv" in result.findings[0]


def test_case_of_several_tasks_needs_the_task(folders, tmp_path):
    predictions, truth, _ = folders
    labels = heart(label=205)
    labels[5, 5, 1] = 500
    save(truth / "a.nii.gz", labels)
    save(predictions / "a.nii.gz", labels)
    cohort = manifest(tmp_path, ("a", "", "myops", "ID", (500,)), ("a", "", "whs", "ID", (205,)))
    with pytest.raises(SettingsError, match="myops, whs"):
        evaluate(predictions, truth, cohort_csv=cohort)
    assert {row.label for row in evaluate(predictions, truth, cohort_csv=cohort, task="whs").rows} == {205}


def test_unknown_labels_and_own_names(folders):
    predictions, truth, _ = folders
    save(truth / "a.nii.gz", heart(label=9))
    predictions.mkdir()
    assert {row.structure for row in evaluate(predictions, truth).rows} == {"label 9"}
    assert {row.structure for row in evaluate(predictions, truth, names={9: "thymus"}).rows} == {"thymus"}


def test_processes_give_the_same_rows_in_the_same_order(folders):
    predictions, truth, _ = folders
    for index in range(5):
        save(truth / f"case {index}.nii.gz", heart())
        save(predictions / f"case {index}_pred.nii.gz", np.roll(heart(), index, 0))
    told = []
    alone = evaluate(predictions, truth, progress=lambda done, total, case: told.append((done, total, case)))
    together = evaluate(predictions, truth, workers=2)
    assert alone == together
    assert told == [(index + 1, 5, f"case {index}") for index in range(5)]


def test_nothing_to_walk_over(tmp_path):
    with pytest.raises(ImageError, match="no folder of predictions"):
        evaluate(tmp_path / "nowhere", tmp_path)
    with pytest.raises(ImageError, match="no truth"):
        evaluate(tmp_path, tmp_path)


def test_terminal_shows_the_worst_first(folders):
    predictions, truth, _ = folders
    for index in range(4):
        save(truth / f"[b]{index}.nii.gz", heart())
        save(predictions / f"[b]{index}_pred.nii.gz", np.roll(heart(), 3 - index, 0))
    console = Console(record=True, width=120, force_terminal=False)
    print_worst(evaluate(predictions, truth), console, count=2)
    text = console.export_text()
    assert text.index("[b]0") < text.index("[b]1")
    assert "[b]2" not in text
    assert "left ventricle blood cavity" in text


def test_predictions_of_no_truth_are_listed(folders):
    predictions, truth, _ = folders
    save(truth / "a.nii.gz", heart())
    for name in ("a_pred.nii.gz", "a.nii.gz", "b_pred.nii.gz", "a_prob_500.nii.gz"):
        save(predictions / name, heart())
    (predictions / "run.json").write_text("{}")
    findings = evaluate(predictions, truth).findings
    assert [text.split(":")[0] for text in findings] == ["a.nii.gz", "b_pred.nii.gz"]


def test_the_summary_says_how_it_was_measured_and_what_was_found(folders, tmp_path):
    predictions, truth, out = folders
    scarred = heart()
    scarred[6:8, 6:8, 2:4] = 2221
    for case, predicted in (("a", scarred), ("b", heart()), ("c", scarred)):
        save(truth / f"{case}.nii.gz", heart() if case == "c" else scarred)
        save(predictions / f"{case}_pred.nii.gz", predicted)
    entries = [(case, "North", "myops", "OOD" if case == "c" else "ID", (500, 2221)) for case in "abc"]
    evaluate(predictions, truth, out, manifest(tmp_path, *entries))
    summary = json.loads((out / SUMMARY_FILE).read_text())
    assert (summary["definition"], summary["settings"]["tolerance_mm"]) == ("v1", 2.0)
    assert summary["settings"]["compat"] is None
    means = {
        (name, one["structure"]): one["mean"]
        for name, found in summary["distributions"].items()
        for one in found
        if one["metric"] == "dice"
    }
    assert (means["ID", "myocardial scar"], means["OOD", "myocardial scar"]) == (0.5, 0.0)
    absence = summary["absence"]["myocardial scar"]
    assert [absence[name] for name in ("correct_absence", "false_alarm", "missed", "found")] == [0, 1, 1, 1]
    assert absence["sensitivity"]["n"] == 1
    smallest = summary["lesions_by_size"]["myocardial scar"][0]
    assert (smallest["size"], smallest["found"], smallest["lesions"]) == ("< 0.1 ml", 1, 2)


def test_figures_that_json_cannot_hold_are_null(folders, tmp_path):
    predictions, truth, out = folders
    save(truth / "a.nii.gz", heart())
    save(predictions / "a.nii.gz", heart())
    cohort = manifest(tmp_path, ("a", "", "myops", "ID", (500, 600)))
    settings = EvaluationSettings(("dice",), compat="nnunet")
    result = evaluate(predictions, truth, out, cohort, settings=settings)
    summary = json.loads((out / SUMMARY_FILE).read_text(), parse_constant=pytest.fail)
    assert [(one["mean"], one["n"], one["undefined"]) for one in summary["structures"]] == [
        (1.0, 1, 0),
        (None, 0, 1),
    ]
    assert math.isnan(read_rows(out)[1].value)
    assert math.isnan(result.rows[1].value)


def test_an_unknown_task_is_refused(folders):
    predictions, truth, _ = folders
    save(truth / "a.nii.gz", heart())
    predictions.mkdir()
    with pytest.raises(SettingsError, match="unknown task; found brain; expected one of la, la_scar"):
        evaluate(predictions, truth, task="brain")


def test_the_terminal_shows_what_was_measured_and_where_a_name_means_two_labels(folders):
    predictions, truth, _ = folders
    for case, label in (("a", 200), ("b", 205)):
        save(truth / f"{case}.nii.gz", heart(label))
        save(predictions / f"{case}_pred.nii.gz", heart(label))
    console = Console(record=True, width=120, force_terminal=False)
    settings = EvaluationSettings(("volume_error_ml", "assd_mm"))
    print_worst(evaluate(predictions, truth, settings=settings), console)
    text = console.export_text()
    assert "Volume error ml" in text
    assert "ASSD mm" in text
    assert "left ventricular myocardium (200)" in text
    assert "left ventricular myocardium (205)" in text
