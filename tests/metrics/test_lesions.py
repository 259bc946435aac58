import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics.lesions import detection_by_size, match_lesions
from unicare.metrics.rate import Rate
from unicare.metrics.rules import Figure, Rule

SPACING_MM = (1.0, 2.0, 5.0)  # 0.01 ml a voxel
masks = npst.arrays(np.bool_, (6, 5, 7), elements=st.booleans())


def row_of(*runs, length=60):
    """A mask along one line of an image; every run (from, to) is a lesion."""
    mask = np.zeros((3, 3, length), dtype=bool)
    for start, stop in runs:
        mask[1, 1, start:stop] = True
    return mask


def test_found_missed_and_invented():
    truth = row_of((0, 10), (20, 30), (40, 50))
    prediction = row_of((5, 10), (22, 24), (54, 58))
    lesions = match_lesions(truth, prediction, SPACING_MM)
    assert lesions.found == (True, True, False)
    assert lesions.right == (True, True, False)
    assert lesions.truth_ml == pytest.approx((0.1, 0.1, 0.1))
    assert lesions.prediction_ml == pytest.approx((0.05, 0.02, 0.04))
    assert lesions.recall() == Figure(pytest.approx(2 / 3), Rule.MEASURED)
    assert lesions.precision() == Figure(pytest.approx(2 / 3), Rule.MEASURED)
    assert lesions.f1().value == pytest.approx(2 / 3)


def test_one_prediction_over_three_lesions_finds_all_and_is_one_right_lesion():
    truth = row_of((0, 10), (20, 30), (40, 50))
    lesions = match_lesions(truth, row_of((0, 50)), SPACING_MM)
    assert lesions.recall().value == 1.0
    assert lesions.right == (True,)


def test_a_flood_finds_everything_but_is_not_right():
    truth = row_of((0, 1), (20, 21))
    flood = np.ones_like(truth)
    lesions = match_lesions(truth, flood, SPACING_MM)
    assert lesions.recall().value == 1.0
    assert lesions.precision().value == 0.0
    assert lesions.f1().value == 0.0


def test_a_lesion_found_in_pieces_counts_once():
    truth = row_of((0, 30), (40, 50))
    prediction = row_of((0, 2), (4, 6), (8, 10))  # each piece 2 of 30, together 6 of 30
    lesions = match_lesions(truth, prediction, SPACING_MM)
    assert lesions.found == (True, False)
    assert lesions.right == (True, True, True)
    assert lesions.recall().value == 0.5
    assert lesions.f1().value == pytest.approx(2 / 3)


def test_exactly_the_fraction_is_enough_and_less_is_not():
    truth = row_of((0, 30))
    assert match_lesions(truth, row_of((0, 3)), SPACING_MM).found == (True,)
    assert match_lesions(truth, row_of((0, 2)), SPACING_MM).found == (False,)
    assert match_lesions(truth, row_of((0, 14)), SPACING_MM, min_overlap=0.5).found == (False,)
    assert match_lesions(truth, row_of((0, 15)), SPACING_MM, min_overlap=0.5).found == (True,)
    assert match_lesions(truth, row_of((0, 1)), SPACING_MM, min_overlap=0.0).found == (True,)
    assert match_lesions(truth, row_of((31, 33)), SPACING_MM, min_overlap=0.0).found == (False,)


def test_corners_connect():
    truth = np.zeros((4, 4, 4), dtype=bool)
    truth[0, 0, 0] = truth[1, 1, 1] = truth[3, 3, 3] = True
    assert len(match_lesions(truth, truth, SPACING_MM).truth_ml) == 2
    flat = truth[:, :, 0] | truth[:, :, 1]
    assert len(match_lesions(flat, flat, (1.0, 1.0)).truth_ml) == 1


def test_two_single_voxels_in_a_line_of_three():
    line = np.array([1, 0, 1]).reshape(1, 3, 1)
    assert match_lesions(line, line, SPACING_MM).truth_ml == pytest.approx((0.01, 0.01))


def test_empty_masks():
    nothing, something = row_of(), row_of((3, 6))
    for truth, prediction, figure in (
        (nothing, nothing, Figure(1.0, Rule.BOTH_EMPTY)),
        (something, nothing, Figure(0.0, Rule.PREDICTION_EMPTY)),
        (nothing, something, Figure(0.0, Rule.TRUTH_EMPTY)),
    ):
        figures = match_lesions(truth, prediction, SPACING_MM).figures()
        assert set(figures) == {"lesion_recall", "lesion_precision", "lesion_f1"}
        assert set(figures.values()) == {figure}


def test_detection_by_size_adds_up_over_cases():
    truth = row_of((0, 1), (10, 20), (30, 45))  # 0.01, 0.1 and 0.15 ml
    one = match_lesions(truth, row_of((10, 20)), SPACING_MM)
    two = match_lesions(truth, truth, SPACING_MM)
    none = match_lesions(row_of(), row_of(), SPACING_MM)
    both = detection_by_size([one, none, two])
    assert both.rates == (Rate(1, 2), Rate(3, 4), Rate(0, 0), Rate(0, 0))
    assert detection_by_size([one]) + detection_by_size([two]) == both
    assert both.titles() == ("< 0.1 ml", "0.1–1 ml", "1–10 ml", "≥ 10 ml")
    assert detection_by_size([]).rates == (Rate(0, 0),) * 4
    with pytest.raises(SettingsError, match="different sizes"):
        both + detection_by_size([one], edges_ml=[1.0])


def test_impossible_input_is_refused():
    mask = row_of((0, 3))
    with pytest.raises(SettingsError, match=r"1\.5"):
        match_lesions(mask, mask, SPACING_MM, min_overlap=1.5)
    with pytest.raises(GeometryError, match="different grids"):
        match_lesions(mask, mask[1:], SPACING_MM)
    with pytest.raises(GeometryError, match="spacing"):
        match_lesions(mask, mask, (1.0, 1.0))
    with pytest.raises(GeometryError, match="4 axes"):
        match_lesions(mask[None], mask[None], (1.0, 1.0, 1.0, 1.0))
    with pytest.raises(SettingsError, match="rising"):
        detection_by_size([], edges_ml=(1.0, 1.0))


@settings(deadline=None, max_examples=60)
@given(truth=masks, prediction=masks, overlap=st.sampled_from([0.0, 0.1, 0.5, 1.0]))
def test_swapping_the_masks_swaps_recall_and_precision(truth, prediction, overlap):
    there = match_lesions(truth, prediction, SPACING_MM, min_overlap=overlap)
    back = match_lesions(prediction, truth, SPACING_MM, min_overlap=overlap)
    assert there.recall().value == back.precision().value
    assert there.f1().value == pytest.approx(back.f1().value)
    assert sum(there.truth_ml) == pytest.approx(0.01 * np.count_nonzero(truth))


@settings(deadline=None, max_examples=40)
@given(truth=masks.filter(np.any))
def test_the_truth_itself_is_perfect(truth):
    assert match_lesions(truth, truth, SPACING_MM, min_overlap=1.0).f1().value == 1.0
