"""Work in several processes: all results come, and a process that dies takes one job with it."""

import os
import signal

import pytest

from unicare.infer.processes import in_processes


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
