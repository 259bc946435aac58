import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics.rules import Figure, Rule, diagonal_mm
from unicare.metrics.surface import assd_mm, border, hausdorff_mm, hd95_mm, nsd, surface_distances

ALL = (hausdorff_mm, hd95_mm, assd_mm)

masks = npst.arrays(np.bool_, (5, 4, 6), elements=st.booleans())
filled = masks.filter(np.any)
spacings = st.tuples(*[st.sampled_from([0.5, 0.73, 1.0, 2.5, 13.0])] * 3)


def ball(shape, centre, radius_mm, spacing_mm):
    grid = np.indices(shape, sparse=True)
    squares = sum(
        ((axis - middle) * step) ** 2 for axis, middle, step in zip(grid, centre, spacing_mm, strict=True)
    )
    return squares <= radius_mm**2


@pytest.mark.parametrize(("axis", "expected_mm"), [(0, 0.7), (1, 1.5), (2, 8.0)])
def test_cube_shifted_by_one_voxel(axis, expected_mm):
    truth = np.zeros((12, 12, 12), dtype=bool)
    truth[3:8, 3:8, 3:8] = True
    figure = hausdorff_mm(truth, np.roll(truth, 1, axis), (0.7, 1.5, 8.0))
    assert figure == Figure(pytest.approx(expected_mm, abs=1e-12), Rule.MEASURED)


def test_missed_end_slice_of_a_thick_stack_counts_its_whole_thickness():
    spacing_mm = (1.4, 1.4, 23.0)
    truth = np.zeros((40, 40, 6), dtype=bool)
    truth[10:30, 10:30, 1:5] = True
    prediction = truth.copy()
    prediction[:, :, 4] = False
    assert hausdorff_mm(truth, prediction, spacing_mm).value == pytest.approx(23.0)


def test_inner_hole_is_measured_to_the_outer_border():
    spacing_mm = (1.0, 1.0, 1.0)
    truth = ball((51, 51, 51), (25, 25, 25), 20.0, spacing_mm)
    prediction = truth.copy()
    prediction[25, 25, 25] = False
    # The hole's border is its six neighbours; the nearest border voxels of the full ball lie past radius 18.
    figure = hausdorff_mm(truth, prediction, spacing_mm)
    assert 18.0 <= figure.value <= 20.0


def test_one_stray_voxel_decides_the_maximum_but_hardly_the_mean():
    spacing_mm = (1.0, 2.0, 4.0)
    truth = np.zeros((30, 30, 30), dtype=bool)
    truth[2:12, 2:12, 2:12] = True
    prediction = truth.copy()
    prediction[11, 11, 21] = True  # ten slices above the cube's corner
    distances = surface_distances(truth, prediction, spacing_mm)
    border_voxels = 10**3 - 8**3
    assert distances.hausdorff_mm().value == pytest.approx(40.0)
    assert distances.hd95_mm().value == 0.0
    assert distances.assd_mm().value == pytest.approx(40.0 / (2 * border_voxels + 1))


def test_single_voxels():
    truth, prediction = np.zeros((9, 9, 9)), np.zeros((9, 9, 9))
    truth[1, 1, 1], prediction[4, 5, 1] = 1, 1
    for figure in ALL:
        assert figure(truth, prediction, (1.0, 1.0, 5.0)).value == pytest.approx(5.0)
        assert figure(truth, truth, (1.0, 1.0, 5.0)).value == 0.0


@pytest.mark.parametrize("figure", ALL)
def test_empty_masks(figure):
    nothing, something = np.zeros((3, 4, 12)), np.zeros((3, 4, 12))
    something[1, 1, 1] = 1
    assert figure(nothing, nothing, (1, 1, 1)) == Figure(0.0, Rule.BOTH_EMPTY)
    assert figure(something, nothing, (1, 1, 1)) == Figure(13.0, Rule.PREDICTION_EMPTY)
    assert figure(nothing, something, (2, 2, 2)) == Figure(26.0, Rule.TRUTH_EMPTY)


def test_whole_volume_has_its_edge_as_border():
    whole = np.ones((7, 7, 7), dtype=bool)
    assert np.count_nonzero(border(whole)) == 7**3 - 5**3
    inner = whole.copy()
    inner[0] = False
    assert hausdorff_mm(whole, inner, (3.0, 1.0, 1.0)).value == pytest.approx(3.0)


def test_mask_at_the_edge_is_measured_like_one_inside():
    spacing_mm = (1.0, 1.0, 2.0)
    truth = np.zeros((10, 10, 10), dtype=bool)
    truth[0:5, 0:5, 0:5] = True
    prediction = np.zeros_like(truth)
    prediction[0:4, 0:5, 0:5] = True
    inside = [np.pad(mask, 2) for mask in (truth, prediction)]
    at_edge = surface_distances(truth, prediction, spacing_mm)
    within = surface_distances(*inside, spacing_mm)
    assert at_edge.hausdorff_mm() == within.hausdorff_mm()
    assert at_edge.assd_mm() == within.assd_mm()


def test_border_of_a_single_slice_is_its_outline():
    mask = np.zeros((12, 12, 1), dtype=bool)
    mask[2:10, 2:10] = True
    assert np.count_nonzero(border(mask)) == 8**2 - 6**2
    holed = mask.copy()
    holed[5, 5] = False
    flat, holed_flat = mask[:, :, 0], holed[:, :, 0]
    expected = hausdorff_mm(flat, holed_flat, (1.0, 1.0))
    assert expected.value == pytest.approx(3.0)  # from the hole to the nearer side of the square
    assert hausdorff_mm(mask, holed, (1.0, 1.0, 5.0)) == expected


def test_a_crop_that_names_its_image_gives_the_figures_of_the_image():
    truth, prediction = np.zeros((20, 20, 1), dtype=bool), np.zeros((20, 20, 1), dtype=bool)
    truth[5:15, 5:15] = True
    spacing_mm = (1.0, 1.0, 4.0)
    crop = (slice(5, 15), slice(5, 15), slice(0, 1))
    cropped = surface_distances(truth[crop], prediction[crop], spacing_mm, image_shape=truth.shape)
    assert cropped.hausdorff_mm() == hausdorff_mm(truth, prediction, spacing_mm)
    assert cropped.hausdorff_mm().value == pytest.approx(diagonal_mm((20, 20, 1), spacing_mm))


def test_nsd_of_a_missed_end_slice():
    spacing_mm = (1.4, 1.4, 23.0)
    truth = np.zeros((40, 40, 6), dtype=bool)
    truth[10:30, 10:30, 1:5] = True
    prediction = truth.copy()
    prediction[:, :, 4] = False
    face, rim = 20 * 20, 20 * 20 - 18 * 18
    # The truth's last slice is a face of its own, the prediction's last one a face where the truth has a rim.
    truth_border, prediction_border = 2 * face + 2 * rim, 2 * face + rim
    figure = nsd(truth, prediction, spacing_mm)
    # Of the last slice nothing is within 2 mm, of the face before it the rim and the row beside the rim are.
    within = (truth_border - face) + (prediction_border - face + face - 16 * 16)
    assert figure == Figure(pytest.approx(within / (truth_border + prediction_border)), Rule.MEASURED)
    assert nsd(truth, prediction, spacing_mm, tolerance_mm=23.0).value == 1.0


def test_nsd_of_one_stray_voxel():
    truth = np.zeros((20, 20, 20), dtype=bool)
    truth[2:12, 2:12, 2:12] = True
    prediction = truth.copy()
    prediction[11, 11, 15] = True
    border_voxels = 10**3 - 8**3
    expected = 2 * border_voxels / (2 * border_voxels + 1)
    assert nsd(truth, prediction, (1, 1, 1)).value == pytest.approx(expected)
    assert nsd(truth, prediction, (1, 1, 1), tolerance_mm=4.0).value == 1.0


def test_nsd_tolerance_counts_itself_in_spite_of_rounding():
    truth, prediction = np.zeros((2, 30, 3, 3), dtype=bool)
    truth[2, 1, 1], prediction[7, 1, 1] = True, True
    five_steps_of = float(np.float32(0.4))  # as a header holds it: a little more than 0.4
    assert five_steps_of * 5 > 2.0
    assert nsd(truth, prediction, (five_steps_of, 1, 1), tolerance_mm=2.0).value == 1.0
    assert nsd(truth, prediction, (0.4001, 1, 1), tolerance_mm=2.0).value == 0.0
    assert nsd(truth, truth, (1, 1, 1), tolerance_mm=0.0).value == 1.0


def test_nsd_of_empty_masks():
    nothing, something = np.zeros((3, 4, 12)), np.zeros((3, 4, 12))
    something[1, 1, 1] = 1
    assert nsd(nothing, nothing, (1, 1, 1)) == Figure(1.0, Rule.BOTH_EMPTY)
    assert nsd(something, nothing, (1, 1, 1)) == Figure(0.0, Rule.PREDICTION_EMPTY)
    assert nsd(nothing, something, (1, 1, 1)) == Figure(0.0, Rule.TRUTH_EMPTY)


@pytest.mark.parametrize("tolerance_mm", [-0.1, float("nan"), float("inf")])
def test_nsd_refuses_tolerances_that_are_no_length(tolerance_mm):
    with pytest.raises(SettingsError, match="tolerance"):
        nsd(np.ones((3, 3, 3)), np.ones((3, 3, 3)), (1, 1, 1), tolerance_mm)


def test_inner_hole_costs_the_way_to_the_outer_border():
    truth = np.zeros((51, 51, 51), dtype=bool)
    truth[2:49, 2:49, 2:49] = True
    prediction = truth.copy()
    prediction[22:29, 22:29, 22:29] = False
    # 19 voxels from the hole's border to the cube's; from mask to mask it would be 4 voxels, 4.4 mm.
    assert hausdorff_mm(truth, prediction, (1.1, 1.1, 1.1)).value == pytest.approx(20.9)
    assert hd95_mm(truth, prediction, (1.1, 1.1, 1.1)).value == 0.0


def test_impossible_input_is_refused():
    mask = np.ones((3, 3, 3))
    with pytest.raises(GeometryError, match="spacing"):
        hausdorff_mm(mask, mask, (1.0, 0.0, 1.0))
    with pytest.raises(GeometryError, match="3 positive numbers"):
        hausdorff_mm(mask, mask, (1.0, 1.0))
    with pytest.raises(GeometryError, match="different grids"):
        hausdorff_mm(mask, np.ones((3, 3, 4)), (1.0, 1.0, 1.0))


@settings(deadline=None, max_examples=60)
@given(truth=masks, prediction=masks, spacing_mm=spacings)
def test_both_ways_are_the_same_and_none_beats_nothing(truth, prediction, spacing_mm):
    for figure in ALL:
        there, back = figure(truth, prediction, spacing_mm), figure(prediction, truth, spacing_mm)
        assert there.value == pytest.approx(back.value, abs=1e-9)
        assert 0.0 <= there.value <= diagonal_mm(truth.shape, spacing_mm)


@settings(deadline=None, max_examples=60)
@given(truth=filled, prediction=filled, spacing_mm=spacings)
def test_order_of_the_figures(truth, prediction, spacing_mm):
    distances = surface_distances(truth, prediction, spacing_mm)
    hausdorff = distances.hausdorff_mm().value
    assert distances.hd95_mm().value <= hausdorff + 1e-9
    assert distances.assd_mm().value <= hausdorff + 1e-9
    assert (hausdorff == 0.0) == np.array_equal(border(truth), border(prediction))


@settings(deadline=None, max_examples=60)
@given(a=filled, b=filled, c=filled, spacing_mm=spacings)
def test_the_way_over_a_third_is_never_shorter(a, b, c, spacing_mm):
    direct = hausdorff_mm(a, c, spacing_mm).value
    assert direct <= hausdorff_mm(a, b, spacing_mm).value + hausdorff_mm(b, c, spacing_mm).value + 1e-9


@settings(deadline=None, max_examples=40)
@given(truth=filled, prediction=filled, spacing_mm=spacings, order=st.permutations([0, 1, 2]))
def test_axis_order_and_flips_change_nothing(truth, prediction, spacing_mm, order):
    turned = [np.flip(mask.transpose(order), axis=0) for mask in (truth, prediction)]
    turned_spacing = [spacing_mm[axis] for axis in order]
    expected = hausdorff_mm(truth, prediction, spacing_mm).value
    assert hausdorff_mm(*turned, turned_spacing).value == pytest.approx(expected, abs=1e-9)
