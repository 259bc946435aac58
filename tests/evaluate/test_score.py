"""One case: what is measured of which structure, by which definition, and what is said about it."""

import math

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import UnicareError
from unicare.evaluate.findings import Kind
from unicare.evaluate.rows import ERROR, WHOLE_CASE
from unicare.evaluate.score import CaseTask, score_case
from unicare.evaluate.settings import EvaluationSettings
from unicare.metrics.catalogue import DEFAULT_METRICS
from unicare.metrics.compat import DEFINITIONS

SHAPE = (24, 20, 8)
AFFINE = np.diag([-1.0, -1.0, 5.0, 1.0])
VOXEL_ML = 0.005
MYOCARDIUM, CAVITY, SCAR = 200, 500, 2221


def heart():
    """A ring of myocardium around the cavity, with two scars of 8 voxels each in it."""
    labels = np.zeros(SHAPE, dtype=np.int16)
    labels[4:20, 4:16, 1:7] = MYOCARDIUM
    labels[8:16, 7:13, 1:7] = CAVITY
    labels[4:6, 4:6, 2:4] = SCAR
    labels[18:20, 14:16, 2:4] = SCAR
    return labels


def save(path, data, affine=AFFINE):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(data, affine), path)
    return path


@pytest.fixture
def score(tmp_path):
    """Scores a prediction of the heart: ``score(labels, affine=…, settings=…, …)``."""

    def scored(labels, truth=None, affine=AFFINE, settings=None, **more):
        path = save(tmp_path / "truth" / "a.nii.gz", heart() if truth is None else truth)
        predicted = None if labels is None else save(tmp_path / "predictions" / "a.nii.gz", labels, affine)
        return score_case(CaseTask("a", path, predicted, **more), settings)

    return scored


def table(result):
    return {(row.label, row.metric): row.value for row in result.rows}


def test_every_default_metric_of_every_structure_and_lesions_of_lesions(score):
    one_scar = heart()
    one_scar[18:20, 14:16, 2:4] = MYOCARDIUM
    result = score(one_scar)
    found = table(result)
    lesions = {"lesion_recall", "lesion_precision", "lesion_f1"}
    for label in (MYOCARDIUM, CAVITY, SCAR):
        measured = {metric for one, metric in found if one == label}
        assert measured == set(DEFAULT_METRICS) | (lesions if label == SCAR else set())
    assert (found[SCAR, "lesion_recall"], found[SCAR, "lesion_precision"]) == (0.5, 1.0)
    assert found[SCAR, "dice"] == pytest.approx(2 * 8 / 24)
    assert found[SCAR, "volume_error_ml"] == pytest.approx(-8 * VOXEL_ML)
    assert found[CAVITY, "nsd"] == found[CAVITY, "iou"] == 1.0
    (sizes,) = result.detection.values()
    assert [(rate.count, rate.of) for rate in sizes.rates] == [(1, 2), (0, 0), (0, 0), (0, 0)]
    assert result.findings == ()


def test_the_tolerance_is_that_of_nsd(score):
    moved = np.roll(heart(), 2, 0)
    near, far = (
        table(score(moved, settings=EvaluationSettings(("nsd",), tolerance_mm=mm)))[CAVITY, "nsd"]
        for mm in (1.9, 2.0)
    )
    assert near < far == 1.0


def test_all_structures_together_are_a_row_of_the_case(score):
    result = score(heart(), settings=EvaluationSettings(("generalised_dice",)))
    (row,) = result.rows
    assert (row.label, row.structure, row.value, row.rule) == (None, WHOLE_CASE, 1.0, "measured")


@pytest.mark.parametrize("name", DEFINITIONS)
def test_another_librarys_definition_is_asked_for_each_structure(score, name):
    moved = np.roll(heart(), 1, 0)
    settings = EvaluationSettings(compat=name, tolerance_mm=1.0)
    found = table(score(moved, settings=settings))
    expected = DEFINITIONS[name].measure(heart() == CAVITY, moved == CAVITY, (1, 1, 5), tolerance_mm=1.0)
    assert {metric for _, metric in found} == set(DEFINITIONS[name].metrics)
    for metric in DEFINITIONS[name].metrics:
        assert found[CAVITY, metric] == pytest.approx(expected[metric].value, abs=1e-9)


def test_a_missing_prediction_is_empty_by_every_figure(score):
    found = score(None)
    assert {row.rule for row in found.rows} == {"prediction_empty"}
    assert table(found)[SCAR, "lesion_f1"] == 0.0


def test_annotated_but_empty_is_scored_and_not_annotated_is_left_out(score):
    result = score(heart(), annotated=frozenset({CAVITY, 600}), task="myops")
    assert {row.label for row in result.rows} == {CAVITY, 600}
    assert {row.rule for row in result.rows if row.label == 600} == {"both_empty"}
    assert [(one.kind, one.voxels) for one in result.findings if one.kind is Kind.TRUTH] == [
        (Kind.TRUTH, int((heart() == label).sum())) for label in (MYOCARDIUM, SCAR)
    ]


def test_a_truth_with_a_label_that_its_task_does_not_have(score):
    strange = heart()
    strange[0, 0, :3] = 421
    (finding,) = score(strange, truth=strange, task="myops").findings
    assert "label 421, which isn't in the table of myops" in finding.text
    assert finding.voxels == 3


def test_other_ids_are_scored_as_they_stand_and_told(score):
    mixed = heart()
    mixed[mixed == MYOCARDIUM] = 205
    result = score(mixed, task="myops")
    assert table(result)[MYOCARDIUM, "dice"] == 0.0
    (finding,) = result.findings
    assert "write 200" in finding.text


def test_labels_that_are_no_whole_numbers_are_an_error(score):
    result = score(heart().astype(np.float32) * 0.99)
    (row,) = result.rows
    assert (row.metric, row.value) == (ERROR, None)
    assert "aren't whole numbers" in result.error
    assert "a.nii.gz" in result.error


def test_another_grid_is_an_error_unless_it_is_resampled(score):
    cut = heart()[:, :, 1:]
    affine = AFFINE.copy()
    affine[2, 3] = 5.0
    refused = score(cut, affine=affine)
    assert "--resample" in refused.error
    mended = score(cut, affine=affine, settings=EvaluationSettings(resample=True))
    assert table(mended)[CAVITY, "dice"] == 1.0
    assert [one.kind for one in mended.findings] == [Kind.RESAMPLED]
    affine[0, 3] = 500.0
    (finding,) = score(cut, affine=affine, settings=EvaluationSettings(resample=True)).findings
    assert "nothing of the prediction lies inside" in finding.text


@pytest.fixture
def certain(tmp_path):
    """A map of probabilities of the cavity, 0.8 inside and 0 outside, and settings that point to it."""
    said = np.where(heart() == CAVITY, 0.8, 0.0).astype(np.float32)
    save(tmp_path / "soft" / f"a_prob_{CAVITY}.nii.gz", said)
    return EvaluationSettings(probabilities=tmp_path / "soft")


def test_probabilities_are_scored_where_there_are_some(score, certain):
    result = score(heart(), settings=certain)
    found = table(result)
    inside_ml = (heart() == CAVITY).sum() * VOXEL_ML
    assert found[CAVITY, "crps_volume_ml"] == pytest.approx(0.2**2 * inside_ml, rel=1e-5)
    assert 0 < found[CAVITY, "brier"] < 0.2**2
    assert found[CAVITY, "expected_calibration_error"] > 0
    assert (MYOCARDIUM, "brier") not in found
    assert {one.text.split(";")[0] for one in result.findings} == {
        f"no map of probabilities for label {label}" for label in (MYOCARDIUM, SCAR)
    }


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda said: said * 100, "values from 0 to 80"),
        (lambda said: said - 0.01, "expected 0 to 1"),
        (lambda said: said[:-1], "not on the grid"),
        (lambda said: said * math.nan, "NaN"),
    ],
)
def test_maps_that_are_no_probabilities_are_told_and_the_rest_is_scored(
    score, certain, tmp_path, spoil, said
):
    path = tmp_path / "soft" / f"a_prob_{CAVITY}.nii.gz"
    save(path, spoil(np.asarray(nib.load(path).dataobj)).astype(np.float32))
    result = score(heart(), settings=certain)
    assert result.error is None
    assert any(said in one.text and path.name in one.text for one in result.findings)
    assert table(result)[CAVITY, "dice"] == 1.0


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (MemoryError(), "too large for this machine's memory"),
        (ZeroDivisionError("oh"), "ZeroDivisionError: oh; please report it"),
        (UnicareError("plainly"), "plainly"),
    ],
)
def test_nothing_that_goes_wrong_with_a_case_gets_out_of_it(score, monkeypatch, raised, said):
    def fail(*_, **__):
        raise raised

    monkeypatch.setattr("unicare.evaluate.score.count_labels", fail)
    result = score(heart())
    assert said in result.error
    assert [row.metric for row in result.rows] == [ERROR]
