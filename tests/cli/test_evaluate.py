"""``unicare evaluate`` on the command line."""

import json
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from unicare.cli.app import app
from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.run import evaluate
from unicare.evaluate.terminal import print_worst

SHAPE = (20, 18, 6)


def run(*words):
    return CliRunner().invoke(app, ["evaluate", *[str(word) for word in words]])


def save(path, labels, affine=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    affine = np.diag([-1.0, -1.0, 8.0, 1.0]) if affine is None else affine
    nib.save(nib.Nifti1Image(labels.astype(np.int16), affine), path)


def heart():
    labels = np.zeros(SHAPE)
    labels[3:15, 3:15, 1:5] = 205
    labels[6:12, 6:12, 1:5] = 500
    return labels


@pytest.fixture
def folders(tmp_path):
    for index in range(3):
        save(tmp_path / f"truth/{index}.nii.gz", heart())
        save(tmp_path / f"predictions/{index}_pred.nii.gz", np.roll(heart(), index, 0))
    return tmp_path / "predictions", tmp_path / "truth"


def test_the_same_command_again_goes_on(folders, tmp_path):
    out = tmp_path / "out"
    assert run(*folders, "--out", out).exit_code == 0
    written = {path.name: path.read_bytes() for path in out.iterdir()}
    assert set(written) == {"metrics.csv", "metrics.parquet", "summary.json", "cases.jsonl"}
    again = run(*folders, "--out", out)
    assert again.exit_code == 0, again.stderr
    assert "3 of 3 cases had been measured before" in again.stdout
    assert {path.name: path.read_bytes() for path in out.iterdir()} == written


@pytest.mark.parametrize("change", ["predictions", "settings", "foreign"])
def test_another_evaluation_is_not_replaced_unasked(folders, tmp_path, change):
    predictions, truth = folders
    out = tmp_path / "out"
    words = [predictions, truth, "--out", out]
    if change == "foreign":
        out.mkdir()
        (out / "metrics.csv").write_text("mine")
    else:
        assert run(*words).exit_code == 0
        words = [truth, truth, "--out", out] if change == "predictions" else [*words, "--metrics", "dice"]
    before = (out / "metrics.csv").read_text()
    refused = run(*words)
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr
    assert (out / "metrics.csv").read_text() == before
    assert run(*words, "--overwrite").exit_code == 0
    assert (out / "metrics.csv").read_text() != before


def test_metrics_and_tolerance_are_chosen(folders, tmp_path):
    words = ("--metrics", "nsd, dice,generalised_dice", "--tolerance-mm", "1", "--json")
    told = json.loads(run(*folders, "--out", tmp_path / "out", *words).stdout)
    assert told["settings"]["metrics"] == ["dice", "nsd", "generalised_dice"]
    assert told["settings"]["tolerance_mm"] == 1.0
    assert [one["metric"] for one in told["structures"]] == ["dice", "nsd", "dice", "nsd", "generalised_dice"]


def test_another_librarys_definition_is_said(folders, tmp_path):
    words = ("--compat", "monai", "--metrics", "dice,hausdorff_mm", "--json")
    told = json.loads(run(*folders, "--out", tmp_path / "out", *words).stdout)
    assert told["definition"] == told["settings"]["compat"] == "monai"
    assert json.loads((tmp_path / "out" / "summary.json").read_text()) == told


def test_resample_mends_another_grid(folders, tmp_path):
    predictions, truth = folders
    save(predictions / "0_pred.nii.gz", heart()[:, :, :5])
    failed = run(predictions, truth, "--out", tmp_path / "out")
    assert failed.exit_code == 1
    assert "0_pred.nii.gz" in failed.stdout
    assert "--resample" in failed.stdout
    mended = run(predictions, truth, "--out", tmp_path / "mended", "--resample", "--json")
    assert mended.exit_code == 0
    assert "nearest neighbour" in json.loads(mended.stdout)["findings"][0]


def test_check_lists_and_fails_and_scores_nothing(folders):
    predictions, truth = folders
    good = run(predictions, truth, "--check")
    assert good.exit_code == 0
    assert "nothing is wrong, 3 cases expected" in good.stdout
    (predictions / "1_pred.nii.gz").unlink()
    save(predictions / "9_pred.nii.gz", heart())
    bad = run(predictions, truth, "--check", "--geometry-only")
    assert bad.exit_code == 1
    assert "missing" in bad.stdout
    assert "9_pred.nii.gz" in bad.stdout
    told = json.loads(run(predictions, truth, "--check", "--json").stdout)
    assert [one["kind"] for one in told["problems"]] == ["missing", "extra"]
    assert not (predictions / "evaluation").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--metrics", "dise"), "unknown metric; found dise"),
        (("--task", "brain"), "unknown task; found brain"),
        (("--cohort", "nowhere.csv"), "nowhere.csv: can't read the manifest"),
        (("--engine", "ray", "--ray-address", "127.0.0.1:1"), "no Ray cluster can be reached; found 127.0"),
        (("--engine", "ray", "--ray-address", "ray://127.0.0.1:1"), "check --ray-address"),
        (("--engine", "ray", "--ray-address", "head:port"), "no Ray cluster can be reached"),
    ],
)
def test_what_cannot_be_is_one_sentence(folders, tmp_path, words, said):
    if "ray" in words:
        pytest.importorskip("ray")
    result = run(*folders, "--out", tmp_path / "out", *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_torch_is_loaded(folders):
    words = ["evaluate", *map(str, folders)]
    script = (
        "import sys\nfrom unicare.cli.app import app\n"
        f"app({words!r}, standalone_mode=False)\n"
        "assert not {'torch', 'monai', 'ray'} & set(sys.modules)\n"
    )
    source = str(Path(__file__).parents[2] / "src")
    done = subprocess.run(
        [sys.executable, "-c", script],
        check=False,
        env={"PYTHONPATH": source, "PATH": ""},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("width", [80, 120])
def test_tables_fit_the_terminal_with_both_distributions_side_by_side(folders, tmp_path, width):
    rows = [
        CohortRow(str(index), "", "North", "", "whs", "test", distribution, ("CT",), (205, 500))
        for index, distribution in enumerate(("ID", "ID", "OOD"))
    ]
    console = Console(record=True, width=width, force_terminal=False, file=sys.stderr)
    print_worst(evaluate(*folders, None, write_cohort(tmp_path, rows)), console, count=2)
    text = console.export_text()
    lines = text.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= width
    assert "…" not in text
    head = next(line for line in lines if "Dice ID" in line)
    assert "Dice OOD" in head
    assert ("HD95" in head) == (width == 120)
    means = next(line for line in lines if line.strip().startswith("left ventricle") and "2/1" in line)
    assert "0.917 ±0.118" in means
    assert "0.667" in means
