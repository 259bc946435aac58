"""Everything that can be wrong with an input, through the public door: one clear sentence each."""

from __future__ import annotations

import gzip
import json
import os
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from unicare.cli.app import app

SHAPE = (24, 28, 4)
GOOD = {"1": {"500": [[4, 5, 18, 20], [[10, 11]]]}, "2": None}
AFFINE = np.diag([-1.0, 1.5, 4.0, 1.0])


def predict(folder: Path, output: Path, weights: Path, *words: str) -> Result:
    return CliRunner().invoke(
        app, ["predict", str(folder), str(output), "--weights", str(weights), "--device", "cpu", *words]
    )


def image(path: Path, data: Any = None, affine: Any = AFFINE) -> bytes:
    """Writes an image with nibabel (with unicare's own checks out of the way); returns its bytes unpacked."""
    if data is None:
        data = np.random.default_rng(0).normal(100, 10, SHAPE).astype(np.float32)
    made = nibabel.Nifti1Image(data, affine)
    made.set_sform(affine, 1)
    made.set_qform(None, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(made, path)
    return gzip.decompress(path.read_bytes())


def patched(path: Path, raw: bytes, offset: int, form: str, *values: Any) -> None:
    """The same file with some bytes of its header replaced."""
    changed = bytearray(raw)
    struct.pack_into(f"<{form}", changed, offset, *values)
    path.write_bytes(gzip.compress(bytes(changed)))


BAD_IMAGES = {
    "cut": "the gzip stream is cut off",
    "text": "not a NIfTI file",
    "zipped text": "not a NIfTI file",
    "empty": "the file is empty",
    "nan": "2 of 2688 are NaN, infinite",
    "inf": "2 of 2688 are NaN, infinite",
    "zero spacing": "the voxel spacing is zero",
    "singular": "the affine is singular",
    "directionless": "doesn't say how it lies in the patient",
    "flat": "not a 3D volume",
    "moving": "not a 3D volume",
    "colour": "the voxels aren't plain numbers",
    "huge claim": "too big; found (3200, 3200, 1000) voxels of float32, 41.0 GB",
    "folder": "found a folder",
}
"""Case to what must be said of its image."""


def write_bad_images(images: Path) -> None:
    def file(case: str) -> Path:
        return images / f"{case}.nii.gz"

    raw = image(file("cut"))
    file("cut").write_bytes(gzip.compress(raw)[:2000])
    file("text").write_text("hello, I am a text file")
    file("zipped text").write_bytes(gzip.compress(b"hello, I am a text file, but a zipped one" * 20))
    file("empty").write_bytes(b"")
    hollow = np.ones(SHAPE, dtype=np.float32)
    hollow[3, 4, 2] = hollow[5, 5, 1] = np.nan
    image(file("nan"), hollow)
    image(file("inf"), np.where(hollow == 1, hollow, np.inf).astype(np.float32))
    patched(file("zero spacing"), raw, 280, "12f", *np.zeros(12))
    patched(file("singular"), raw, 280, "12f", 1, 1, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0)
    patched(file("directionless"), raw, 252, "2h", 0, 0)
    image(file("flat"), np.ones((24, 28), dtype=np.float32))
    image(file("moving"), np.ones((*SHAPE, 5), dtype=np.float32))
    image(file("colour"), np.zeros(SHAPE, dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")]))
    patched(file("huge claim"), raw, 40, "8h", 3, 3200, 3200, 1000, 1, 1, 1, 1)
    file("folder").mkdir()


BAD_PROMPTS: dict[str, tuple[Any, str]] = {
    "no image": (GOOD, "prompts, but no image"),
    "negative": ({"1": {"500": [[-40, 5, 18, 20], []]}}, "slice 1, label 500: box: negative coordinate"),
    "far out": ({"1": {"500": [[4, 5, 900, 20], []]}}, "slice 1, label 500: the box lies outside the slice"),
    "huge": ({"1": {"500": [[4, 5, 10**30, 20], []]}}, "slice 1, label 500: box: huge coordinate"),
    "no number": ({"1": {"500": [[4, "5", 9, 20], []]}}, "slice 1, label 500: box"),
    "reversed": ({"1": {"500": [[18, 20, 4, 5], []]}}, "slice 1, label 500: box: reversed corners"),
    "point outside": (
        {"1": {"500": [None, [[3, 99]]]}},
        "slice 1, label 500: a point lies outside the slice",
    ),
    "swapped": ({"1": {"500": [[5, 10, 9, 27], [[6, 12]]]}}, "slice 1, label 500"),
    "nothing": ({"1": {"500": [None, []]}}, "slice 1, label 500: neither box nor points"),
    "no slice": ({"77": {"500": [[4, 5, 18, 20], []]}}, "slice 77: no such slice"),
    "no label": ({"1": {"liver": [[4, 5, 18, 20], []]}}, "slice 1: not a label; found 'liver'"),
    "label 0": ({"1": {"0": [[4, 5, 18, 20], []]}}, "slice 1: not a label"),
    "no mask": ({"1": {"500": [None, None, {"mask": "gone.nii"}]}}, "gone.nii"),
    "list": ([1, 2], "case list"),
}

WORKING: dict[str, Any] = {
    "good": {"1": {"500": [[4, 5, 18, 20], [[10, 11]]]}},
    "large label": {"slice 1": {"70000": [[4, 5, 18, 20], []], "2221": [[6, 7, 12, 14], []]}},
    "constant": GOOD,
    "one slice": {"0": {"500": [[4, 5, 18, 20], []]}},
    "nothing there": {"0": None},
    "pair": GOOD,
}


MORE = {
    "unprompted": "an image, but no prompts",
    "twice": "listed twice",
    "double": "slice",
}


@pytest.fixture(scope="module")
def worked_through(tmp_path_factory: pytest.TempPathFactory, tiny_weights: Path) -> tuple[Path, Result]:
    """One run over a folder in which most things are wrong; the output folder, and what was said."""
    root = tmp_path_factory.mktemp("bad")
    images = root / "input" / "images"
    images.mkdir(parents=True)
    write_bad_images(images)
    fine = {"unprompted", "twice", "double", "good", "large label", "nothing there", *BAD_PROMPTS}
    for case in fine - {"no image"}:
        image(images / f"{case}.nii.gz")
    image(images / "constant.nii.gz", np.full(SHAPE, 7, dtype=np.int16))
    image(images / "one slice.nii.gz", np.random.default_rng(1).normal(0, 1, (24, 28, 1)).astype(np.float32))
    image(images / "pair_LGE.nii.gz")
    image(images / "pair_T2.nii.gz", np.ones((20, 20, 3), dtype=np.float32))
    (images / "notes.txt").write_text("not an image")
    prompts = {**dict.fromkeys(BAD_IMAGES, GOOD), **{case: raw for case, (raw, _) in BAD_PROMPTS.items()}}
    text = json.dumps({**prompts, **WORKING})
    text = text[:-1] + ', "twice": {}, "twice": {}, "double": {"1": null, "slice 1": null}}'
    (root / "input" / "prompts.json").write_text(text, encoding="utf-8")
    return root / "output", predict(root / "input", root / "output", tiny_weights)


@pytest.fixture(scope="module")
def errors(worked_through: tuple[Path, Result]) -> dict[str, str]:
    output, _ = worked_through
    told: dict[str, str] = json.loads((output / "errors.json").read_text(encoding="utf-8"))
    return told


ALL_BAD = {**BAD_IMAGES, **{case: words for case, (_, words) in BAD_PROMPTS.items()}, **MORE}


@pytest.mark.parametrize("case", ALL_BAD)
def test_what_is_wrong_is_one_sentence_that_names_the_case(errors: dict[str, str], case: str) -> None:
    assert ALL_BAD[case] in errors[case]
    assert case in errors[case]
    assert "\n" not in errors[case]
    assert len(errors[case]) < 600


def test_only_what_is_wrong_fails(errors: dict[str, str]) -> None:
    assert set(errors) == set(ALL_BAD)


@pytest.mark.parametrize("case", WORKING)
def test_the_other_cases_are_finished(worked_through: tuple[Path, Result], case: str) -> None:
    output, _ = worked_through
    saved = nibabel.load(output / f"{case}_pred.nii.gz")
    source = min((output.parent / "input" / "images").glob(f"{case}*.nii.gz"))
    assert saved.shape == nibabel.load(source).shape
    prompted = {int(label) for labels in WORKING[case].values() for label in labels or ()}
    assert set(np.unique(np.asarray(saved.dataobj)).tolist()) <= {0, *prompted}


def test_the_run_ends_with_a_table_and_an_exit_code(worked_through: tuple[Path, Result]) -> None:
    _, result = worked_through
    assert result.exit_code == 1
    assert "Traceback" not in result.output
    assert "cases that failed" in result.stderr
    assert all(case in result.stderr for case in ALL_BAD)
    assert f"{len(WORKING)} done" in result.stdout
    assert f"{len(ALL_BAD)} failed" in result.stdout


def test_nothing_half_written_stays(worked_through: tuple[Path, Result]) -> None:
    output, _ = worked_through
    expected = {f"{case}_pred.nii.gz" for case in WORKING} | {"run.json", "errors.json"}
    assert {path.name for path in output.iterdir()} == expected


def test_the_manifest_tells_of_every_case(worked_through: tuple[Path, Result]) -> None:
    output, _ = worked_through
    run = json.loads((output / "run.json").read_text(encoding="utf-8"))
    status = {record["case"]: record["status"] for record in run["cases"]}
    assert status == {**dict.fromkeys(ALL_BAD, "failed"), **dict.fromkeys(WORKING, "done")}
    assert run["status"] == "finished"


def test_a_swapped_file_is_told_the_option_that_mends_it(errors: dict[str, str]) -> None:
    assert "--prompt-axes lp" in errors["swapped"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An input of three good cases."""
    for case in ("a", "b", "c"):
        image(tmp_path / "input" / "images" / f"{case}.nii.gz")
    prompts = json.dumps(dict.fromkeys(("a", "b", "c"), GOOD))
    (tmp_path / "input" / "prompts.json").write_text(prompts)
    return tmp_path / "input"


def ends_in_a_sentence(result: Result, words: str, code: int = 2) -> str:
    """What was said, after checks that it is one sentence and no traceback."""
    assert result.exit_code == code, result.output
    assert "Traceback" not in result.output
    (told,) = [line for line in result.stderr.splitlines() if line.startswith("unicare: ")]
    assert words in told
    return told


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "prompts.json: the file is empty"),
        (b"{", "not JSON"),
        (b"[]", "not an object"),
        (json.dumps({"a": GOOD}).encode("utf-16"), "wrong encoding; found UTF-16"),
        ('{"übung": {}}'.encode("latin-1"), "byte 0xfc in line 1, which isn't UTF-8"),
        (b'{"a": ' + b"[" * 100_000, "prompts.json: "),
        (bytes(range(256)), "wrong encoding"),
    ],
)
def test_prompts_that_cannot_be_read(
    folder: Path, tmp_path: Path, tiny_weights: Path, content: bytes, words: str
) -> None:
    (folder / "prompts.json").write_bytes(content)
    ends_in_a_sentence(predict(folder, tmp_path / "out", tiny_weights), words)
    assert not (tmp_path / "out").exists()


def test_prompts_with_a_byte_order_mark_are_read(folder: Path, tmp_path: Path, tiny_weights: Path) -> None:
    text = (folder / "prompts.json").read_text()
    (folder / "prompts.json").write_text(text, encoding="utf-8-sig")
    assert predict(folder, tmp_path / "out", tiny_weights).exit_code == 0


def test_prompts_of_gigabytes_are_refused_unread(folder: Path, tmp_path: Path, tiny_weights: Path) -> None:
    with (folder / "prompts.json").open("r+b") as file:
        file.truncate(3 * 1024**3)
    told = ends_in_a_sentence(predict(folder, tmp_path / "out", tiny_weights), "too large; found 3221 MB")
    assert "split it" in told


def test_large_prompts_are_read(folder: Path, tmp_path: Path, tiny_weights: Path) -> None:
    many = dict.fromkeys((f"case {i}" for i in range(30)), dict.fromkeys(map(str, range(20_000))))
    (folder / "prompts.json").write_text(json.dumps({**many, "a": GOOD}))
    assert (folder / "prompts.json").stat().st_size > 8_000_000
    result = predict(folder, tmp_path / "out", tiny_weights, "--json")
    assert json.loads(result.stdout)["done"] == 1
    assert len(json.loads(result.stdout)["errors"]) == 32


def test_missing_parts_of_the_input(folder: Path, tmp_path: Path, tiny_weights: Path) -> None:
    out = tmp_path / "out"
    ends_in_a_sentence(predict(folder, out, tmp_path / "none"), "no such file; expected weights")
    ends_in_a_sentence(predict(tmp_path / "nowhere", out, tiny_weights), "prompts.json: no such file")
    (folder / "prompts.json").unlink()
    ends_in_a_sentence(predict(folder, out, tiny_weights), "prompts.json: no such file")
    (folder / "prompts.json").write_text("{}")
    (folder / "images").rename(folder / "pictures")
    ends_in_a_sentence(predict(folder, out, tiny_weights), "folder of images can't be read")
    (folder / "images").mkdir()
    ends_in_a_sentence(predict(folder, out, tiny_weights), "no images")
    assert not out.exists()


def test_a_place_that_cannot_be_written_to(folder: Path, tmp_path: Path, tiny_weights: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    for place in (tmp_path / "taken", tmp_path / "taken" / "out"):
        ends_in_a_sentence(predict(folder, place, tiny_weights), "can't be written")
    assert (tmp_path / "taken").read_text() == "a file"
    if Path("/proc/version").exists():
        ends_in_a_sentence(predict(folder, Path("/proc/unicare"), tiny_weights), "can't be written")


@pytest.fixture
def small_disk(tmp_path: Path) -> Any:
    """A folder on a disk of 48 KB."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=48k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("only root may mount a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_full_disk_is_told_and_leaves_no_half_file(
    folder: Path, small_disk: Path, tiny_weights: Path
) -> None:
    (small_disk / "filler").write_bytes(bytes(36_000))
    noise = np.random.default_rng(0).normal(0, 1, (200, 200, 4)).astype(np.float32)
    image(folder / "images" / "b.nii.gz", noise)
    wide = {str(i): {"9": [[0, 0, 200, 200], []]} for i in range(4)}
    (folder / "prompts.json").write_text(json.dumps({"a": GOOD, "b": wide, "c": GOOD}))
    result = predict(folder, small_disk, tiny_weights)
    assert result.exit_code in (1, 2)
    assert "Traceback" not in result.output
    assert "No space left on device" in result.stderr
    assert "room" in result.stderr
    assert not list(small_disk.glob(".*"))
    for path in small_disk.glob("*_pred.nii.gz"):
        assert np.asarray(nibabel.load(path).dataobj).ndim == 3
    (small_disk / "filler").unlink()


SLOW = """
import os, signal, sys, time
real = os.replace
def replace(source, target):
    if str(target).endswith({slow!r}):
        time.sleep(60)
    real(source, target)
os.replace = replace
if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # background shells hand down that it is ignored
    from unicare.cli.app import main
    main(sys.argv[1:])
"""
"""The command line, but for one file that takes long to be put in its place."""


class Started:
    """The command in a process group of its own, at the moment when one file is half written."""

    def __init__(self, script: Path, folder: Path, out: Path, weights: Path, workers: int = 1) -> None:
        script.write_text(SLOW.format(slow="b_pred.nii.gz"))
        source = Path(__file__).parents[1] / "src"
        words = ("--weights", weights, "--device", "cpu", "--workers", str(workers))
        self.process = subprocess.Popen(
            [sys.executable, script, "predict", folder, out, *words],
            env={**os.environ, "PYTHONPATH": str(source), "OMP_NUM_THREADS": "1"},
            stderr=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        until = time.monotonic() + 120
        others = {"a_pred.nii.gz"} if workers == 1 else {"a_pred.nii.gz", "c_pred.nii.gz"}
        while not (others <= {path.name for path in out.glob("*")} and list(out.glob(".unicare-*.part"))):
            assert self.process.poll() is None, self.process.communicate()
            assert time.monotonic() < until
            time.sleep(0.05)

    def stop(self, number: signal.Signals, group: bool = True) -> tuple[int, str]:
        """Sends a signal to all its processes (as a terminal does) or to the first; exit code, and stderr."""
        (os.killpg if group else os.kill)(self.process.pid, number)
        _, told = self.process.communicate(timeout=60)
        return self.process.returncode, told


posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


@posix
@pytest.mark.parametrize(
    ("number", "workers", "group"),
    [
        (signal.SIGINT, 1, True),
        (signal.SIGINT, 2, True),
        (signal.SIGINT, 2, False),
        (signal.SIGTERM, 1, False),
    ],
)
def test_ctrl_c_is_one_sentence_and_leaves_no_half_file(
    folder: Path, tmp_path: Path, tiny_weights: Path, number: signal.Signals, workers: int, group: bool
) -> None:
    out = tmp_path / "out"
    code, told = Started(tmp_path / "slow.py", folder, out, tiny_weights, workers).stop(number, group)
    assert code == 130
    assert told.splitlines() == [told.strip()]
    assert told.startswith(
        "unicare: stopped by Ctrl-C" if number is signal.SIGINT else "unicare: told to stop"
    )
    assert not list(out.glob(".*"))
    run = json.loads((out / "run.json").read_text())
    assert run["status"] == "interrupted"
    assert "a" in {record["case"] for record in run["cases"]}
    assert not (out / "b_pred.nii.gz").exists()


@posix
@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_leaves_no_half_file_and_is_finished_by_the_next(
    folder: Path, tmp_path: Path, tiny_weights: Path, workers: int
) -> None:
    out = tmp_path / "out"
    Started(tmp_path / "slow.py", folder, out, tiny_weights, workers).stop(signal.SIGKILL)
    assert {path.name for path in out.glob("*_pred.nii.gz")} <= {"a_pred.nii.gz", "c_pred.nii.gz"}
    first = (out / "a_pred.nii.gz").stat()
    result = predict(folder, out, tiny_weights, "--json")
    assert json.loads(result.stdout)["skipped"] == workers
    assert (out / "a_pred.nii.gz").stat().st_mtime_ns == first.st_mtime_ns
    names = {f"{case}_pred.nii.gz" for case in "abc"} | {"run.json"}
    assert {path.name for path in out.iterdir()} == names
