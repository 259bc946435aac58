"""Figures by subgroup, and boards that count them."""

from typing import Any

import numpy as np
import pytest
from tests.evaluate.results import table_of

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.boards import Board, load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.subgroups import consistency
from unicare.evaluate.ranking.table import CaseFacts, ResultTable


def patients(sexes: str, centres: str | None = None) -> tuple[CaseFacts, ...]:
    return tuple(
        CaseFacts(f"c{n:02d}", f"p{n:02d}", centre, subgroups={"sex": sex.strip()})
        for n, (sex, centre) in enumerate(zip(sexes, centres or "A" * len(sexes), strict=True))
    )


def two_sexes(dice: Any, hausdorff_mm: Any = None) -> ResultTable:
    return table_of(dice, hausdorff_mm, facts=patients("F" * 6 + "M" * 6))


def test_mean_worst_and_gap_on_known_figures():
    (found,) = consistency(two_sexes([[0.9] * 6 + [0.7] * 6]), "dice", "sex", bootstrap=20)
    assert found.mean.value == pytest.approx(0.8)
    assert (found.worst_group, found.worst.value) == ("M", pytest.approx(0.7))
    assert found.gap.value == pytest.approx(0.2)
    assert [(one.group, one.cases, one.figure.value) for one in found.groups] == [
        ("F", 6, pytest.approx(0.9)),
        ("M", 6, pytest.approx(0.7)),
    ]


def test_the_worst_distance_is_the_longest():
    found, _ = consistency(
        two_sexes([[0.5] * 12] * 2, [[5.0] * 6 + [9.0] * 6, [9.0] * 12]), "hausdorff_mm", "sex", bootstrap=0
    )
    assert (found.worst_group, found.worst.value, found.gap.value) == ("M", 9, 4)


def test_intervals_hold_the_figure_and_follow_the_seed():
    dice = np.random.default_rng(0).normal(0.8, 0.05, (2, 12))
    first, same, other = (
        consistency(two_sexes(dice), "dice", "sex", bootstrap=300, seed=seed) for seed in (1, 1, 2)
    )
    assert first == same != other
    for team in first:
        assert team.mean.low < team.mean.value < team.mean.high
        assert 0 <= team.gap.low <= team.gap.high


def test_small_and_unknown_subgroups_do_not_count():
    facts = patients("FFFFFMMMMMX  ")
    dice = [[0.9] * 5 + [0.8] * 5 + [0.1] + [0.2, 0.2]]
    (found,) = consistency(table_of(dice, facts=facts), "dice", "sex", bootstrap=0)
    assert [one.group for one in found.groups] == ["F", "M"]
    assert found.mean.value == pytest.approx(np.mean(dice))


def test_a_column_that_nobody_filled_in_is_refused():
    with pytest.raises(SettingsError, match="age_band: too few"):
        consistency(two_sexes([[0.5] * 12]), "dice", "age_band")
    with pytest.raises(SettingsError, match="unknown metric"):
        consistency(two_sexes([[0.5] * 12]), "beauty", "sex")


def test_a_team_without_a_result_is_left_out():
    found = consistency(two_sexes([[0.5] * 12, [np.nan] * 12]), "dice", "sex", bootstrap=0)
    assert [one.team for one in found] == ["a"]


def test_evenness_can_outweigh_a_small_lead():
    even, uneven = [0.8] * 12, [0.97] * 6 + [0.65] * 6
    result = rank_teams(load_board("consistency"), two_sexes([uneven, even]), bootstrap=0)
    assert [row.team for row in result.final.rows] == ["b", "a"]
    distances = [[1.0] * 12] * 2
    by_mean = rank_teams(load_board("aggregate_then_rank"), two_sexes([uneven, even], distances), bootstrap=0)
    assert [row.team for row in by_mean.final.rows] == ["a", "b"]
    figures = result.final.rows[1].figures
    assert figures["dice_worst_group"].value == pytest.approx(0.65)
    assert figures["dice_gap"].value == pytest.approx(0.32)
    assert result.final.rows[1].score.value == pytest.approx(0.5 * 0.81 + 0.25 * 0.65 + 0.25 * 0.68)


def test_the_worst_of_all_columns_counts():
    """Centres differ by more than sexes do."""
    facts = patients("FM" * 6, "A" * 6 + "B" * 6)
    dice = [[0.9, 0.88] * 3 + [0.6, 0.58] * 3]
    result = rank_teams(load_board("consistency"), table_of(dice, facts=facts), bootstrap=0)
    assert result.final.rows[0].figures["dice_gap"].value == pytest.approx(0.3)
    assert result.final.rows[0].figures["dice_worst_group"].value == pytest.approx(0.59)


def test_without_subgroups_only_accuracy_counts_and_it_is_said():
    result = rank_teams(load_board("consistency"), table_of([[0.5] * 12]), bootstrap=0)
    assert sum("doesn't count" in note for note in result.final.notes) == 2
    assert result.final.rows[0].score.value == pytest.approx(0.5)


def test_a_board_of_worst_groups_alone_has_no_groups_of_teams():
    criteria = [{"metric": "dice", "statistic": "worst_group", "by": ["sex"]}]
    board = Board.model_validate({"name": "worst", "title": "Worst", "criteria": criteria})
    result = rank_teams(board, two_sexes([[0.9] * 6 + [0.1] * 6, [0.3] * 12]), bootstrap=50)
    assert [row.team for row in result.final.rows] == ["b", "a"]
    assert result.final.p_values is None
