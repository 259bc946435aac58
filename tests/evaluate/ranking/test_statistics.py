"""Ranks, bootstrap samples, intervals and Kendall's tau."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from unicare.evaluate.ranking.statistics import (
    competition_ranks,
    draw_weights,
    estimate,
    kendall_tau,
    percentiles,
    rank_estimate,
    tau_of,
    weighted_means,
    weighted_medians,
)

TENTHS = st.integers(0, 10).map(lambda number: number / 10)


@given(arrays(float, st.tuples(st.integers(1, 4), st.integers(1, 8)), elements=TENTHS))
@settings(deadline=None)
def test_ranks_are_those_of_scipy(goodness):
    np.testing.assert_array_equal(competition_ranks(goodness), stats.rankdata(-goodness, "min", axis=-1))


def test_ties_share_the_lowest_rank_and_no_result_is_last():
    assert competition_ranks(np.array([0.9, 0.9, 0.7, -np.inf, -np.inf])).tolist() == [1, 1, 3, 4, 4]


def test_the_rounding_of_a_sum_decides_no_rank():
    assert competition_ranks(np.array([0.1 + 0.2, 0.3])).tolist() == [1, 1]


def test_every_sample_has_the_centres_in_their_proportions():
    strata = ["A"] * 7 + ["B"] * 2 + ["C"]
    weights = draw_weights(strata, range(10), 200, seed=1)
    assert (weights[:, :7].sum(axis=1) == 7).all()
    assert (weights[:, 7:9].sum(axis=1) == 2).all()
    assert (weights[:, 9] == 1).all()
    assert weights[:, :7].max() > 1


def test_cases_of_one_patient_are_drawn_together():
    weights = draw_weights(["A"] * 5, ["p", "q", "p", "r", "q"], 100, seed=1)
    np.testing.assert_array_equal(weights[:, 0], weights[:, 2])
    np.testing.assert_array_equal(weights[:, 1], weights[:, 4])
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_the_seed_says_which_samples_are_drawn():
    first, same, other = (draw_weights(["A"] * 9, range(9), 20, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(first, same)
    assert (first != other).any()


@given(
    arrays(float, st.tuples(st.integers(1, 3), st.integers(1, 7)), elements=TENTHS),
    st.integers(0, 99),
)
@settings(deadline=None)
def test_weighted_figures_are_those_of_repeated_cases(values, seed):
    weights = draw_weights(["A"] * values.shape[1], range(values.shape[1]), 4, seed)
    repeated = [np.repeat(values, row.astype(int), axis=1) for row in weights]
    np.testing.assert_allclose(weighted_means(values, weights), [part.mean(axis=1) for part in repeated])
    np.testing.assert_allclose(
        weighted_medians(values, weights), [np.median(part, axis=1) for part in repeated]
    )


def test_an_infinite_figure_makes_the_mean_infinite_only_where_it_is_drawn():
    values = np.array([[1.0, np.inf], [1.0, 2.0]])
    means = weighted_means(values, np.array([[1.0, 1.0], [2.0, 0.0], [0.0, 0.0]]))
    np.testing.assert_array_equal(means[:2], [[np.inf, 1.5], [1.0, 1.0]])
    assert np.isnan(means[2]).all()


def test_percentiles_are_drawn_values_and_leave_nan_out():
    samples = np.column_stack([np.arange(1000.0), np.full(1000, np.nan)])
    samples[0, 0] = np.nan
    low, high = percentiles(samples, 0.9)
    assert low[0] == pytest.approx(50, abs=1)
    assert high[0] == pytest.approx(949, abs=1)
    assert np.isnan(low[1])
    assert np.isnan(high[1])


def test_without_samples_there_is_no_interval():
    nothing = np.empty((0,))
    assert estimate(0.5, nothing, 0.95).low is None
    assert rank_estimate(2, nothing.astype(int), 0.95).high is None
    assert estimate(float("nan"), np.ones(3), 0.95).value is None


@given(
    arrays(int, 6, elements=st.integers(1, 6)),
    arrays(int, (5, 6), elements=st.integers(1, 6)),
)
@settings(deadline=None)
def test_tau_is_that_of_scipy(ranks, samples):
    expected = [stats.kendalltau(ranks, sample).statistic for sample in samples]
    found = kendall_tau(ranks, samples)
    defined = ~np.isnan(expected)
    np.testing.assert_allclose(found[defined], np.array(expected)[defined], atol=1e-12)


def test_tau_of_rankings_of_ties_only():
    ties, order = np.array([1, 1, 1]), np.array([1, 2, 3])
    assert kendall_tau(ties, np.array([ties, order])).tolist() == [1, 0]
    assert kendall_tau(order, np.array([ties])).tolist() == [0]


def test_tau_says_how_the_samples_agree():
    ranks = np.array([1, 2, 3, 4])
    same = tau_of(ranks, np.array([ranks, ranks]), 0.95)
    assert same is not None
    assert (same.mean, same.sd) == (1, 0)
    turned = tau_of(ranks, np.array([ranks, ranks[::-1]]), 0.95)
    assert turned is not None
    assert (turned.mean, turned.low, turned.high) == (0, -1, 1)
    assert tau_of(np.array([1]), np.array([[1]]), 0.95) is None


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    generator = np.random.default_rng(5)
    held = 0
    for trial in range(200):
        dice = generator.beta(8, 2, size=(1, 60))  # mean 0.8
        means = weighted_means(dice, draw_weights(["A"] * 60, range(60), 400, trial))
        low, high = percentiles(means[:, 0], 0.95)
        held += low <= 0.8 <= high
    assert 180 <= held <= 199
