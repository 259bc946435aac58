"""``unicare shift`` on the command line."""

import json
from pathlib import Path

import pytest
from tests.evaluate.results import patient, row
from typer.testing import CliRunner, Result

from unicare.cli.app import app
from unicare.data.cohort import write_cohort
from unicare.evaluate.rows import write_rows


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["shift", *(str(word) for word in words)])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Eight cases seen (Dice 0.8), eight of centre F (0.6 with it in the training, 0.5 without)."""
    for name, at_f in (("with", 0.6), ("without", 0.5)):
        rows = [
            row(
                f"{centre}{n}",
                (0.8 if centre == "A" else at_f) + n / 1000,
                metric="dice",
                structure="liver",
                label=1,
            )
            for centre in "AF"
            for n in range(8)
        ]
        (tmp_path / name).mkdir()
        write_rows(tmp_path / name / "metrics.csv", rows)
    kinds = {"A": "ID", "F": "OOD"}
    write_cohort(
        tmp_path,
        [patient(f"{c}{n}", task="liver", centre=c, distribution=kinds[c]) for c in "AF" for n in range(8)],
    )
    return tmp_path


def test_the_gap_is_that_of_the_figures(folder):
    result = run(f"ours={folder / 'without'}", "--cohort", folder, "--json")
    (gap,) = json.loads(result.stdout)["gaps"]
    assert (gap["team"], gap["task"], gap["id_cases"], gap["ood_cases"]) == ("ours", "liver", 8, 8)
    assert gap["gap"]["value"] == pytest.approx(0.3)
    assert gap["gap"]["low"] < 0.3 < gap["gap"]["high"]


def test_the_control_parts_the_gap_into_shift_and_difficulty(folder):
    words = (f"ours={folder / 'with'}", "--without", f"ours={folder / 'without'}", "--centre", "F")
    found = json.loads(run(*words, "--cohort", folder, "--json").stdout)["controls"]["ours"]
    assert found["gap"]["value"] == pytest.approx(0.3)
    assert found["shift"]["value"] == pytest.approx(0.1)
    assert found["difficulty"]["value"] == pytest.approx(0.2)
    assert found["p_value"] < 0.01


def test_tables_name_the_run_and_its_figures(folder):
    assert "0.300" in run(f"ours={folder / 'without'}", "--cohort", folder).stdout
    words = (f"ours={folder / 'with'}", "--without", f"ours={folder / 'without'}", "--centre", "F")
    assert "0.100" in run(*words, "--cohort", folder).stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--centre", "F"], "--without"),
        (["--metric", "dize"], "unknown metric"),
        (["--without", "theirs={}/without", "--centre", "F"], "no such run"),
        (["--without", "ours={}/without", "--centre", "Q"], "no case of centre Q"),
    ],
)
def test_what_cannot_be_compared_is_told(folder, words, told):
    words = [word.format(folder) for word in words]
    result = run(f"ours={folder / 'with'}", "--cohort", folder, *words)
    assert result.exit_code == 2
    assert told in result.stderr
