from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unicare.core.errors import SettingsError
from unicare.evaluate.robustness.curves import (
    Condition,
    area_under_curve,
    bootstrap_means,
    estimate_curve,
    estimate_mean,
    expectation_under_bernoulli,
    subset_name,
    subsets_of,
)

THREE = {
    frozenset(): 0.0,
    frozenset({"LGE"}): 0.6,
    frozenset({"T2"}): 0.3,
    frozenset({"bSSFP"}): 0.5,
    frozenset({"LGE", "T2"}): 0.7,
    frozenset({"LGE", "bSSFP"}): 0.75,
    frozenset({"T2", "bSSFP"}): 0.55,
    frozenset({"LGE", "T2", "bSSFP"}): 0.8,
}


def test_expectation_of_three_sequences_by_hand():
    # rate 1/2: all eight combinations are equally likely
    assert expectation_under_bernoulli(THREE, 0.5) == pytest.approx(4.2 / 8)
    # rate 0.1: 0.729 all, 0.081 each pair, 0.009 each alone, 0.001 none
    by_hand = 0.729 * 0.8 + 0.081 * (0.7 + 0.75 + 0.55) + 0.009 * (0.6 + 0.3 + 0.5)
    assert expectation_under_bernoulli(THREE, 0.1) == pytest.approx(by_hand)
    given_one = by_hand / (1 - 0.001)
    assert expectation_under_bernoulli(THREE, 0.1, at_least_one=True) == pytest.approx(given_one)


def test_nothing_missing_is_the_full_set_and_everything_missing_the_empty_one():
    assert expectation_under_bernoulli(THREE, 0.0) == 0.8
    assert expectation_under_bernoulli({**THREE, frozenset(): 0.125}, 1.0) == 0.125
    assert expectation_under_bernoulli(THREE, 0.0, at_least_one=True) == 0.8
    # given that one is left, it is any of the three
    assert expectation_under_bernoulli(THREE, 1.0, at_least_one=True) == pytest.approx(1.4 / 3)


@settings(deadline=None)
@given(st.integers(1, 5), st.floats(0, 1), st.floats(-50, 50))
def test_weights_are_probabilities(count, rate, figure):
    figures = dict.fromkeys(subsets_of("ABCDE"[:count]), figure)
    assert expectation_under_bernoulli(figures, rate) == pytest.approx(figure, abs=1e-9)
    del figures[frozenset()]
    assert expectation_under_bernoulli(figures, rate, at_least_one=True) == pytest.approx(figure, abs=1e-9)


@settings(deadline=None)
@given(st.integers(1, 5), st.floats(0, 1))
def test_expected_number_left(count, rate):
    figures = {subset: float(len(subset)) for subset in subsets_of("ABCDE"[:count])}
    assert expectation_under_bernoulli(figures, rate) == pytest.approx(count * (1 - rate), abs=1e-9)


def test_area_of_an_expectation_is_the_mean_over_sizes():
    # the integral over the rate of each size's probability is 1 / (n + 1)
    rates = np.linspace(0, 1, 2001)
    values = np.array([expectation_under_bernoulli(THREE, rate) for rate in rates])
    by_size = [np.mean([THREE[one] for one in THREE if len(one) == size]) for size in range(4)]
    assert area_under_curve(rates, values) == pytest.approx(np.mean(by_size), abs=1e-5)


def test_a_combination_without_a_figure_is_named():
    lacking = {subset: value for subset, value in THREE.items() if subset != {"LGE", "T2"}}
    with pytest.raises(SettingsError, match=r"LGE\+T2"):
        expectation_under_bernoulli(lacking, 0.3)
    with pytest.raises(SettingsError, match="0 to 1"):
        expectation_under_bernoulli(THREE, 1.2)
    with pytest.raises(SettingsError, match="no sequence"):
        expectation_under_bernoulli({}, 0.2, at_least_one=True)


def test_every_combination_once_and_their_names():
    subsets = list(subsets_of(("LGE", "T2", "bSSFP")))
    assert len(subsets) == len(set(subsets)) == 8
    assert [sum(len(one) == size for one in subsets) for size in range(4)] == [comb(3, k) for k in range(4)]
    assert subset_name(subsets[0]) == "none"
    assert subset_name(subsets[-1]) == "LGE+T2+bSSFP"


def test_areas_known_by_heart():
    levels = (0.0, 0.1, 0.4)
    assert area_under_curve(levels, np.array([0.7, 0.7, 0.7])) == pytest.approx(0.7)
    # a straight line's mean lies at its middle, however unevenly it is sampled
    assert area_under_curve(levels, np.array([0.8, 0.7, 0.4])) == pytest.approx(0.6)
    assert area_under_curve((3.0,), np.array([0.4])) == pytest.approx(0.4)
    by_case = area_under_curve(levels, np.array([[1.0, 0.2], [1.0, 0.2], [0.0, 0.2]]))
    assert by_case == pytest.approx([0.625, 0.2])


@settings(deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_area_of_a_falling_curve_lies_between_its_ends(values):
    falling = np.array(sorted(values, reverse=True))
    area = area_under_curve(range(len(falling)), falling)
    assert falling[-1] - 1e-12 <= area <= falling[0] + 1e-12


@pytest.mark.parametrize("levels", [(0.0, 0.0), (0.2, 0.1), (0.0, 0.1, 0.2), ()])
def test_levels_must_ascend_and_fit(levels):
    with pytest.raises(SettingsError, match="ascending"):
        area_under_curve(levels, np.zeros(2))


def test_intervals_are_seeded_and_hold_the_mean():
    values = np.array([0.2, 0.5, 0.6, 0.8, 0.9, 0.95])
    first = estimate_mean(values, seed=3)
    assert first == estimate_mean(values, seed=3)
    assert first != estimate_mean(values, seed=4)
    assert min(values) < first.low < first.mean < first.high < max(values)
    assert first.n == 6
    assert first.sd == pytest.approx(np.std(values, ddof=1))


def test_equal_cases_leave_nothing_unsure_and_one_case_everything():
    same = estimate_mean(np.full(5, 0.7))
    assert (same.low, same.high, same.sd) == pytest.approx((0.7, 0.7, 0.0))
    alone = estimate_mean(np.array([0.7]))
    assert (alone.mean, alone.sd, alone.low, alone.high, alone.n) == (0.7, None, None, None, 1)
    with pytest.raises(SettingsError, match="no case"):
        estimate_mean(np.array([]))


def test_the_same_cases_are_drawn_at_every_level():
    values = np.array([[0.1, 0.5, 0.9], [0.2, 0.6, 1.0]])
    drawn = bootstrap_means(values, 200, seed=1)
    assert drawn.shape == (2, 200)
    assert drawn[1] - drawn[0] == pytest.approx(np.full(200, 0.1))


def test_a_curve_has_figures_by_level_and_an_area_of_the_same_cases():
    values = np.array([[0.9, 0.7], [0.8, 0.6], [0.5, 0.1]])
    curve = estimate_curve(Condition("jitter"), "all", "dice", (0, 0.1, 0.2), values)
    assert [point.mean for point in curve.points] == pytest.approx([0.8, 0.7, 0.3])
    assert curve.area.mean == pytest.approx((0.75 + 0.5) / 2)
    assert curve.area.n == 2
    assert curve.area.low <= curve.area.mean <= curve.area.high


def test_conditions_have_names_of_their_own():
    conditions = [
        Condition("clean"),
        Condition("missing", 1, "LGE+T2"),
        Condition("noise", 0.1, "LGE"),
        Condition("noise", 0.1, "all"),
        Condition("noise", 0.2, "all"),
        Condition("jitter", 0.1),
        Condition("points", 1, "box"),
        Condition("points", 1, "no box"),
    ]
    keys = {condition.key for condition in conditions}
    assert len(keys) == len(conditions)
    assert all(set(key) <= set("abcdefghijklmnopqrstuvwxyzLGETSFP0123456789.+-_") for key in keys)
