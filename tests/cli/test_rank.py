"""``unicare rank`` on the command line."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console
from tests.evaluate.results import patient, row, table_of
from typer.testing import CliRunner, Result

from unicare.cli.app import app
from unicare.data.cohort import write_cohort
from unicare.evaluate.ranking.boards import board_names, load_board
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.terminal import print_board
from unicare.evaluate.rows import write_rows


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["rank", *(str(word) for word in words)])


@pytest.fixture
def teams(tmp_path: Path) -> list[str]:
    """Two teams' evaluations of twelve cases of the left atrium, and their manifest."""
    generator = np.random.default_rng(0)
    for team, level in (("good", 0.9), ("poor", 0.6)):
        rows = [
            row(f"c{n:02d}", value, metric=metric, structure="left atrium blood cavity", label=420)
            for n in range(12)
            for metric, value in (
                ("dice", level + generator.normal(0, 0.02)),
                ("hausdorff_mm", 30 - 20 * level + generator.normal(0, 1)),
            )
        ]
        (tmp_path / team).mkdir()
        write_rows(tmp_path / team / "metrics.csv", rows)
    cohort = [patient(f"c{n:02d}", task="la", distribution=("ID", "OOD")[n // 6]) for n in range(12)]
    write_cohort(tmp_path, cohort)
    return [f"{team}={tmp_path / team}" for team in ("poor", "good")]


def test_teams_are_ranked_with_intervals_and_groups(teams, tmp_path):
    result = run("care_cardiac", *teams, "--cohort", tmp_path / "cohort.csv", "--bootstrap", "50")
    assert result.exit_code == 0, result.stderr
    assert "Lb1: Single cardiac structure (ID), 6 cases" in result.stdout
    assert "Lb2" in result.stdout
    assert "Whole heart structures (ID): no cases" in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert [line[2] for line in lines if line[:1] in (["1"], ["2"])] == ["good", "poor"] * 2
    assert "seed 0" in result.stdout
    assert result.stderr == ""


def test_a_file_and_its_folder_are_the_same_evaluation(teams, tmp_path):
    folders = run("aggregate_then_rank", *teams, "--json")
    files = run("aggregate_then_rank", *(f"{team}/metrics.csv" for team in teams), "--json")
    assert json.loads(folders.stdout) == json.loads(files.stdout)


def test_json_holds_all_and_follows_the_seed(teams):
    first, same, other = (
        json.loads(run("aggregate_then_rank", *teams, "--json", "--seed", seed).stdout) for seed in "112"
    )
    assert first == same != other
    best = first["tables"][0]["rows"][0]
    assert (best["team"], best["rank"]) == ("good", {"rank": 1, "low": 1, "high": 1})
    assert first["bootstrap"] == 1000


def test_a_ranking_is_written_and_not_replaced_unasked(teams, tmp_path):
    words = ("aggregate_then_rank", *teams, "--out", tmp_path / "out", "--bootstrap", "10")
    assert run(*words).exit_code == 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"ranking.csv", "ranking.json"}
    again = run(*words)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert run(*words, "--overwrite").exit_code == 0


def test_run_times_count(teams, tmp_path):
    (tmp_path / "times.csv").write_text("case,seconds\n" + "".join(f"c{n:02d},2\n" for n in range(12)))
    words = ("weighted", *teams, "--run-times", f"poor={tmp_path / 'times.csv'}", "--json")
    rows = json.loads(run(*words).stdout)["tables"][0]["rows"]
    assert {one["team"]: one["figures"]["run_time_s"]["value"] for one in rows} == {"poor": 2, "good": None}


def test_a_team_may_have_several_evaluations(teams, tmp_path):
    rows = [row(f"w{n}", 0.5) for n in range(3)]
    write_rows(tmp_path / "more.csv", rows)
    words = ("aggregate_then_rank", *teams, f"good={tmp_path / 'more.csv'}", "--json", "--bootstrap", "0")
    table = json.loads(run(*words).stdout)["tables"][0]
    assert table["cases"] == 15
    assert {one["team"]: one["missing"] for one in table["rows"]} == {"good": 0, "poor": 3}


def test_published_means_are_ranked(tmp_path):
    (tmp_path / "means.csv").write_text("board,team,dice,hd_mm\nLb1,x,0.9,20\nLb1,y,0.8,10\n")
    by_dice = run("care_cardiac", "--published", tmp_path / "means.csv", "--json")
    assert [one["team"] for one in json.loads(by_dice.stdout)["tables"][0]["rows"]] == ["x", "y"]
    words = ("care_cardiac", "--published", tmp_path / "means.csv", "--sort", "hausdorff_mm", "--json")
    assert [one["team"] for one in json.loads(run(*words).stdout)["tables"][0]["rows"]] == ["y", "x"]


def test_boards_are_listed():
    told = run("--list").stdout
    assert all(name in told for name in board_names())
    assert {one["name"] for one in json.loads(run("--list", "--json").stdout)["boards"]} == set(board_names())


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "unicare rank --list"),
        (("carecardiac",), "did you mean care_cardiac"),
        (("weighted",), "NAME=EVALUATION"),
        (("weighted", "nothing"), "nothing: can't be read"),
        (("weighted", "x=/nowhere"), "/nowhere"),
        (("weighted", "--published", "/nowhere.csv"), "/nowhere.csv"),
        (("weighted", "x=y", "--published", "z.csv"), "one of the two"),
    ],
)
def test_what_cannot_be_ranked_is_told_in_one_sentence(words, told):
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_run_times_of_a_team_that_is_not_there(teams, tmp_path):
    result = run("weighted", *teams, "--run-times", f"none={tmp_path}")
    assert (result.exit_code, "no such team" in result.stderr) == (2, True)


@pytest.mark.parametrize("width", [80, 120, 200])
def test_no_line_is_wider_than_the_screen(width):
    generator = np.random.default_rng(0)
    dice = generator.random((6, 20, 2))
    names = ["a", "a team with quite a long name", "c", "d", "e", "f"]
    for board in ("care_cardiac", "weighted", "consistency", "aggregate_then_rank"):
        chosen = load_board(board).model_copy(update={"parts": load_board("weighted").parts})
        result = rank_teams(chosen, table_of(dice, 30 * dice, teams=names), bootstrap=10)
        console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
        print_board(result, console)
        lines = console.file.getvalue().splitlines()
        assert max(len(line.rstrip()) for line in lines) <= width
        assert any("0." in line and "–" in line for line in lines)
