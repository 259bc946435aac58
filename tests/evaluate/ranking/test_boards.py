"""Boards as files: what they may say, and what is told when they say something else."""

from pathlib import Path

import pytest

from unicare.core.errors import SettingsError, UnicareError
from unicare.evaluate.ranking.boards import board_names, load_board

PLAIN = "title: Mine\ncriteria:\n  - metric: nsd\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_of_three_lines_is_a_board(tmp_path):
    board = load_board(written(tmp_path, PLAIN))
    assert (board.name, board.title, board.sorts) == ("mine", "Mine", ("nsd",))
    assert [part.name for part in board.parts] == ["all"]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (PLAIN + "sheme: mean_of_ranks\n", "unknown key sheme; did you mean scheme"),
        (PLAIN + "parts:\n  - {name: a, tasks: la}\n", r"unknown key parts.0.tasks; did you mean task"),
        (PLAIN + "criteria:\n  - {metric: dice, wait: 2}\n", r"unknown key criteria.0.wait"),
        (PLAIN + "name: other\n", "called like its file"),
        ("criteria: [{metric: dice}]\n", "title: Field required"),
        ("title: x\ncriteria: []\n", "criteria"),
        ("title: x\ncriteria: [{metric: beauty}]\n", "no metric beauty"),
        ("title: x\ncriteria: [{metric: volume_ml}]\n", "no metric volume_ml"),
        ("title: x\ncriteria: [{metric: dice}, {metric: dice}]\n", "dice is there twice"),
        ("title: x\ncriteria: [{metric: dice, by: [sex]}]\n", "subgroups"),
        ("title: x\ncriteria: [{metric: dice, statistic: gap}]\n", "subgroups"),
        ("title: x\ncriteria: [{metric: dice, weight: 0}]\n", "greater than 0"),
        (PLAIN + "scheme: best_looking\n", "scheme"),
        (PLAIN + "sort: dice\n", "can't sort by dice; can by nsd"),
        (PLAIN + "scheme: weighted_score\nsort: nsd\n", "can by nothing"),
        (PLAIN + "scheme: weighted_score\nnormalise: bounds\n", "needs the bounds"),
        (PLAIN + "parts: [{name: a, task: brain}]\n", "no task brain.*own are called custom"),
        (PLAIN + "parts: [{name: a}, {name: a}]\n", "part a is there twice"),
        (PLAIN + "parts: [{name: a, distribution: IID}]\n", "'ID' or 'OOD'"),
        (
            "title: x\nscheme: test_then_rank\ncriteria: [{metric: dice, statistic: gap, by: [sex]}]\n",
            "single cases",
        ),
        ("- a list\n", "isn't a board"),
        ("title: [\n", "isn't YAML"),
    ],
)
def test_what_a_board_cannot_say(tmp_path, text, told):
    with pytest.raises(SettingsError, match=told) as refused:
        load_board(written(tmp_path, text))
    assert "mine.yaml" in str(refused.value)


def test_a_board_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="did you mean care_cardiac"):
        load_board("care-cardiac")
    with pytest.raises(UnicareError, match="can't be read"):
        load_board(tmp_path / "none.yaml")


def test_the_boards_of_the_challenge_ship_with_the_package():
    assert {"tfm4media", "care_cardiac", "weighted", "consistency"} <= set(board_names())
    assert {"aggregate_then_rank", "rank_then_aggregate", "test_then_rank"} <= set(board_names())


def test_care_cardiac_has_three_tasks_in_and_out_of_distribution():
    board = load_board("care_cardiac")
    assert [(part.name, part.task, part.distribution) for part in board.parts] == [
        ("Lb1", "la", "ID"),
        ("Lb2", "la", "OOD"),
        ("Lb3", "whs", "ID"),
        ("Lb4", "whs", "OOD"),
        ("Lb5", "myops", "ID"),
        ("Lb6", "myops", "OOD"),
    ]
    assert board.sorts == ("dice", "hausdorff_mm")


def test_weights_of_the_weighted_board():
    weights = {one.metric: one.weight for one in load_board("weighted").criteria}
    assert weights == {"dice": 0.4, "hausdorff_mm": 0.4, "run_time_s": 0.2}
