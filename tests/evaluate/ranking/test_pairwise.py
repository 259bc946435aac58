"""Which teams can be told apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from unicare.evaluate.ranking.pairwise import (
    group_letters,
    holm,
    pairwise_p,
    sampled_wins,
    signed_rank_p,
    wins,
)
from unicare.evaluate.ranking.statistics import draw_weights


def test_holm_on_a_textbook_example():
    np.testing.assert_allclose(holm(np.array([0.01, 0.04, 0.03, 0.005])), [0.03, 0.06, 0.06, 0.02])


def test_holm_counts_only_tests_that_were_made_and_stops_at_one():
    corrected = holm(np.array([[0.02, np.nan, 0.6], [np.nan, np.nan, np.nan]]))
    np.testing.assert_allclose(corrected[0], [0.04, np.nan, 0.6])
    assert np.isnan(corrected[1]).all()
    assert holm(np.array([0.7, 0.8])).tolist() == [1, 1]


def test_teams_without_a_difference_are_not_tested_into_one():
    assert signed_rank_p(np.zeros(20)) == 1
    assert signed_rank_p(np.full(20, 1e-15)) == 1
    assert signed_rank_p(np.empty(0)) == 1


def test_pairs_that_do_not_differ_are_left_out():
    differences = np.array([0.0, 0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert signed_rank_p(differences) == pytest.approx(2 / 2**6)


@pytest.mark.parametrize("count", [6, 20, 50, 51, 200])
def test_without_ties_p_is_that_of_scipy(count):
    differences = np.random.default_rng(count).normal(0.3, 1, count)
    method = "exact" if count <= 50 else "asymptotic"
    assert signed_rank_p(differences) == pytest.approx(stats.wilcoxon(differences, method=method).pvalue)


def test_with_ties_p_is_that_of_all_permutations():
    differences = np.array([0.1, 0.1, 0.1, -0.2, 0.2, 0.3, -0.1, 0.3, 0.3])
    permuted = stats.wilcoxon(differences, method=stats.PermutationMethod(n_resamples=np.inf))
    assert signed_rank_p(differences) == pytest.approx(permuted.pvalue)


def test_five_pairs_never_tell_two_teams_apart():
    assert signed_rank_p(np.ones(5)) == pytest.approx(2 / 2**5)


def test_a_team_without_a_result_is_not_tested():
    values = np.array([[0.5, 0.6, 0.7], [0.4, 0.5, 0.6], [np.nan] * 3])
    p_values = pairwise_p(values)
    assert np.isnan(p_values[2, :2]).all()
    assert p_values[0, 1] == pytest.approx(0.25)
    assert group_letters(p_values, [0, 1, 2], 0.05) == (("a",), ("a",), ())
    assert wins(values, p_values, 0.05).tolist() == [0, 0, -1]


def test_a_team_that_has_nobody_to_be_compared_with_is_a_group():
    p_values = pairwise_p(np.array([[0.5, 0.6], [np.nan, np.nan]]))
    assert group_letters(p_values, [0, 1], 0.05) == (("a",), ())


def test_figures_that_are_not_finite_lose_and_are_like_each_other():
    better, worse = np.linspace(0.1, 0.9, 12), np.full(12, -np.inf)
    p_values = pairwise_p(np.stack([better, worse, worse]))
    assert p_values[0, 1] < 0.01
    assert p_values[1, 2] == 1
    assert wins(np.stack([better, worse, worse]), p_values, 0.05).tolist() == [2, 0, 0]


def test_likeness_that_does_not_carry_over_is_shown_as_it_is():
    p_values = np.array([[1, 0.5, 0.01], [0.5, 1, 0.5], [0.01, 0.5, 1]])
    assert group_letters(p_values, [0, 1, 2], 0.05) == (("a",), ("a", "b"), ("b",))


def test_a_team_unlike_all_others_has_a_letter_of_its_own():
    p_values = np.array([[1, 0.001, 0.001], [0.001, 1, 0.9], [0.001, 0.9, 1]])
    assert group_letters(p_values, [2, 1, 0], 0.05) == (("b",), ("a",), ("a",))


@given(st.integers(1, 9), st.integers(0, 10**6))
@settings(deadline=None)
def test_teams_share_a_letter_exactly_if_they_cannot_be_told_apart(teams, seed):
    generator = np.random.default_rng(seed)
    drawn = generator.random((teams, teams)) * 0.1
    p_values = np.triu(drawn, 1) + np.triu(drawn, 1).T + np.eye(teams)
    letters = group_letters(p_values, generator.permutation(teams).tolist(), 0.05)
    for one in range(teams):
        assert letters[one]
        for other in range(teams):
            assert bool(set(letters[one]) & set(letters[other])) == (p_values[one, other] >= 0.05)


def test_more_groups_than_letters():
    letters = group_letters(np.eye(30), list(range(30)), 0.05)
    assert [letters[index][0] for index in (0, 25, 26, 29)] == ["a", "z", "aa", "ad"]


@pytest.mark.parametrize("digits", [12, 1])  # 1: many differences of the same size
def test_wins_of_a_sample_are_those_of_its_cases_tested_one_by_one(digits):
    generator = np.random.default_rng(0)
    values = np.round(generator.normal(size=(2, 40)), digits)
    values[0] += 0.35
    weights = draw_weights(["A"] * 40, range(40), 60, seed=1)
    found = sampled_wins(values, weights, alpha=0.05)
    expected = []
    for row in weights.astype(int):
        differences = np.repeat(values[0] - values[1], row)
        test = stats.wilcoxon(differences[np.abs(differences) > 1e-9], method="asymptotic")
        up = stats.wilcoxon(differences, alternative="greater", method="asymptotic").pvalue < 0.5
        expected.append([int(test.pvalue < 0.05 and up), int(test.pvalue < 0.05 and not up)])
    assert 0 < np.sum(expected) < 60
    np.testing.assert_array_equal(found, expected)


def test_a_planted_difference_is_found():
    generator = np.random.default_rng(2)
    values = generator.normal(0, 0.05, (3, 40)) + generator.normal(0, 0.1, 40)
    values[0] += 0.06
    p_values = pairwise_p(values)
    assert p_values[0, 1] < 0.01
    assert p_values[0, 2] < 0.01
    assert p_values[1, 2] > 0.05


def test_where_there_is_no_difference_few_are_found():
    """Of 300 simulated challenges of four equal teams, about one in twenty may tell any two apart."""
    generator = np.random.default_rng(4)
    wrong = sum(
        (pairwise_p(generator.normal(size=(4, 25)) + generator.normal(size=25)) < 0.05).any()
        for _ in range(300)
    )
    assert 2 <= wrong <= 26
