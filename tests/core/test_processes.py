"""Work in several processes: all results come, and a process that dies takes one job with it."""

import itertools
import os
import signal
import time
from contextlib import closing
from multiprocessing.process import BaseProcess
from pathlib import Path

import pytest

from unicare.core.processes import in_processes


def twice_unless_13(number):
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def told(number):
    return f"{number} died"


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
def test_a_process_that_is_killed_takes_only_its_own_job_with_it():
    found = list(in_processes(twice_unless_13, [13, 2], 2, told))
    assert sorted(map(str, found)) == ["13 died", "4"]


def note(threads):
    Path(os.environ["UNICARE_TEST_NOTES"], str(os.getpid())).write_text(str(threads))


def test_each_process_is_told_its_share_of_the_cores_before_it_works(tmp_path, monkeypatch):
    monkeypatch.setenv("UNICARE_TEST_NOTES", str(tmp_path))
    monkeypatch.setattr(os, "cpu_count", lambda: 6)
    assert sorted(in_processes(str, [1, 2], 2, told, note)) == ["1", "2"]
    assert {path.read_text() for path in tmp_path.iterdir()} == {"3"}


def wait_for(true):
    until = time.monotonic() + 300
    while not true():
        assert time.monotonic() < until
        time.sleep(0.02)


def tidy_up_when_stopped(folder):
    started, tidied = Path(folder, f"started-{os.getpid()}"), Path(folder, f"tidied-{os.getpid()}")
    try:
        started.touch()
        time.sleep(600)
    finally:  # the pool finds the idle process gone meanwhile, and stops this one again
        wait_for(lambda: len(list(Path(folder).glob(f"stopped-{os.getpid()}-*"))) == 2)
        tidied.touch()


@pytest.fixture
def stops(tmp_path, monkeypatch):
    """Notes each time that this process stops another one."""
    numbers = itertools.count()

    def stop(process):
        really(process)
        (tmp_path / f"stopped-{process.pid}-{next(numbers)}").touch()

    really = BaseProcess.terminate
    monkeypatch.setattr(BaseProcess, "terminate", stop)


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")
@pytest.mark.usefixtures("stops")
def test_a_job_that_is_stopped_tidies_up_and_its_process_ends(tmp_path):
    with closing(in_processes(quick_then_slow, [str(tmp_path), ""], 2, told)) as results:
        assert next(results) is None
        wait_for(lambda: list(tmp_path.glob("started-*")))
    assert len(list(tmp_path.glob("started-*"))) == len(list(tmp_path.glob("tidied-*"))) == 1


def quick_then_slow(folder):
    return tidy_up_when_stopped(folder) if folder else None
