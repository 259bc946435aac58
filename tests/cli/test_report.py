import re
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from unicare.cli.app import app
from unicare.core.volume import Volume
from unicare.data.nifti import save_labels

AFFINE = np.diag([-1.0, -1.5, 4.0, 1.0])


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, ["report", *(str(word) for word in words)])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Truths of two cases, and two folders of predictions: as they are, and moved."""
    data = np.zeros((24, 30, 6), dtype=np.int16)
    data[5:15, 8:22, 2:5] = 20
    for case in ("one", "two"):
        volume = Volume.from_file_axes(data, AFFINE)
        for folder, labels in (
            ("truth", volume.data),
            ("same", volume.data),
            ("a=b", np.roll(volume.data, 3, axis=0)),
        ):
            save_labels(tmp_path / folder / f"{case}.nii.gz", volume, labels)
    return tmp_path


def runs_in(path: Path) -> list[str]:
    """The runs that the case browser can be narrowed down to, in their order."""
    html = path.read_text(encoding="utf-8")
    return re.findall(r"<option>(.*?)</option>", html)


def test_several_folders_stand_side_by_side_by_their_names(root: Path) -> None:
    out = root / "report.html"
    result = run(f"first={root / 'same'}", root / "a=b", root / "truth", "--out", out, "--note", "made up")
    assert result.exit_code == 0, result.output
    assert runs_in(out) == ["first", "a=b"]
    assert "first is best" not in out.read_text()  # two cases can't show that
    assert "made up" in out.read_text()


def test_tables_that_are_there_are_read_and_not_measured(root: Path) -> None:
    CliRunner().invoke(
        app, ["evaluate", str(root / "a=b"), str(root / "truth"), "--out", str(root / "figures")]
    )
    table = root / "figures/metrics.csv"
    table.write_text(table.read_text().replace("measured", "both_empty"))
    out = root / "report.html"
    assert run(root / "a=b", root / "truth", "--metrics", table, "--out", out).exit_code == 0
    assert "a=b: both empty" in out.read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["{root}/same"], "then that of the truths"),
        (["{root}/same", "{root}/same", "{root}/truth"], "two runs are called same"),
        (["{root}/same", "{root}/truth", "--metrics", "a.csv", "--metrics", "b.csv"], "2 for 1 folders"),
        (["{root}/same", "{root}/truth", "--board", "nobody"], "nobody"),
        (["{root}/nowhere", "{root}/truth"], "nowhere"),
    ],
)
def test_what_cannot_be_used_is_said_in_a_sentence(root: Path, words: list[str], said: str) -> None:
    out = root / "report.html"
    result = run(*(word.format(root=root) for word in words), "--out", out)
    assert result.exit_code == 2
    assert said in " ".join(result.output.split())
    assert not out.exists()
