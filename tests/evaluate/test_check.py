"""Everything that is wrong with a folder of predictions, in one go."""

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import ImageError
from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.check import check_predictions
from unicare.evaluate.findings import Kind

AFFINE = np.diag([-1.0, -1.0, 8.0, 1.0])
SHAPE = (20, 18, 6)


def whole_heart():
    labels = np.zeros(SHAPE, dtype=np.int16)
    for index, label in enumerate((205, 420, 500, 550, 600)):
        labels[2 + 3 * index : 5 + 3 * index, 4:12, 1:5] = label
    return labels


def save(path, labels, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(labels, affine), path)


def relabelled(pairs):
    labels = whole_heart()
    for old, new in pairs.items():
        labels[whole_heart() == old] = new
    return labels


@pytest.fixture
def folders(tmp_path):
    """A prediction for everything that can be wrong, and one that is right."""
    predictions, truth = tmp_path / "predictions", tmp_path / "truth"
    shifted = AFFINE.copy()
    shifted[0, 3] = 3.0
    consecutive = {205: 1, 420: 2, 500: 3, 550: 4, 600: 5}
    made = {
        "fine": (whole_heart(), AFFINE),
        "shape": (whole_heart()[:, :, :5], AFFINE),
        "affine": (whole_heart(), shifted),
        "other": (relabelled({205: 200}), AFFINE),
        "compact": (relabelled(consecutive), AFFINE),
        "unknown": (relabelled({600: 601}), AFFINE),
        "floats": (whole_heart().astype(np.float32) * 0.9999, AFFINE),
    }
    for case, (labels, affine) in made.items():
        save(predictions / f"{case}_pred.nii.gz", labels, affine)
        save(truth / f"{case}.nii.gz", whole_heart())
        save(tmp_path / "images" / f"{case}_LGE.nii.gz", np.ones(SHAPE, dtype=np.float32))
        save(tmp_path / "images" / f"{case}_C0.nii.gz", np.ones((9, 9, 9), dtype=np.float32))
    for case in ("broken", "missing"):
        save(truth / f"{case}.nii.gz", whole_heart())
        save(tmp_path / "images" / f"{case}_LGE.nii.gz", np.ones(SHAPE, dtype=np.float32))
    (predictions / "broken_pred.nii.gz").write_bytes(b"no image")
    save(predictions / "nobody_pred.nii.gz", whole_heart())
    save(predictions / "fine_prob_205.nii.gz", np.zeros(SHAPE, dtype=np.float32))
    return predictions, truth


EXPECTED = {
    "shape": Kind.SHAPE,
    "affine": Kind.AFFINE,
    "other": Kind.OTHER_LABEL,
    "compact": Kind.OTHER_LABEL,
    "unknown": Kind.UNKNOWN_LABEL,
    "floats": Kind.FLOAT_LABELS,
    "broken": Kind.UNREADABLE,
    "missing": Kind.MISSING,
    "": Kind.EXTRA,
}


@pytest.mark.parametrize("workers", [1, 2])
def test_every_fault_is_told_once_and_nothing_else(folders, workers):
    result = check_predictions(*folders, task="whs", workers=workers)
    assert {one.case: one.kind for one in result.problems} == EXPECTED
    assert len(result.problems) == len(EXPECTED)
    assert (result.ok, result.cases) == (False, 9)
    words = {one.case: one.text for one in result.problems}
    assert "found (20, 18, 5) voxels; expected (20, 18, 6) voxels" in words["shape"]
    assert "3 mm off" in words["affine"]
    assert "write 205" in words["other"]
    assert "604.94" in words["floats"] or "204.97" in words["floats"]
    assert "nobody_pred.nii.gz" in words[""]
    assert "expected 205 (left ventricular myocardium), 420 (" in words["unknown"]


def test_what_stops_a_submission_is_not_called_harmless(folders, tmp_path):
    """The words are those of the check alone: it scores nothing, so nothing is left out or counts."""
    named = {7: "spleen", **{label: f"part {label}" for label in range(500, 520)}}
    checks = (
        check_predictions(*folders, task="whs"),
        check_predictions(folders[0], tmp_path, names={1: "spleen"}, task="custom", geometry_only=True),
        check_predictions(*folders, names=named, task="custom"),
    )
    for result in checks:
        for one in result.problems:
            assert "left out" not in one.text, one
            assert "count" not in one.text, one
    words = {one.text for one in checks[1].problems if one.kind is Kind.UNKNOWN_LABEL}
    assert all(text.endswith("; expected 1 (spleen); set other voxels to 0") for text in words), words
    many = {one.text for one in checks[2].problems if one.kind is Kind.UNKNOWN_LABEL}
    assert all("expected 7 (spleen), 500 (part 500), " in text for text in many), many
    assert all(" and 13 more; set" in text for text in many), many


def test_the_same_faults_are_found_without_a_task_but_for_what_only_it_tells(folders):
    result = check_predictions(*folders)
    assert {one.case: one.kind for one in result.problems} == EXPECTED


def test_images_are_enough_for_an_organiser(folders, tmp_path):
    predictions, _ = folders
    for place in (tmp_path / "images", tmp_path):
        result = check_predictions(predictions, place, task="whs", geometry_only=True)
        assert {one.case: one.kind for one in result.problems} == EXPECTED
    anonymous = check_predictions(predictions, tmp_path, geometry_only=True)
    kinds = {one.case: one.kind for one in anonymous.problems}
    assert kinds == {k: v for k, v in EXPECTED.items() if k != "other"} | {"compact": Kind.UNKNOWN_LABEL}


def test_the_manifest_says_what_labels_there_may_be(folders, tmp_path):
    predictions, _ = folders
    rows = [
        CohortRow(case, "", "", "", "myops", "test", "ID", ("LGE",), (200, 500, 600))
        for case in ("fine", "other", "shape")
    ]
    cohort = write_cohort(tmp_path, rows)
    result = check_predictions(predictions, tmp_path, cohort, geometry_only=True)
    words = {one.case: one.text for one in result.problems if one.kind is Kind.OTHER_LABEL}
    assert "205" in words["fine"]
    assert "write 200" in words["fine"]
    assert "other" not in words


def test_a_good_folder_is_fine(tmp_path):
    for case in "ab":
        save(tmp_path / "truth" / f"{case}.nii.gz", whole_heart())
        save(tmp_path / "predictions" / f"{case}.nii.gz", np.zeros(SHAPE, dtype=np.uint8))
    result = check_predictions(tmp_path / "predictions", tmp_path / "truth")
    assert result.ok
    assert result.as_dict() == {"ok": True, "cases": 2, "problems": []}


def test_places_that_are_not_there(tmp_path):
    with pytest.raises(ImageError, match="no folder of predictions"):
        check_predictions(tmp_path / "nowhere", tmp_path)
    with pytest.raises(ImageError, match="can't be read"):
        check_predictions(tmp_path, tmp_path / "nowhere", geometry_only=True)
    with pytest.raises(ImageError, match="no images"):
        check_predictions(tmp_path, tmp_path, geometry_only=True)


@pytest.mark.parametrize("end", ["", "_label", "_gd", "_seg"])
def test_a_folder_of_truths_has_the_same_cases_whether_voxels_are_looked_at_or_not(tmp_path, end):
    for case in ("Case1001", "Case_T2"):
        save(tmp_path / "truth" / f"{case}{end}.nii.gz", whole_heart())
        save(tmp_path / "predictions" / f"{case}_pred.nii.gz", whole_heart())
    for geometry_only in (False, True):
        result = check_predictions(
            tmp_path / "predictions", tmp_path / "truth", task="whs", geometry_only=geometry_only
        )
        assert (result.problems, result.cases) == ((), 2)
