"""Half-written files of killed runs go; those of runs that are still going on stay."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from unicare.infer.leftovers import remove_leftovers


def part(folder, process, age_seconds=0.0):
    path = folder / f".unicare-{process}-123.part"
    path.write_bytes(b"half")
    then = time.time() - age_seconds
    os.utime(path, (then, then))
    return path


def test_what_no_running_process_writes_is_removed(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    gone, own, old = part(tmp_path, ended.pid), part(tmp_path, os.getpid()), part(tmp_path, 1, 3600)
    others = part(tmp_path, os.getppid())
    kept = [tmp_path / "a_pred.nii.gz", tmp_path / ".unicare-notes.part"]
    for path in kept:
        path.write_text("mine")
    remove_leftovers(tmp_path)
    assert not any(path.exists() for path in (gone, own, old))
    assert all(path.exists() for path in (others, *kept))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells what a process is doing")
def test_a_process_that_was_killed_and_never_asked_about_writes_nothing(tmp_path):
    killed = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    path = part(tmp_path, killed.pid)
    remove_leftovers(tmp_path)
    assert path.exists()
    killed.kill()
    os.waitid(os.P_PID, killed.pid, os.WEXITED | os.WNOWAIT)
    remove_leftovers(tmp_path)
    assert not path.exists()
    killed.wait()


def test_a_folder_that_is_not_there_has_none(tmp_path):
    remove_leftovers(tmp_path / "new")
