import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics.probability import (
    brier,
    crps,
    crps_volume_ml,
    expected_calibration_error,
    near_truth,
    reliability,
    volumes_from_probability_ml,
)
from unicare.metrics.rules import Figure, Rule

SPACING_MM = (1.0, 2.0, 5.0)
numbers = st.floats(-50, 50, allow_nan=False, width=32)


def half_and_half(said_inside, said_outside):
    """100 voxels, half of them in the truth."""
    truth = np.zeros((10, 10, 1), dtype=bool)
    truth[:5] = True
    return truth, np.where(truth, said_inside, said_outside)


def test_brier_of_a_certain_and_of_an_undecided_forecast():
    truth, _ = half_and_half(1, 0)
    assert brier(truth, truth.astype(float), SPACING_MM) == Figure(0.0, Rule.MEASURED)
    assert brier(truth, 1.0 - truth, SPACING_MM) == Figure(1.0, Rule.MEASURED)
    assert brier(*half_and_half(0.5, 0.5), SPACING_MM).value == pytest.approx(0.25)
    assert brier(*half_and_half(0.9, 0.2), SPACING_MM).value == pytest.approx((0.01 + 0.04) / 2)


def test_calibrated_forecasts_have_no_calibration_error():
    truth = np.zeros((10, 10, 1), dtype=bool)
    truth[:7, 0] = truth[:2, 1] = True  # 7 of 10 where 0.7 is said, 2 of 10 where 0.2 is
    probability = np.zeros(truth.shape)
    probability[:, 0], probability[:, 1] = 0.7, 0.2
    assert expected_calibration_error(truth, probability, SPACING_MM).value == pytest.approx(0.0, abs=1e-12)


def test_calibration_error_of_an_overconfident_forecast():
    # 0.95 is said of 50 voxels that all are inside, 0.35 of 50 that aren't.
    figure = expected_calibration_error(*half_and_half(0.95, 0.35), SPACING_MM)
    assert figure == Figure(pytest.approx((0.05 + 0.35) / 2), Rule.MEASURED)


def test_a_bin_holds_its_upper_edge_and_the_first_one_0():
    truth, probability = half_and_half(0.5, 0.0)
    probability[0, 0] = 1.0
    table = reliability(truth, probability, SPACING_MM, bins=2)
    assert table.counts.tolist() == [99, 1]
    assert table.true.tolist() == [49, 1]
    assert table.said.tolist() == [pytest.approx(24.5), 1.0]


def test_tables_of_two_cases_add_up():
    one = reliability(*half_and_half(1.0, 0.4), SPACING_MM)
    two = reliability(*half_and_half(0.6, 0.0), SPACING_MM)
    both = one + two
    assert both.counts.sum() == 200
    assert both.expected_calibration_error() == pytest.approx((50 * 0.4 + 50 * 0.4) / 200)
    with pytest.raises(SettingsError, match="10 and 5"):
        one + reliability(*half_and_half(1.0, 0.4), SPACING_MM, bins=5)


def test_only_voxels_within_the_margin_are_asked():
    truth = np.zeros((31, 31, 31), dtype=bool)
    truth[15, 15, 15] = True
    near = near_truth(truth, SPACING_MM, 10.0)
    assert near[25, 15, 15]  # exactly 10 mm
    assert near[15, 10, 15]
    assert near[15, 15, 17]
    assert not near[26, 15, 15]
    assert not near[15, 15, 18]
    assert near[15, 15, 15]
    far = np.zeros(truth.shape)
    far[0, 0, 0] = 1.0
    without = far.copy()
    without[0, 0, 0] = 0.0
    apart = [brier(truth, said, SPACING_MM, margin_mm=10.0).value for said in (far, without)]
    assert apart[0] == apart[1] > 0
    assert brier(truth, far, SPACING_MM, margin_mm=None).value == pytest.approx(2 / truth.size)


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 2**31),
    margin_mm=st.sampled_from([0.0, 1.0, 2.5, 7.0, 100.0]),
    spacing_mm=st.tuples(*[st.sampled_from([0.7, 1.0, 3.3])] * 3),
)
def test_near_means_a_voxel_of_the_truth_is_near(seed, margin_mm, spacing_mm):
    truth = np.random.default_rng(seed).random((6, 5, 7)) > 0.97
    voxels = np.argwhere(np.ones(truth.shape)) * spacing_mm
    goals = np.argwhere(truth) * spacing_mm
    near = near_truth(truth, spacing_mm, margin_mm)
    if not len(goals):
        assert near.all()
        return
    nearest = np.linalg.norm(voxels[:, None] - goals[None], axis=2).min(axis=1).reshape(truth.shape)
    clear = np.abs(nearest - margin_mm) > 1e-5
    np.testing.assert_array_equal(near[clear], (nearest <= margin_mm)[clear])


def test_rules_say_what_is_empty_and_the_figure_is_measured():
    nothing = np.zeros((4, 4, 4))
    something = np.zeros((4, 4, 4))
    something[1] = 1
    for figure in (brier, expected_calibration_error):
        assert figure(nothing, nothing, SPACING_MM) == Figure(0.0, Rule.BOTH_EMPTY)
        assert figure(nothing, 0.4 * something, SPACING_MM).rule is Rule.BOTH_EMPTY
        assert figure(nothing, 0.4 * something, SPACING_MM).value > 0
        assert figure(nothing, something, SPACING_MM) == Figure(pytest.approx(0.25), Rule.TRUTH_EMPTY)
        assert figure(something, nothing, SPACING_MM) == Figure(pytest.approx(0.25), Rule.PREDICTION_EMPTY)


def test_levels_of_a_ramp_give_volumes_evenly_spread():
    probability = ((np.arange(1000) + 0.5) / 1000).reshape(10, 10, 10)
    volumes = volumes_from_probability_ml(probability, SPACING_MM, levels=4)
    # the thresholds 1/8, 3/8, 5/8, 7/8 are reached by 875, 625, 375 and 125 voxels of 0.01 ml
    assert volumes == pytest.approx([8.75, 6.25, 3.75, 1.25])


def test_a_hard_mask_is_the_same_volume_at_every_level():
    mask = np.zeros((4, 4, 4))
    mask[1:3, 1:3, 1:3] = 1
    assert volumes_from_probability_ml(mask, SPACING_MM).tolist() == pytest.approx([0.08] * 100)


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**31))
def test_mean_of_the_volumes_is_the_sum_of_the_probabilities(seed):
    probability = np.random.default_rng(seed).random((5, 6, 7)).astype(np.float32)
    volumes = volumes_from_probability_ml(probability, SPACING_MM, levels=200)
    assert (np.diff(volumes) <= 0).all()
    assert volumes.mean() == pytest.approx(0.01 * probability.sum(), abs=0.01 * probability.size / 400 + 1e-6)


def test_crps_of_one_number_is_its_error():
    assert crps([3.0], 5.0) == 2.0


def test_crps_of_two_numbers():
    # E|X-y| = (1 + 3) / 2, E|X-X'| / 2 = 2 / 4
    assert crps([1.0, 3.0], 0.0) == pytest.approx(2.0 - 0.5)
    assert crps([1.0, 3.0], 2.0) == pytest.approx(0.5)


def test_crps_of_a_normal_distribution():
    # For N(0, 1) at 0 it is 2/sqrt(2 pi) - 1/sqrt(pi) (Gneiting and Raftery 2007).
    from statistics import NormalDist

    quantiles = [NormalDist().inv_cdf((k + 0.5) / 20000) for k in range(20000)]
    assert crps(quantiles, 0.0) == pytest.approx(2 / np.sqrt(2 * np.pi) - 1 / np.sqrt(np.pi), abs=1e-4)


@settings(deadline=None, max_examples=60)
@given(samples=st.lists(numbers, min_size=1, max_size=12), observed=numbers)
def test_crps_is_the_area_between_the_two_step_functions(samples, observed):
    edges = np.sort([*samples, observed])
    below = [(np.mean(np.asarray(samples) <= x) - (observed <= x)) ** 2 for x in edges[:-1]]
    assert crps(samples, observed) == pytest.approx(float(np.dot(below, np.diff(edges))), abs=1e-6)


def test_crps_of_the_volume_in_ml_with_its_rule():
    truth = np.zeros((10, 10, 10))
    truth[:, :, 0] = 1  # 100 voxels, 1 ml
    assert crps_volume_ml(truth, [2.0], SPACING_MM) == Figure(pytest.approx(1.0), Rule.MEASURED)
    assert crps_volume_ml(truth, [0.0, 0.0], SPACING_MM) == Figure(1.0, Rule.PREDICTION_EMPTY)
    assert crps_volume_ml(0 * truth, [0.0, 1.0], SPACING_MM) == Figure(pytest.approx(0.25), Rule.TRUTH_EMPTY)
    assert crps_volume_ml(0 * truth, [0.0], SPACING_MM) == Figure(0.0, Rule.BOTH_EMPTY)


def test_impossible_input_is_refused():
    truth = np.ones((3, 3, 3))
    with pytest.raises(SettingsError, match="sigmoid"):
        brier(truth, 3.0 * truth, SPACING_MM)
    with pytest.raises(SettingsError, match="nan"):
        brier(truth, np.nan * truth, SPACING_MM)
    with pytest.raises(GeometryError, match="different grids"):
        brier(truth, truth[1:], SPACING_MM)
    with pytest.raises(GeometryError, match="spacing"):
        brier(truth, truth, (1.0, 1.0))
    with pytest.raises(SettingsError, match="bins"):
        expected_calibration_error(truth, truth, SPACING_MM, bins=0)
    with pytest.raises(SettingsError, match="margin"):
        brier(truth, truth, SPACING_MM, margin_mm=-1.0)
    with pytest.raises(SettingsError, match="levels"):
        volumes_from_probability_ml(truth, SPACING_MM, levels=0)
    for samples, observed in (([], 1.0), ([np.inf], 1.0), ([1.0], np.nan)):
        with pytest.raises(SettingsError, match="draws"):
            crps(samples, observed)
