"""The command line: the same flags everywhere, one sentence for what goes wrong, JSON for machines."""

import errno
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner, Result

import unicare
from unicare.cli.app import app
from unicare.core.errors import PromptError
from unicare.core.volume import Volume
from unicare.data.cohort import CohortRow, write_cohort
from unicare.data.nifti import save_labels, save_volume

AFFINE = np.diag([-1.0, 1.5, 4.0, 1.0])


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def commands(group: Any = None, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every command at the end of a branch, by its words."""
    group = group or typer.main.get_command(app)
    for word, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{name} {word}")
        else:
            yield f"{name} {word}".strip(), command


def options() -> Iterator[tuple[str, str, Any]]:
    for name, command in commands():
        for option in command.params:
            yield from ((name, flag, option) for flag in option.opts if flag.startswith("--"))


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    """A folder with one label map: a brick of 20 in a volume of 24 × 30 × 6."""
    data = np.zeros((24, 30, 6), dtype=np.int16)
    data[5:15, 8:22, 2:5] = 20
    volume = Volume.from_file_axes(data, AFFINE)
    save_labels(tmp_path / "labels" / "one.nii.gz", volume, volume.data)
    return tmp_path / "labels"


@pytest.fixture
def folder(tmp_path: Path, labels: Path) -> Path:
    """A folder as predict takes it."""
    noise = np.random.default_rng(0).normal(100, 10, (24, 30, 6)).astype(np.float32)
    save_volume(tmp_path / "input" / "images" / "one.nii.gz", Volume.from_file_axes(noise, AFFINE))
    assert run("prompts", "simulate", labels, tmp_path / "input" / "prompts.json").exit_code == 0
    return tmp_path / "input"


def test_every_verb_of_the_readme_is_there() -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"^\| `unicare ((?:[a-z]+ ?)+)", readme, flags=re.MULTILINE))
    assert {name.strip() for name in told} == {name for name, _ in commands()}


@pytest.mark.parametrize("name", [name for name, _ in commands()])
def test_help_says_what_a_verb_does(name: str) -> None:
    result = run(*name.split(), "--help")
    assert result.exit_code == 0
    assert "Usage" in result.stdout


def test_version() -> None:
    assert run("--version").stdout.strip() == f"unicare {unicare.__version__}"


@pytest.mark.parametrize("flag", ["--json", "--verbose"])
def test_flags_that_every_verb_has(flag: str) -> None:
    assert {name for name, known, _ in options() if known == flag} == {name for name, _ in commands()}


@pytest.mark.parametrize(
    "flag", ["--json", "--verbose", "--device", "--overwrite", "--slice-axis", "--prompt-axes"]
)
def test_a_flag_means_the_same_everywhere(flag: str) -> None:
    helps = {option.help for _, known, option in options() if known == flag}
    assert len(helps) == 1


def test_simulated_prompts_fit_their_images(folder: Path) -> None:
    result = run("prompts", "check", folder, "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout) == {"findings": [], "errors": 0}


def test_what_is_wrong_with_an_input_is_listed_and_fails(folder: Path) -> None:
    (folder / "images" / "one.nii.gz").write_text("no image")
    result = run("prompts", "check", folder)
    assert result.exit_code == 1
    assert "one.nii.gz" in result.stdout
    assert "1 error, " in result.stdout


def test_nothing_is_replaced_unless_asked_for(labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "prompts.json"
    out.write_text("mine")
    refused = run("prompts", "simulate", labels, out)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert out.read_text() == "mine"
    assert run("prompts", "simulate", labels, out, "--overwrite").exit_code == 0
    assert json.loads(out.read_text())["one"]["3"]["20"]


def test_the_same_seed_draws_the_same_prompts(labels: Path, tmp_path: Path) -> None:
    for name, seed in (("a", "5"), ("b", "5"), ("c", "6")):
        assert run("prompts", "simulate", labels, tmp_path / name, "--seed", seed).exit_code == 0
    assert (tmp_path / "a").read_text() == (tmp_path / "b").read_text() != (tmp_path / "c").read_text()


def test_success_is_silent_on_standard_error(labels: Path, tmp_path: Path) -> None:
    assert run("prompts", "simulate", labels, tmp_path / "prompts.json").stderr == ""
    assert run("evaluate", labels, labels, "--out", tmp_path / "figures").stderr == ""


def test_evaluate_tells_figures_to_people_and_machines(labels: Path, tmp_path: Path) -> None:
    told = run("evaluate", labels, labels, "--out", tmp_path / "a")
    assert told.exit_code == 0
    assert "1.000" in told.stdout
    machine = json.loads(run("evaluate", labels, labels, "--out", tmp_path / "b", "--json").stdout)
    assert {row["metric"]: row["mean"] for row in machine["structures"]}["dice"] == 1.0


def test_a_report_is_one_file_that_names_the_case(folder: Path, labels: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    result = run("report", labels, labels, "--input", folder, "--out", out)
    assert result.exit_code == 0, result.stderr
    assert "one" in out.read_text(encoding="utf-8")
    assert run("report", labels, labels, "--out", out).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (PromptError("the box\nis reversed", mend="swap it"), 2, "the box is reversed; swap it"),
        (
            OSError(errno.ENOSPC, "No space left on device", "/out/a.nii.gz"),
            2,
            "/out/a.nii.gz: No space left",
        ),
        (KeyboardInterrupt(), 130, "Ctrl-C"),
        (ZeroDivisionError("division by zero"), 70, "ZeroDivisionError: division by zero"),
    ],
)
def test_whatever_goes_wrong_is_one_sentence(
    error: BaseException, code: int, words: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("unicare.prompts.check.check_input", fail)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = run("prompts", "check", tmp_path)
    assert result.exit_code == code
    assert words in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.output


def test_the_traceback_of_an_own_error_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("unicare.prompts.check.check_input", lambda *_, **__: 1 / 0)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    result = run("prompts", "check", tmp_path)
    (log,) = tmp_path.glob("unicare-*.log")
    assert str(log) in result.stderr
    assert "Traceback" in log.read_text()


def test_flags_of_train_become_settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told: list[Any] = []

    def run_recipe(recipe: Path, out: Path, changes: list[str]) -> Path:
        told.extend([recipe, out, changes])
        return out / "weights.safetensors"

    monkeypatch.setitem(sys.modules, "unicare.train.run", SimpleNamespace(run_recipe=run_recipe))
    words = ("--set", "loop.steps=3", "--seed", "7", "--device", "cpu", "--workers", "0", "--json")
    result = run("train", tmp_path / "ask.yaml", "--out", tmp_path / "run", *words)
    assert json.loads(result.stdout) == {"weights": str(tmp_path / "run" / "weights.safetensors")}
    assert told[:2] == [tmp_path / "ask.yaml", tmp_path / "run"]
    assert sorted(told[2]) == ["data.workers=0", "loop.device=cpu", "loop.seed=7", "loop.steps=3"]


def test_anatomy_needs_tissues(tmp_path: Path) -> None:
    result = run("cohort", "simulate", tmp_path / "out", "--anatomy", tmp_path)
    assert result.exit_code == 2
    assert "--tissues" in result.stderr


def test_the_demo_keeps_off_folders_that_hold_something_else(tmp_path: Path) -> None:
    mine = tmp_path / "mine.txt"
    mine.write_text("keep")
    result = run("demo", tmp_path, "--overwrite")
    assert result.exit_code == 2
    assert "isn't a demo" in result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_overwriting_a_cohort_removes_its_own_files_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    row = CohortRow("C1", "P1", "A", "", "la", "test", "ID", ("LGE",), (420,))
    write_cohort(tmp_path, [row])
    for name in ("C1.nii.gz", "C1_T2.nii.gz", "C12.nii.gz"):
        (tmp_path / "la" / "images").mkdir(parents=True, exist_ok=True)
        (tmp_path / "la" / "images" / name).touch()
    monkeypatch.setattr("unicare.data.phantom.simulate.simulate_cohort", lambda *_, **__: [row])
    result = run("cohort", "simulate", tmp_path, "--overwrite", "--json")
    assert json.loads(result.stdout)["cases"] == ["C1"]
    assert [path.name for path in (tmp_path / "la" / "images").iterdir()] == ["C12.nii.gz"]
