"""kill -9 at any moment: nothing is lost, nothing scored twice, nothing stuck."""

import multiprocessing
import random
import threading
import time

import pytest
from tests.web.life.players import assert_sound, evaluations_of, new_team, submission_of, upload

from unicare.web.life.states import State
from unicare.web.life.worker import run_worker
from unicare.web.settings import load_settings

ENDS = {State.SCORED, State.FAILED}
KILLS = 13  # on each database; bench/site_kills.py kills two hundred times


def work(data_dir, given):
    """A worker, in a process that will be killed."""
    run_worker(load_settings(data_dir, **given), threading.Event())


@pytest.fixture
def given(database_url, challenge_folder):
    return {
        "challenge_dir": challenge_folder,
        "database_url": database_url,
        "container_engine": "none",
        "lease_seconds": 1,
        "sweep_seconds": 0.1,
    }


def test_every_submission_ends_well_or_is_given_back(site, settings, given, zipped):
    submissions = [upload(site, new_team(site.database, f"team {number}"), zipped()) for number in range(4)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unicare.web.life.worker"])
    chance = random.Random(20261121)
    until = time.monotonic() + 120
    kills = 0
    while any(submission_of(site.database, one).state not in ENDS for one in submissions):
        assert time.monotonic() < until, "something is stuck"
        process = context.Process(target=work, args=(settings.data_dir, given))
        process.start()
        process.join(chance.uniform(0.02, 1.2) if kills < KILLS else 10)
        process.kill()
        process.join()
        kills += 1
        assert_sound(site.database)
    for one in submissions:
        evaluations = evaluations_of(site.database, one)
        if submission_of(site.database, one).state == State.SCORED:
            (evaluation,) = evaluations
            assert site.storage.exists(evaluation.rows_key)
            assert evaluation.summary["cases"] == 2
        else:
            assert all(each.public_error for each in evaluations)
