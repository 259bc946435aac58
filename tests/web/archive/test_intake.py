"""A submission taken in: one list of everything that is wrong, in words that may be shown."""

import gzip
import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
from tests.web.archive.hostile import AFFINE, SHAPE, Raw, by_hand, nifti, nifti_claiming, nifti_gz, zipped
from tests.web.waiting import alive, until

import unicare
from unicare.core.errors import OutputError
from unicare.data.cohort import CohortRow, write_cohort
from unicare.evaluate.findings import Kind
from unicare.web.archive.contained import ProcessLimits, check_in_sandboxed_process
from unicare.web.archive.findings import UploadKind
from unicare.web.archive.intake import IntakeResult, Reference, take_in
from unicare.web.archive.unpack import UnpackLimits


def heart(label=500):
    values = np.zeros(SHAPE, dtype=np.int16)
    values[2:6, 3:7, 1:3] = label
    return values


def shifted():
    affine = AFFINE.copy()
    affine[0, 3] = 3.0
    return affine


WRONG = {
    "fine_pred.nii.gz": nifti_gz(heart()),
    "misshapen_pred.nii.gz": nifti_gz(heart()[:, :, :3]),
    "moved_pred.nii.gz": nifti_gz(heart(), shifted()),
    "mislabelled_pred.nii.gz": nifti_gz(heart(77)),
    "floats_pred.nii.gz": nifti_gz(heart().astype(np.float32) * 0.9999),
    "unreadable_pred.nii.gz": b"no volume",
    "huge_pred.nii": nifti_claiming((32767, 32767, 32767)),
    "bomb_pred.nii.gz": gzip.compress(nifti(heart()) + bytes(10**7)),
    "extra<b>_pred.nii.gz": nifti_gz(heart()),
    "notes.txt": b"hello",
    ".DS_Store": b"x",
}
CASES = ("fine", "misshapen", "moved", "mislabelled", "floats", "unreadable", "huge", "bomb", "absent")
EXPECTED = {
    (UploadKind.UNREADABLE, "unreadable_pred.nii.gz", ""),
    (UploadKind.UNREADABLE, "huge_pred.nii", ""),
    (UploadKind.UNREADABLE, "bomb_pred.nii.gz", ""),
    (UploadKind.OTHER_FILE, "notes.txt", ""),
    (UploadKind.IGNORED, "", ""),
    (Kind.SHAPE, "", "misshapen"),
    (Kind.AFFINE, "", "moved"),
    (Kind.UNKNOWN_LABEL, "", "mislabelled"),
    (Kind.FLOAT_LABELS, "", "floats"),
    (Kind.MISSING, "", "absent"),
    (Kind.EXTRA, "extra\\x3cb\\x3e_pred.nii.gz", ""),
}

ENDLESS = gzip.compress(nifti(heart())[:400]) + gzip.compress(b"") * 3_000_000
"""Millions of empty gzip streams in a row: little to keep, long to read."""


@pytest.fixture
def reference(tmp_path):
    """A truth for every case, in a folder of the organisers'."""
    folder = tmp_path / "secret" / "truth"
    folder.mkdir(parents=True)
    for case in CASES:
        (folder / f"{case}.nii.gz").write_bytes(nifti_gz(heart()))
    return Reference(folder, task="whs")


@pytest.fixture
def upload(tmp_path):
    def upload(content):
        path = tmp_path / "upload.zip"
        path.write_bytes(content if isinstance(content, bytes) else zipped(content))
        return path

    return upload


def in_this_process(source, target, reference, limits=None):
    return take_in(source, target, reference, limits)


@pytest.mark.parametrize("take", [in_this_process, check_in_sandboxed_process])
def test_everything_that_is_wrong_is_in_one_list(take, reference, upload, tmp_path):
    result = take(upload(WRONG), tmp_path / "predictions", reference)
    assert {(one.kind, one.name, one.case) for one in result.findings} == EXPECTED
    assert len(result.findings) == len(EXPECTED)
    assert (result.ok, result.cases, result.organisers) == (False, len(CASES), ())
    assert len(result.files) == 6
    for finding in result.findings:
        assert str(tmp_path) not in finding.text
        assert "secret" not in finding.text
        assert "<b>" not in finding.text
        assert "b'" not in finding.text
    words = {one.case or one.name: one.text for one in result.findings}
    assert words["absent"] == "no prediction; add absent_pred.nii.gz"
    assert words["extra\\x3cb\\x3e_pred.nii.gz"].startswith("the prediction of no case")
    assert "found a text" in words["unreadable_pred.nii.gz"]
    assert json.loads(json.dumps(result.as_dict()))["cases"] == len(CASES)
    assert IntakeResult.from_dict(json.loads(json.dumps(result.as_dict()))) == result


def test_a_good_submission(reference, upload, tmp_path):
    steps = []
    content = {f"p/{case}_pred.nii.gz": nifti_gz(heart()) for case in CASES}
    result = take_in(
        upload(content), tmp_path / "out", reference, progress=lambda done, total: steps.append((done, total))
    )
    assert result.ok
    assert result.findings == ()
    assert [file.name for file in result.files] == sorted(f"{case}_pred.nii.gz" for case in CASES)
    assert steps == [(number + 1, len(CASES)) for number in range(len(CASES))]


def test_no_archive_at_all(reference, upload, tmp_path):
    result = take_in(upload(b"hello"), tmp_path / "out", reference)
    assert [one.kind for one in result.findings] == [UploadKind.ARCHIVE]
    assert "no zip archive" in result.findings[0].text
    assert "\\x3c" not in result.findings[0].text
    assert (result.ok, result.cases) == (False, None)


def test_what_the_truth_holds_is_not_told(reference, upload, tmp_path):
    """A check costs nothing, so its words must not depend on the truth's voxels: only on its grid."""
    guess = {f"{case}.nii.gz": nifti_gz(heart(600)) for case in CASES}
    before = take_in(upload(guess), tmp_path / "one", reference)
    for case in CASES:
        (reference.folder / f"{case}.nii.gz").write_bytes(nifti_gz(heart(600)))
    after = take_in(upload(guess), tmp_path / "other", reference)
    assert before.findings == after.findings == ()


def test_the_manifest_says_what_labels_there_may_be(reference, upload, tmp_path):
    rows = [CohortRow(case, "", "", "", "whs", "test", "ID", ("CT",), (500, 600)) for case in CASES]
    told = Reference(reference.folder, write_cohort(tmp_path / "manifest", rows), "whs")
    content = {f"{case}.nii.gz": nifti_gz(heart(1 if case == "fine" else 500)) for case in CASES}
    result = take_in(upload(content), tmp_path / "out", told)
    assert [(one.kind, one.case) for one in result.findings] == [(Kind.OTHER_LABEL, "fine")]
    assert "write 500, 600" in result.findings[0].text


def test_a_broken_reference_is_for_the_organisers_alone(reference, upload, tmp_path):
    source = upload({f"{case}.nii.gz": nifti_gz(heart()) for case in CASES})
    (reference.folder / "fine.nii.gz").write_bytes(b"no volume")
    result = take_in(source, tmp_path / "one", reference)
    assert (result.ok, result.findings) == (False, ())
    assert [words.split(":")[0] for words in result.organisers] == ["case fine"]
    for place in (Reference(tmp_path / "nowhere"), Reference(reference.folder, task="unheard of")):
        result = take_in(source, tmp_path / f"out{place.task}", place)
        assert (result.ok, result.findings, len(result.organisers)) == (False, (), 1)


def test_a_process_that_takes_too_long_is_ended(reference, upload, tmp_path):
    source = upload(zipped({"fine_pred.nii.gz": ENDLESS}, zipfile.ZIP_STORED))
    result = check_in_sandboxed_process(source, tmp_path / "out", reference, process=ProcessLimits(cpu_s=2))
    assert [one.kind for one in result.findings] == [UploadKind.STOPPED]
    assert "more than 2 s of the processor" in result.findings[0].text
    assert (result.ok, result.organisers) == (False, ())
    slow = check_in_sandboxed_process(source, tmp_path / "out", reference, process=ProcessLimits(wall_s=1))
    assert "longer than 1 s" in slow.findings[0].text
    assert {path.name for path in tmp_path.iterdir()} == {"secret", "upload.zip"}


def test_a_check_ends_with_the_process_that_asked_for_it(reference, upload, tmp_path):
    """Else a worker that was killed and the next one would write to the same place."""
    source = upload(zipped({"fine_pred.nii.gz": ENDLESS}, zipfile.ZIP_STORED))
    script = """
import sys
from pathlib import Path
from unicare.web.archive.contained import check_in_sandboxed_process
from unicare.web.archive.intake import Reference
check_in_sandboxed_process(Path(sys.argv[1]), Path(sys.argv[2]), Reference(Path(sys.argv[3])))
"""
    places = [str(place) for place in (source, tmp_path / "out", reference.folder)]
    home = str(Path(unicare.__file__).parents[1])
    worker = subprocess.Popen([sys.executable, "-c", script, *places], env={**os.environ, "PYTHONPATH": home})
    part = tmp_path / ".out.part"
    until(part.exists)
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children").read_text().split()
    assert len(children) == 1
    worker.kill()
    worker.wait()
    until(lambda: not alive(int(children[0])))
    assert check_in_sandboxed_process(
        source, tmp_path / "out", reference, process=ProcessLimits(cpu_s=2)
    ).findings
    assert not part.exists()


def test_a_process_that_takes_too_much_memory_is_ended(reference, upload, tmp_path):
    """A volume that holds what it claims: 80 million zeros as int64, in less than a megabyte."""
    header = nifti_claiming((400, 400, 500), code=1024, content=b"")
    zeros = gzip.compress(header) + gzip.compress(bytes(10**6)) * 640
    source = upload({"absent_pred.nii.gz": nifti_gz(heart()), "fine_pred.nii.gz": zeros})
    limits = ProcessLimits(memory_bytes=12 * 10**8)
    result = check_in_sandboxed_process(source, tmp_path / "out", reference, process=limits)
    assert [one.kind for one in result.findings] == [UploadKind.STOPPED]
    assert f"after 2 of {len(CASES)} cases because it took more than 1.2 GB" in result.findings[0].text
    assert (result.ok, result.organisers) == (False, ())
    assert {path.name for path in tmp_path.iterdir()} == {"secret", "upload.zip"}


def test_a_process_that_dies_or_fails(reference, upload, tmp_path, monkeypatch):
    """Whatever ends it, the team is told so, what it printed is the organisers', and no secret gets there."""
    monkeypatch.setenv("UNICARE_SECRET_KEY", "hidden-from-processes")
    interpreter = tmp_path / "python"
    monkeypatch.setattr("sys.executable", str(interpreter))

    def run(script):
        interpreter.write_text(f"#!/bin/sh\n{script}\n")
        interpreter.chmod(0o755)
        result = check_in_sandboxed_process(upload({}), tmp_path / "out", reference)
        assert [one.kind for one in result.findings] == [UploadKind.STOPPED]
        assert not result.ok
        return result

    died = run("kill -SEGV $$")
    assert "a file made the program" in died.findings[0].text
    assert died.organisers == ()
    failed = run('echo "{no json" ; echo trouble >&2; env >&2; exit 3')
    assert "a fault that isn't yours" in failed.findings[0].text
    assert "trouble" not in failed.findings[0].text
    assert "trouble" in failed.organisers[0]
    assert "PYTHONPATH" in failed.organisers[0]
    assert "hidden-from-processes" not in failed.organisers[0]


def test_the_limits_hold_in_the_process(tmp_path):
    script = """
import resource, signal, sys
from unicare.web.archive.contained import ProcessLimits, limit_this_process
limit_this_process(ProcessLimits(memory_bytes=2**30, files=20), 1000)
for attempt in (lambda: open(sys.argv[1], "wb").write(bytes(2**22)), lambda: bytes(2**31),
                lambda: [open("/dev/null") for _ in range(30)]):
    try:
        attempt()
    except (OSError, MemoryError) as error:
        print(type(error).__name__, getattr(error, "strerror", ""))
"""
    command = [sys.executable, "-c", script, str(tmp_path / "big")]
    source = str(Path(unicare.__file__).parents[1])
    told = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONPATH": source}, check=True)
    assert told.stdout.decode().splitlines() == [
        "OSError File too large",
        "MemoryError ",
        "OSError Too many open files",
    ]
    assert (tmp_path / "big").stat().st_size <= 2**21


def test_files_longer_than_allowed_are_never_written(reference, upload, tmp_path):
    source = upload(
        by_hand([Raw(b"fine.nii", bytes(5 * 10**6), method=8), Raw(b"moved.nii", nifti(heart()))])
    )
    limits = UnpackLimits(file_bytes=10**6)
    result = check_in_sandboxed_process(source, tmp_path / "out", reference, limits)
    assert [file.name for file in result.files] == ["moved.nii"]
    assert UploadKind.TOO_BIG in [one.kind for one in result.findings]
    assert [one.case for one in result.findings if one.kind == Kind.MISSING] == [
        case for case in sorted(CASES) if case not in ("fine", "moved")
    ]


def test_files_that_came_one_by_one(reference, tmp_path):
    (tmp_path / "one").write_bytes(nifti_gz(heart()))
    files = {f"{case}_pred.nii.gz": tmp_path / "one" for case in CASES}
    assert check_in_sandboxed_process(files, tmp_path / "out", reference).ok


def test_a_target_that_is_there_is_left_alone(reference, upload, tmp_path):
    target = tmp_path / "out"
    target.mkdir()
    (target / "precious").touch()
    with pytest.raises(OutputError, match="already"):
        check_in_sandboxed_process(upload({}), target, reference)
    with pytest.raises(OutputError, match="can't be unpacked"):
        check_in_sandboxed_process(tmp_path / "nowhere.zip", tmp_path / "other", reference)
    assert os.listdir(target) == ["precious"]
