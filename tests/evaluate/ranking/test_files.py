"""Run times in, rankings out."""

import csv
import json

import numpy as np
import pytest
from tests.evaluate.results import rows_of, table_of

from unicare.core.errors import SettingsError
from unicare.evaluate.ranking.boards import load_board
from unicare.evaluate.ranking.files import read_run_times, with_run_times, write_ranking
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.table import build_table


def test_run_times_of_predict_are_those_of_cases_that_were_done(tmp_path):
    cases = [
        {"case": "a", "status": "done", "seconds": 2.5},
        {"case": "b", "status": "skipped", "seconds": 0.0},
        {"case": "c", "status": "failed", "seconds": 0.1},
    ]
    (tmp_path / "run.json").write_text(json.dumps({"cases": cases}))
    assert read_run_times(tmp_path / "run.json") == {"a": 2.5}


def test_run_times_from_a_table(tmp_path):
    (tmp_path / "times.csv").write_text("case,seconds\na,1.5\nb,2\n")
    assert read_run_times(tmp_path / "times.csv") == {"a": 1.5, "b": 2.0}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("run.json", "{}"),
        ("run.json", "no json"),
        ("t.csv", "a,b\n1,2\n"),
        ("t.csv", ""),
        ("t.csv", "case,seconds\na,x\n"),
    ],
)
def test_what_holds_no_run_times(tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(SettingsError, match=name):
        read_run_times(tmp_path / name)
    with pytest.raises(SettingsError, match="no run times"):
        read_run_times(tmp_path / "none.csv")


def test_faster_wins_among_equals():
    rows = [*rows_of({"a": 0.9, "b": 0.9}), *rows_of({"a": 5.0, "b": 5.0}, metric="hausdorff_mm")]
    teams = {
        "slow": with_run_times(rows, {"a": 9.0, "b": 9.0}),
        "fast": with_run_times(rows, {"a": 1.0, "b": 1.0, "not scored": 500.0}),
    }
    table = build_table(teams)
    assert len(table.cases) == 2
    result = rank_teams(load_board("weighted"), table, bootstrap=0)
    assert [(row.team, row.score.value) for row in result.final.rows] == [
        ("fast", pytest.approx(1.0)),
        ("slow", pytest.approx(0.8)),
    ]


def test_what_is_written_says_the_same_as_the_result(tmp_path):
    dice = np.random.default_rng(0).random((3, 12))
    dice[2] = np.nan
    result = rank_teams(load_board("test_then_rank"), table_of(dice), bootstrap=20)
    table_path, json_path = write_ranking(result, tmp_path / "out")
    assert json.loads(json_path.read_text(encoding="utf-8"))["tables"][0]["rows"][0]["team"] == (
        result.final.rows[0].team
    )
    with table_path.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 3 * 2
    decisive = [line for line in lines if line["decides"] == "yes"]
    assert [line["team"] for line in decisive] == [row.team for row in result.final.rows]
    assert {line["column"] for line in lines} == {"wins", "dice"}
    assert decisive[-1]["value"] == ""
    assert decisive[-1]["rank"] == "3"
    assert float(decisive[0]["value"]) == result.final.rows[0].score.value
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"ranking.csv", "ranking.json"}
