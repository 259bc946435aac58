import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import GeometryError
from unicare.metrics.overlap import (
    Overlap,
    dice,
    generalised_dice,
    iou,
    precision,
    recall,
    truth_volume_ml,
    volume_error_ml,
    volume_ml,
)
from unicare.metrics.rules import Figure, Rule


def cube(shape, start, stop):
    mask = np.zeros(shape, dtype=bool)
    mask[tuple(slice(a, b) for a, b in zip(start, stop, strict=True))] = True
    return mask


def test_cube_shifted_by_one_of_its_four_voxels():
    truth = cube((10, 10, 10), (2, 2, 2), (6, 6, 6))
    prediction = cube((10, 10, 10), (3, 2, 2), (7, 6, 6))
    assert dice(truth, prediction) == Figure(0.75, Rule.MEASURED)


def test_half_of_it():
    truth = cube((4, 4, 4), (0, 0, 0), (4, 4, 4))
    prediction = cube((4, 4, 4), (0, 0, 0), (4, 4, 2))
    assert dice(truth, prediction).value == pytest.approx(2 / 3)


def test_apart_is_zero_but_measured():
    truth = cube((8, 8, 8), (0, 0, 0), (2, 2, 2))
    prediction = cube((8, 8, 8), (5, 5, 5), (7, 7, 7))
    assert dice(truth, prediction) == Figure(0.0, Rule.MEASURED)


def test_empty_masks():
    nothing, something = np.zeros((3, 3, 3)), np.ones((3, 3, 3))
    assert dice(nothing, nothing) == Figure(1.0, Rule.BOTH_EMPTY)
    assert dice(something, nothing) == Figure(0.0, Rule.PREDICTION_EMPTY)
    assert dice(nothing, something) == Figure(0.0, Rule.TRUTH_EMPTY)


def test_any_number_but_zero_is_inside():
    truth = np.array([0, 420, 500, 0])
    prediction = np.array([0, 1, 1, 0], dtype=np.uint8)
    assert dice(truth, prediction).value == 1.0


def test_other_grid_is_refused():
    with pytest.raises(GeometryError, match=r"\(3, 3, 4\).*\(3, 3, 3\)"):
        dice(np.ones((3, 3, 3)), np.ones((3, 3, 4)))


def test_figures_are_plain_numbers():
    assert type(dice(np.array([1, 1]), np.array([1, 0])).value) is float


def test_shares_of_a_cube_shifted_by_one_of_its_four_voxels():
    truth = cube((10, 10, 10), (2, 2, 2), (6, 6, 6))
    prediction = cube((10, 10, 10), (3, 2, 2), (7, 6, 4))
    # 4 × 4 × 4 voxels against 4 × 4 × 2, 3 × 4 × 2 of them in both.
    assert precision(truth, prediction) == Figure(0.75, Rule.MEASURED)
    assert recall(truth, prediction) == Figure(0.375, Rule.MEASURED)
    assert iou(truth, prediction) == Figure(pytest.approx(1 / 3), Rule.MEASURED)


@pytest.mark.parametrize("share", [iou, precision, recall])
def test_shares_of_empty_masks(share):
    nothing, something = np.zeros((3, 3, 3)), np.ones((3, 3, 3))
    assert share(nothing, nothing) == Figure(1.0, Rule.BOTH_EMPTY)
    assert share(something, nothing) == Figure(0.0, Rule.PREDICTION_EMPTY)
    assert share(nothing, something) == Figure(0.0, Rule.TRUTH_EMPTY)


def test_volumes_are_signed_and_in_millilitres():
    truth = cube((20, 20, 20), (0, 0, 0), (10, 10, 10))
    prediction = cube((20, 20, 20), (0, 0, 0), (10, 10, 4))
    spacing_mm = (0.5, 0.5, 8.0)
    assert truth_volume_ml(truth, prediction, spacing_mm) == Figure(pytest.approx(2.0), Rule.MEASURED)
    assert volume_ml(truth, prediction, spacing_mm) == Figure(pytest.approx(0.8), Rule.MEASURED)
    assert volume_error_ml(truth, prediction, spacing_mm) == Figure(pytest.approx(-1.2), Rule.MEASURED)
    assert volume_error_ml(prediction, truth, spacing_mm).value == pytest.approx(1.2)


def test_volumes_of_empty_masks():
    nothing, something = np.zeros((10, 10, 10)), np.ones((10, 10, 10))
    assert volume_error_ml(nothing, nothing, (1, 1, 1)) == Figure(0.0, Rule.BOTH_EMPTY)
    assert volume_error_ml(something, nothing, (1, 1, 1)) == Figure(-1.0, Rule.PREDICTION_EMPTY)
    assert truth_volume_ml(nothing, something, (1, 1, 1)) == Figure(0.0, Rule.TRUTH_EMPTY)
    assert volume_ml(nothing, something, (1, 1, 1)) == Figure(1.0, Rule.TRUTH_EMPTY)


def test_impossible_spacing_has_no_volume():
    with pytest.raises(GeometryError, match="spacing"):
        volume_ml(np.ones((3, 3, 3)), np.ones((3, 3, 3)), (1.0, -1.0, 1.0))


def test_generalised_dice_of_one_structure_is_its_dice():
    found = Overlap(truth_voxels=100, prediction_voxels=60, common_voxels=50)
    assert generalised_dice([found]).value == pytest.approx(found.dice().value)


def test_generalised_dice_gives_a_small_structure_its_say():
    large_right = Overlap(100_000, 100_000, 100_000)
    small_missed = Overlap(10, 0, 0)
    # The small one weighs 1/100, the large one 1/10¹⁰: 2·10⁻⁵ of 2·10⁻⁵ + 0.1.
    assert generalised_dice([large_right, small_missed]).value == pytest.approx(2e-5 / (2e-5 + 0.1))
    assert generalised_dice([large_right, Overlap(10, 10, 10)]).value == pytest.approx(1.0)


def test_generalised_dice_where_the_truth_lacks_a_structure():
    right, absent = Overlap(10, 10, 10), Overlap(0, 0, 0)
    assert generalised_dice([right, absent]) == Figure(1.0, Rule.MEASURED)
    # Invented voxels weigh as much as those of the smallest structure that is there.
    assert generalised_dice([right, Overlap(1000, 1000, 1000), Overlap(0, 20, 0)]).value == pytest.approx(
        (20 / 100 + 2000 / 10**6) / (20 / 100 + 2000 / 10**6 + 20 / 100)
    )


def test_generalised_dice_of_nothing():
    absent, missed, invented = Overlap(0, 0, 0), Overlap(5, 0, 0), Overlap(0, 5, 0)
    assert generalised_dice([]) == Figure(1.0, Rule.BOTH_EMPTY)
    assert generalised_dice([absent, absent]) == Figure(1.0, Rule.BOTH_EMPTY)
    assert generalised_dice([missed, absent]) == Figure(0.0, Rule.PREDICTION_EMPTY)
    assert generalised_dice([invented, absent]) == Figure(0.0, Rule.TRUTH_EMPTY)
    assert generalised_dice([missed, invented]) == Figure(0.0, Rule.MEASURED)


counts = st.tuples(st.integers(0, 500), st.integers(0, 500), st.integers(0, 500)).map(
    lambda c: Overlap(c[0] + c[2], c[1] + c[2], c[2])
)


@settings(deadline=None)
@given(found=counts)
def test_relations_between_the_shares(found):
    dice_value, iou_value = found.dice().value, found.iou().value
    assert 0.0 <= iou_value <= dice_value <= 1.0
    assert iou_value == pytest.approx(dice_value / (2 - dice_value))
    assert iou_value <= min(found.precision().value, found.recall().value)
    assert max(found.precision().value, found.recall().value) >= dice_value - 1e-12


@settings(deadline=None)
@given(structures=st.lists(counts, min_size=1, max_size=5))
def test_generalised_dice_lies_between_the_structures(structures):
    alone = [found.dice().value for found in structures if found.rule is not Rule.BOTH_EMPTY] or [1.0]
    assert min(alone) - 1e-12 <= generalised_dice(structures).value <= max(alone) + 1e-12
