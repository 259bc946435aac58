"""What a challenge allows, in the words of those who hold teams to it."""

import pytest

from unicare.core.errors import SettingsError
from unicare.web.challenge import Containers, Uploads, load_challenge


@pytest.mark.parametrize(
    ("mode", "limits", "seconds"),
    [
        ("all_at_once", {"seconds_per_case": 10}, 200),
        ("all_at_once", {"seconds_per_case": 10, "seconds_in_all": 150}, 150),
        ("all_at_once", {"seconds_in_all": 900}, 900),
        ("case_by_case", {"seconds_per_case": 10}, 10),
        ("case_by_case", {"seconds_per_case": 10, "seconds_in_all": 150}, 10),
    ],
)
def test_the_time_of_one_run(mode, limits, seconds):
    assert Containers.model_validate({"mode": mode, "limits": limits}).run_limits(20).seconds == seconds


def test_what_a_run_may_take():
    limits = {"memory_gb": 4, "cpus": 1.5, "pids": 64, "seconds_in_all": 60, "output_mb": 100}
    run = Containers.model_validate({"limits": limits}).run_limits(3)
    assert (run.memory_bytes, run.cpus, run.pids, run.output_bytes, run.gpu) == (
        4 * 1024**3,
        1.5,
        64,
        100 * 1024**2,
        None,
    )
    assert Containers.model_validate({"limits": {**limits, "gpu": True}}).run_limits(3, "0").gpu == "0"


def test_a_run_without_end_is_refused():
    with pytest.raises(ValueError, match="seconds_per_case"):
        Containers().run_limits(3)


def test_smallest_limits_are_possible_ones():
    least = {"memory_gb": 0.1, "cpus": 0.1, "pids": 1, "seconds_per_case": 1, "output_mb": 1}
    assert Containers.model_validate({"limits": least}).run_limits(1).pids == 1


def test_what_is_taken_out_of_an_archive():
    taken = Uploads(archive_mb=1, unpacked_mb=2, files=3).unpack_limits()
    assert (taken.entries, taken.total_bytes) == (3, 2 * 1024**2)


def test_a_challenge_without_limits_of_time_cannot_run(folder, edit):
    edit("containers:\n  limits: {seconds_per_case: 60}\n", "")
    with pytest.raises(SettingsError, match="containers may run for ever"):
        load_challenge(folder)
