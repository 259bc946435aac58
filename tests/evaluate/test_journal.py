"""A run that is stopped goes on from there; what has changed, and only that, is measured again."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import OutputError
from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.journal import _FIGURES_COME_FROM
from unicare.evaluate.run import JOURNAL_FILE, METRICS_FILE, PARQUET_FILE, SUMMARY_FILE, evaluate
from unicare.evaluate.settings import EvaluationSettings

SOURCE = Path(__file__).parents[2] / "src"


def save(path, shift=0):
    labels = np.zeros((20, 18, 6), dtype=np.int16)
    labels[4:12, 5:15, 1:5] = 200
    labels[6:9, 7:12, 2:4] = 2221
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.Nifti1Image(np.roll(labels, shift, 0), np.diag([-1.0, -1.0, 8.0, 1.0])), path)


@pytest.fixture
def folders(tmp_path):
    for index in range(5):
        save(tmp_path / f"truth/{index}.nii.gz")
        save(tmp_path / f"predictions/{index}_pred.nii.gz", index % 3)
    return tmp_path / "predictions", tmp_path / "truth", tmp_path / "out"


def bytes_of(out):
    return {name: (out / name).read_bytes() for name in (METRICS_FILE, PARQUET_FILE, SUMMARY_FILE)}


def kept_cases(out):
    lines = (out / JOURNAL_FILE).read_text(encoding="utf-8").split("\n")
    whole = lines[1:-1]  # what follows the last line end is still being written
    return [json.loads(line)["case"] for line in whole]


def test_the_same_again_measures_nothing_and_writes_the_same(folders):
    first = evaluate(*folders)
    written = bytes_of(folders[2])
    again = evaluate(*folders)
    assert (first.kept, again.kept) == (0, 5)
    assert again == first
    assert bytes_of(folders[2]) == written
    assert sorted(path.name for path in folders[2].iterdir()) == sorted([*written, JOURNAL_FILE])


def test_only_what_changed_is_measured_again(folders):
    predictions, truth, out = folders
    before = evaluate(*folders)
    save(predictions / "1_pred.nii.gz", 7)
    (predictions / "2_pred.nii.gz").unlink()
    save(truth / "5.nii.gz")
    after = evaluate(*folders)
    assert after.kept == 3
    assert after.missing == ("2", "5")
    assert kept_cases(out) == ["0", "1", "2", "3", "4", "5"]
    fresh = evaluate(predictions, truth)
    assert after == fresh
    assert after.rows != before.rows


@pytest.mark.parametrize(
    "settings",
    [
        EvaluationSettings(tolerance_mm=1.0),
        EvaluationSettings(metrics=("dice",)),
        EvaluationSettings(resample=True),
    ],
)
def test_other_settings_measure_anew(folders, settings):
    evaluate(*folders)
    assert evaluate(*folders, settings=settings).kept == 0


def test_what_the_manifest_says_of_a_case_is_taken_from_it_anew(folders, tmp_path):
    def cohort(centre, annotated):
        rows = [
            CohortRow(str(index), "", centre, "", "myops", "test", "OOD", ("LGE",), annotated)
            for index in range(5)
        ]
        return write_cohort(tmp_path, rows)

    evaluate(*folders, cohort("North", (200, 2221)))
    moved = evaluate(*folders, cohort("South", (200, 2221)))
    assert moved.kept == 5
    assert {row.centre for row in moved.rows} == {"South"}
    fewer = evaluate(*folders, cohort("South", (200,)))
    assert fewer.kept == 0
    assert {row.label for row in fewer.rows} == {200}


def test_overwrite_starts_anew(folders):
    evaluate(*folders)
    assert evaluate(*folders, overwrite=True).kept == 0


def test_cases_that_failed_are_tried_again(folders):
    predictions, _, out = folders
    whole = (predictions / "3_pred.nii.gz").read_bytes()
    (predictions / "3_pred.nii.gz").write_bytes(whole[:-20])
    assert set(evaluate(*folders).errors) == {"3"}
    assert kept_cases(out) == ["0", "1", "2", "4"]
    (predictions / "3_pred.nii.gz").write_bytes(whole)
    result = evaluate(*folders)
    assert (result.kept, dict(result.errors)) == (4, {})


def test_findings_and_sizes_of_lesions_are_kept_as_well(folders):
    predictions, _, _ = folders
    labels = nib.load(predictions / "0_pred.nii.gz")
    data = np.asarray(labels.dataobj).copy()
    data[0, 0, :4] = 77
    nib.save(nib.Nifti1Image(data, labels.affine), predictions / "0_pred.nii.gz")
    first = evaluate(*folders)
    assert "label 77" in first.findings[0]
    again = evaluate(*folders)
    assert again.kept == 5
    assert again.findings == first.findings
    assert again.detection == first.detection
    assert again.detection["myocardial scar"].titles()


@pytest.mark.parametrize("damage", ["half a line", "not JSON", "foreign", "binary"])
def test_a_damaged_journal_costs_only_its_damaged_lines(folders, damage):
    journal = folders[2] / JOURNAL_FILE
    expected = evaluate(*folders)
    lines = journal.read_text().splitlines(keepends=True)
    last = {
        "half a line": lines[-1][: len(lines[-1]) // 2],
        "not JSON": "what?\n",
        "foreign": json.dumps({"key": json.loads(lines[-1])["key"], "rows": 3}) + "\n",
        "binary": "\0\x1b\n",
    }[damage]
    journal.write_text("".join(lines[:-1]) + last)
    again = evaluate(*folders)
    assert again == expected
    assert again.kept == 4


def test_a_place_that_cannot_be_written_to_is_told_before_anything_is_measured(folders, tmp_path):
    (tmp_path / "taken").touch()
    told = []
    with pytest.raises(OutputError, match="can't be written"):
        evaluate(*folders[:2], tmp_path / "taken", None, lambda *words: told.append(words))
    assert told == []


SLOW = """
import sys, time
from unicare.data import nifti
real = nifti.load_labels
def load_labels(path, **more):
    if path.name.startswith("3_pred"):
        time.sleep(600)
    return real(path, **more)
nifti.load_labels = load_labels
if __name__ == "__main__":
    from unicare.cli.app import main
    main(sys.argv[1:])
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_run_that_is_killed_is_gone_on_with(folders, tmp_path, workers):
    predictions, truth, out = folders
    (tmp_path / "slow.py").write_text(SLOW)
    words = ["evaluate", predictions, truth, "--out", out, "--workers", str(workers)]
    process = subprocess.Popen(
        [sys.executable, tmp_path / "slow.py", *words],
        env={**os.environ, "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    done = 3 if workers == 1 else 4  # the other process goes on with the case after the one that takes long
    until = time.monotonic() + 120
    while not (out / JOURNAL_FILE).exists() or len(kept_cases(out)) < done:
        assert process.poll() is None
        assert time.monotonic() < until
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert [path.name for path in out.iterdir()] == [JOURNAL_FILE]
    result = evaluate(*folders)
    assert result.kept == done
    evaluate(predictions, truth, tmp_path / "undisturbed")
    assert bytes_of(out) == bytes_of(tmp_path / "undisturbed")


def test_other_code_measures_anew(folders, monkeypatch):
    evaluate(*folders)
    monkeypatch.setattr("unicare.evaluate.journal._code", lambda: "of another day")
    assert evaluate(*folders).kept == 0


def test_the_code_that_figures_come_from_is_where_it_is_looked_for():
    assert all(list((SOURCE / "unicare").glob(pattern)) for pattern in _FIGURES_COME_FROM)
