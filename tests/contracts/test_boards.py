"""What every board keeps to, whatever it ranks by."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from unicare.core.structure import structure_table
from unicare.evaluate.ranking.boards import Board, board_names, load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.standings import TableResult
from unicare.evaluate.ranking.table import CaseFacts, ResultTable

TEAMS = ("best", "twin one", "twin two", "worst", "absent")


@pytest.fixture(params=board_names())
def board(request: pytest.FixtureRequest) -> Board:
    return load_board(request.param)


@pytest.fixture(scope="module")
def figures() -> ResultTable:
    """Eight patients in each part that any board has; the last team has no figure at all."""
    parts = {(part.task, part.distribution) for name in board_names() for part in load_board(name).parts}
    structures = tuple(
        dict.fromkeys(
            name for one in board_names() for part in load_board(one).parts for name in part.structures or ()
        )
    ) or ("liver",)
    facts = tuple(
        CaseFacts(f"{task}{kind}{n}", f"{task}{kind}{n}", "AB"[n % 2], kind, task, {"sex": "FM"[n // 4]})
        for task, kind in sorted((task or "liver", kind or "ID") for task, kind in parts)
        for n in range(8)
    )
    generator = np.random.default_rng(0)
    shape = (len(facts), len(structures))
    dice = np.stack([0.8 + level + generator.normal(0, 0.01, shape) for level in (0.1, 0, 0, -0.4, 0)])
    dice[2] = dice[1]
    values = np.stack([dice, 30 - 20 * dice, 5 - 3 * dice], axis=-1)
    values[4] = np.nan
    return ResultTable(TEAMS, facts, structures, ("dice", "hausdorff_mm", "run_time_s"), values)


def tables(board: Board, figures: ResultTable, samples: int = 50) -> list[TableResult]:
    result = rank_teams(board, figures, bootstrap=samples, seed=1)
    return [*result.tables, *((result.overall,) if result.overall is not None else ())]


def test_it_says_what_it_is(board):
    assert board.title
    assert board.about.endswith(".")


def test_its_structures_are_in_the_table_of_structures(board):
    for part in board.parts:
        for name in part.structures or ():
            assert structure_table().by_name(name) is not None


def test_its_parts_all_find_their_cases(board, figures):
    result = rank_teams(board, figures, bootstrap=0)
    assert [table.name for table in result.tables] == [part.name for part in board.parts]
    assert result.notes == ()


def test_every_team_has_one_line_in_the_order_of_ranks(board, figures):
    for table in tables(board, figures):
        assert sorted(row.team for row in table.rows) == sorted(TEAMS)
        placed = [row.rank.rank for row in table.rows]
        assert placed == sorted(placed)
        assert placed[0] == 1


def test_the_best_is_first_the_worst_before_who_has_nothing(board, figures):
    for table in tables(board, figures):
        ranks = {row.team: row.rank.rank for row in table.rows}
        assert ranks["absent"] == 5
        assert ranks["best"] == 1
        assert ranks["worst"] == 4


def test_twins_share_everything(board, figures):
    for table in tables(board, figures):
        one, other = (
            next(row for row in table.rows if row.team == f"twin {name}") for name in ("one", "two")
        )
        assert (one.rank, one.groups, one.ranks) == (other.rank, other.groups, other.ranks)


def test_ranks_lie_in_their_intervals(board, figures):
    for table in tables(board, figures):
        for row in table.rows:
            for rank in (row.rank, *row.ranks.values()):
                assert 1 <= rank.low <= rank.high <= len(TEAMS)


def test_groups_are_what_the_tests_say(board, figures):
    for table in tables(board, figures):
        assert table.p_values is not None
        for one, line in zip(table.rows, table.p_values, strict=True):
            for other, p_value in zip(table.rows, line, strict=True):
                if "absent" not in (one.team, other.team):
                    assert bool(set(one.groups) & set(other.groups)) == (p_value >= 0.05)


def test_its_result_is_plain_json(board, figures):
    result = rank_teams(board, figures, bootstrap=10)
    told = json.loads(json.dumps(result.as_dict(), allow_nan=False))
    assert told["tables"][0]["rows"][0]["team"] == result.tables[0].rows[0].team


def test_other_names_change_nothing_but_names(board, figures):
    renamed = replace(figures, teams=tuple(f"z{team}" for team in figures.teams))
    for one, other in zip(tables(board, figures), tables(board, renamed), strict=True):
        assert [f"z{row.team}" for row in one.rows] == [row.team for row in other.rows]
