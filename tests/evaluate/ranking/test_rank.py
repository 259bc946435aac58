"""Boards applied to teams: orders, ties, teams without results, and how sure the order is."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from tests.evaluate.results import table_of

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.boards import Board, load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.standings import BoardResult, Standing, TableResult
from unicare.evaluate.ranking.table import CaseFacts, ResultTable

TENTHS = st.integers(0, 10).map(lambda number: number / 10)
FIGURES = arrays(float, st.tuples(st.just(4), st.integers(1, 7), st.just(2)), elements=TENTHS)
SCHEMES = ["aggregate_then_rank", "rank_then_aggregate", "test_then_rank", "mean_of_ranks", "weighted_score"]


def board(scheme: str = "aggregate_then_rank", **changes: Any) -> Board:
    criteria = [{"metric": "dice"}, {"metric": "hausdorff_mm"}]
    return Board.model_validate(
        {"name": "test", "title": "Test", "scheme": scheme, "criteria": criteria, **changes}
    )


def by_dice(scheme: str = "aggregate_then_rank", **changes: Any) -> Board:
    return board(scheme, criteria=[{"metric": "dice"}], **changes)


def rows(result: BoardResult) -> dict[str, Standing]:
    return {one.team: one for one in result.final.rows}


def ranks(result: BoardResult) -> dict[str, int]:
    return {team: one.rank.rank for team, one in rows(result).items()}


def both(figures: Any) -> ResultTable:
    """Dice as given, and distances that say the same."""
    return table_of(figures, 10 - 10 * np.asarray(figures, dtype=float))


def test_the_schemes_can_disagree():
    """Team a is a little better in most cases, b much better in one."""
    figures = both([[0.81, 0.81, 0.81, 0.10], [0.80, 0.80, 0.80, 0.90]])
    assert ranks(rank_teams(board("aggregate_then_rank"), figures, bootstrap=0)) == {"a": 2, "b": 1}
    assert ranks(rank_teams(board("rank_then_aggregate"), figures, bootstrap=0)) == {"a": 1, "b": 2}
    assert ranks(rank_teams(board("test_then_rank"), figures, bootstrap=0)) == {"a": 1, "b": 1}


def test_rank_then_aggregate_averages_the_ranks_in_every_structure_of_every_case():
    dice = np.array([[[0.9, 0.1]], [[0.8, 0.8]], [[0.8, 0.5]]])
    result = rank_teams(by_dice("rank_then_aggregate"), table_of(dice), bootstrap=0)
    assert {team: one.score.value for team, one in rows(result).items()} == {"a": 2, "b": 1.5, "c": 2}
    assert ranks(result) == {"a": 2, "b": 1, "c": 2}


def test_test_then_rank_counts_the_teams_that_are_beaten():
    generator = np.random.default_rng(0)
    case = generator.normal(0.5, 0.1, 30)
    dice = [case + gain + generator.normal(0, 0.02, 30) for gain in (0.0, 0.1, 0.0, 0.2)]
    result = rank_teams(by_dice("test_then_rank"), table_of(dice), bootstrap=50)
    assert {team: one.score.value for team, one in rows(result).items()} == {"a": 0, "b": 2, "c": 0, "d": 3}
    assert ranks(result) == {"d": 1, "b": 2, "a": 3, "c": 3}
    assert rows(result)["d"].rank.high == 1


def test_weights_say_what_counts():
    dice, distance = [[0.9], [0.5], [0.1]], [[30.0], [10.0], [20.0]]

    def first(dice_weight: float) -> str:
        criteria = [
            {"metric": "dice", "weight": dice_weight},
            {"metric": "hausdorff_mm", "weight": 1 - dice_weight},
        ]
        weighted = board("weighted_score", criteria=criteria)
        return rank_teams(weighted, table_of(dice, distance), bootstrap=0).final.rows[0].team

    assert (first(0.9), first(0.1)) == ("a", "b")


@pytest.mark.parametrize(
    ("normalise", "scores"),
    [("min_max", [1, 0.5, 0]), ("rank", [1, 0.5, 0]), ("bounds", [0.75, 0.5, 0.25])],
)
def test_figures_are_made_comparable(normalise, scores):
    criteria = [{"metric": "dice", "bounds": [0.3, 0.7]}]
    result = rank_teams(
        board("weighted_score", criteria=criteria, normalise=normalise),
        table_of([[0.6], [0.5], [0.4]]),
        bootstrap=0,
    )
    assert [one.score.value for one in result.final.rows] == pytest.approx(scores)


def test_the_mean_over_structures_is_not_that_over_cases_where_cases_differ():
    dice = np.array([[[0.9, 0.9], [0.3, np.nan], [0.3, np.nan]]])

    def figure(first: str) -> float | None:
        aggregation = {"first": first, "cases": "mean"}
        return rank_teams(by_dice(aggregation=aggregation), table_of(dice)).final.rows[0].score.value

    assert figure("structures") == pytest.approx(0.5)
    assert figure("cases") == pytest.approx(0.7)


def test_the_median_does_not_see_one_bad_case():
    dice = [[0.9, 0.9, 0.0], [0.8, 0.8, 0.8]]
    assert ranks(rank_teams(by_dice(), table_of(dice))) == {"a": 2, "b": 1}
    assert ranks(rank_teams(by_dice(aggregation={"cases": "median"}), table_of(dice))) == {"a": 1, "b": 2}


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_team_without_results_is_last_of_all(scheme):
    dice = np.array([[0.0, 0.0], [np.nan, np.nan], [0.5, 0.4]])
    result = rank_teams(board(scheme), table_of(dice, np.where(dice >= 0, 50, np.nan)), bootstrap=30)
    assert [one.team for one in result.final.rows][-1] == "b"
    assert ranks(result)["b"] == 3
    none = rows(result)["b"]
    assert (none.score.value, none.groups, none.missing, none.rank.low) == (None, (), 2, 3)
    assert all(one.rank.high < 3 for one in result.final.rows[:2])


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_figures_that_are_no_finite_numbers_are_never_first(scheme, bad):
    figures = table_of([[bad, bad, 0.2], [0.1, 0.1, 0.1]], [[bad, bad, 95.0], [90.0, 90, 90]])
    assert ranks(rank_teams(board(scheme), figures, bootstrap=20))["b"] == 1


@given(FIGURES, st.permutations(range(4)), st.sampled_from(SCHEMES), st.integers(0, 99))
@settings(deadline=None, max_examples=25)
def test_the_order_of_teams_and_cases_does_not_matter(figures, teams, scheme, seed):
    table = both(figures)
    cases = np.random.default_rng(seed).permutation(len(table.cases))
    shuffled = replace(
        table,
        teams=tuple(table.teams[team] for team in teams),
        cases=tuple(table.cases[case] for case in cases),
        values=table.values[list(teams)][:, cases],
    )
    first, second = (rank_teams(board(scheme), one, bootstrap=0) for one in (table, shuffled))
    assert ranks(first) == ranks(second)
    assert [one.team for one in first.final.rows] == [one.team for one in second.final.rows]
    assert {team: one.groups for team, one in rows(first).items()} == {
        team: one.groups for team, one in rows(second).items()
    }


@given(FIGURES, st.permutations(range(4)), st.sampled_from(SCHEMES))
@settings(deadline=None, max_examples=15)
def test_the_order_of_teams_does_not_change_what_is_drawn(figures, teams, scheme):
    table = both(figures)
    turned = replace(
        table, teams=tuple(table.teams[team] for team in teams), values=table.values[list(teams)]
    )
    first, second = (rank_teams(board(scheme), one, bootstrap=20, seed=3) for one in (table, turned))
    assert {team: one.rank for team, one in rows(first).items()} == {
        team: one.rank for team, one in rows(second).items()
    }


@given(FIGURES, arrays(float, (1, 7, 2), elements=TENTHS), st.sampled_from(SCHEMES))
@settings(deadline=None, max_examples=25)
def test_a_team_that_is_nowhere_better_never_ranks_better(figures, losses, scheme):
    if scheme == "test_then_rank":
        return  # a pair that doesn't differ in a case has one case less to be told apart by
    figures[1] = np.maximum(figures[0] - losses[0, : figures.shape[1]], 0)
    for one in rank_teams(board(scheme), both(figures), bootstrap=0).tables:
        found = {row.team: row.rank.rank for row in one.rows}
        assert found["a"] <= found["b"]


@given(FIGURES, st.sampled_from(SCHEMES))
@settings(deadline=None, max_examples=15)
def test_identical_teams_share_rank_interval_and_groups(figures, scheme):
    figures[2] = figures[0]
    result = rank_teams(board(scheme), both(figures), bootstrap=20)
    one, other = rows(result)["a"], rows(result)["c"]
    assert (one.rank, one.groups) == (other.rank, other.groups)
    assert one.groups
    assert one.score.value == pytest.approx(other.score.value)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_case_says_nothing_of_how_sure_it_is(scheme):
    result = rank_teams(board(scheme), both([[0.5], [0.7], [0.6]]), bootstrap=100)
    for row in result.final.rows:
        assert (row.score.low, row.score.high, row.rank.low, row.rank.high) == (None,) * 4
        assert row.groups == ("a",)
    assert result.final.tau is None
    assert any("no intervals" in note for note in result.final.notes)
    assert any("too few" in note for note in result.final.notes)
    assert any("one patient only" in note for note in result.notes)


def test_a_part_of_one_case_does_not_widen_the_others():
    parts = [{"name": "L", "task": "liver"}, {"name": "W", "task": "whs"}]
    figures = in_parts(np.random.default_rng(0).random((3, 11)), "l" * 10 + "w")
    many, one = rank_teams(by_dice(parts=parts), figures, bootstrap=50).tables
    assert all(row.score.low < row.score.value < row.score.high for row in many.rows)
    assert all(row.score.low is None for row in one.rows)


def test_the_seed_says_what_is_drawn():
    figures = both(np.random.default_rng(0).random((5, 30)))
    first, same, other = (rank_teams(board(), figures, bootstrap=200, seed=seed) for seed in (1, 1, 2))
    assert first == same
    assert first.final.rows != other.final.rows


def test_a_planted_difference_is_found_and_equals_are_not_told_apart():
    generator = np.random.default_rng(1)
    dice = 0.7 + generator.normal(0, 0.1, 60) + generator.normal(0, 0.03, (4, 60))
    dice[1] += 0.05
    result = rank_teams(by_dice(), table_of(dice), bootstrap=500)
    best = rows(result)["b"]
    assert best.rank.high == 1
    others = [one for one in result.final.rows if one.team != "b"]
    assert not any(set(best.groups) & set(one.groups) for one in others)
    assert len({one.groups for one in others}) == 1
    assert all(one.rank.low < one.rank.high for one in others)


def test_several_cases_of_a_patient_are_one_observation():
    """Five scans of each patient say no more of patients than one; taken as cases they seem to."""
    generator = np.random.default_rng(7)
    of_patient = np.repeat(generator.normal(0, 0.05, (2, 12)), 5, axis=1)
    dice = 0.8 + of_patient + np.array([[0.02], [0.0]])
    alone = tuple(CaseFacts(f"c{n:02d}", f"p{n}", "A") for n in range(60))
    grouped = tuple(CaseFacts(f"c{n:02d}", f"p{n // 5}", "A") for n in range(60))
    narrow, wide = (
        rank_teams(by_dice(), table_of(dice, facts=facts), bootstrap=500).final for facts in (alone, grouped)
    )
    assert (narrow.patients, wide.patients, wide.cases) == (60, 12, 60)

    def width(table: TableResult) -> float:
        score = next(one.score for one in table.rows if one.team == "a")
        assert score.low is not None
        assert score.high is not None
        return score.high - score.low

    assert width(wide) > 1.7 * width(narrow)
    assert wide.p_values is not None
    assert narrow.p_values is not None
    assert wide.p_values[0][1] > 10 * narrow.p_values[0][1]


def in_parts(dice: Any, tasks: str) -> ResultTable:
    names = {"l": "liver", "w": "whs"}
    facts = [CaseFacts(f"c{n}", f"p{n}", "A", "ID", names[task]) for n, task in enumerate(tasks)]
    return table_of(dice, facts=facts)


PARTS = [{"name": "L", "task": "liver"}, {"name": "W", "task": "whs"}]


def test_ranks_of_parts_are_averaged_and_ranked_again():
    dice = [[0.9, 0.9, 0.1], [0.8, 0.8, 0.8], [0.7, 0.7, 0.7]]
    result = rank_teams(by_dice(parts=PARTS, combine="mean_rank"), in_parts(dice, "llw"), bootstrap=20)
    assert {team: one.score.value for team, one in rows(result).items()} == {"a": 2, "b": 1.5, "c": 2.5}
    assert ranks(result) == {"b": 1, "a": 2, "c": 3}
    assert [table.cases for table in result.tables] == [2, 1]
    assert {name: one.value for name, one in rows(result)["a"].figures.items()} == {"L": 1, "W": 3}


def test_a_team_that_skips_a_part_is_last_there():
    dice = [[0.9, 0.9, np.nan], [0.8, 0.8, 0.1]]
    result = rank_teams(by_dice(parts=PARTS, combine="mean_rank"), in_parts(dice, "llw"), bootstrap=20)
    assert ranks(result) == {"a": 1, "b": 1}
    assert rows(result)["a"].figures["W"].value is None
    assert rows(result)["a"].ranks["W"].rank == 2


def test_parts_without_cases_are_named_and_left_out():
    result = rank_teams(by_dice(parts=PARTS), in_parts([[0.9], [0.8]], "l"), bootstrap=0)
    assert [table.name for table in result.tables] == ["L"]
    assert any("W" in note and "no cases" in note for note in result.notes)
    with pytest.raises(SettingsError, match="--cohort"):
        rank_teams(by_dice(parts=PARTS), table_of([[0.9], [0.8]]))


def test_a_part_may_count_some_structures_only():
    dice = np.array([[[0.9, 0.1]], [[0.5, 0.9]]])
    parts = [{"name": "all"}, {"name": "one", "structures": ["structure 0"]}]
    whole, one = rank_teams(by_dice(parts=parts), table_of(dice), bootstrap=0).tables
    assert [row.team for row in whole.rows] == ["b", "a"]
    assert [row.team for row in one.rows] == ["a", "b"]


def test_a_board_is_sorted_by_what_one_chooses():
    figures = table_of([[0.9], [0.5]], [[30.0], [10.0]])
    assert ranks(rank_teams(board(), figures)) == {"a": 1, "b": 2}
    assert ranks(rank_teams(board(sort="hausdorff_mm"), figures)) == {"a": 2, "b": 1}
    chosen = rank_teams(board(), figures, sort="hausdorff_mm")
    assert ranks(chosen) == {"a": 2, "b": 1}
    assert [row.team for row in chosen.final.sorted_by("dice").rows] == ["a", "b"]
    assert [row.team for row in chosen.final.sorted_by("dice", reverse=True).rows] == ["b", "a"]
    with pytest.raises(SettingsError, match="can't be sorted"):
        rank_teams(board(), figures, sort="nsd")
    with pytest.raises(SettingsError, match="no --sort"):
        rank_teams(board("weighted_score"), figures, sort="dice")


def test_a_criterion_without_figures_is_named_and_left_out():
    weighted = load_board("weighted")
    result = rank_teams(weighted, table_of([[0.9], [0.5]], [[5.0], [9.0]]), bootstrap=0)
    assert any("run_time_s" in note for note in result.final.notes)
    assert [one.score.value for one in result.final.rows] == [1, 0]


@pytest.mark.parametrize("setting", [{"bootstrap": -1}, {"confidence": 1}, {"alpha": 0}])
def test_impossible_settings_are_refused(setting):
    with pytest.raises(SettingsError, match=next(iter(setting))):
        rank_teams(by_dice(), table_of([[0.5]]), **setting)
