"""kill -9 at any moment: nothing is lost, nothing scored twice, nothing stuck."""

import multiprocessing
import random
import threading

import pytest
from sqlalchemy import NullPool, create_engine, text
from tests.web.life.players import assert_sound, evaluations_of, new_team, submission_of, upload
from tests.web.postgres import NOT_HERE, KilledServer, programs
from tests.web.waiting import PATIENCE_S, until

from unicare.web.database import upgrade
from unicare.web.life.site import open_site
from unicare.web.life.states import State
from unicare.web.life.worker import run_worker
from unicare.web.settings import load_settings

ENDS = {State.SCORED, State.FAILED}
KILLS = 12  # on each database; bench/site_kills.py kills two hundred times


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
        "retry_seconds": 0,
    }


def test_every_submission_ends_well_or_is_given_back(site, settings, given, zipped):
    submissions = [upload(site, new_team(site.database, f"team {number}"), zipped()) for number in range(3)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unicare.web.life.worker"])
    chance = random.Random(20261121)

    def ended():
        return all(submission_of(site.database, one).state in ENDS for one in submissions)

    for kill in range(KILLS + 1):
        process = context.Process(target=work, args=(settings.data_dir, given))
        process.start()
        try:
            if kill < KILLS:
                process.join(chance.uniform(0.02, 0.9))
            else:  # the last one may live until all is done
                until(ended)
        finally:
            process.kill()
            process.join()
        assert_sound(site.database)
    for one in submissions:
        evaluations = evaluations_of(site.database, one)
        if submission_of(site.database, one).state == State.SCORED:
            (evaluation,) = evaluations
            assert site.storage.exists(evaluation.rows_key)
            assert evaluation.summary["cases"] == 2
        else:
            assert all(each.public_error for each in evaluations)


def test_connections_that_break_all_the_time_cost_time_only(site, settings, team, zipped):
    if site.database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no connections that break")
    others = text(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    one = upload(site, team, zipped())
    stop = threading.Event()
    thread = threading.Thread(target=run_worker, args=(settings, stop))
    thread.start()
    breaker = create_engine(site.database.engine.url, poolclass=NullPool)
    try:
        for _ in range(15):
            with breaker.connect() as connection:
                connection.execute(others)
            stop.wait(0.2)
        until(lambda: submission_of(site.database, one).state == "scored")
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert_sound(site.database)


@pytest.fixture
def killed_server():
    if programs() is None:
        pytest.skip(NOT_HERE)
    server = KilledServer(fsync=False)
    yield server
    server.end()


def test_a_database_server_that_is_killed_loses_nothing(killed_server, challenge_folder, tmp_path, zipped):
    given = {
        "challenge_dir": challenge_folder,
        "database_url": killed_server.url,
        "container_engine": "none",
        "lease_seconds": 2,
        "sweep_seconds": 0.1,
        "retry_seconds": 0,
    }
    site = open_site(load_settings(tmp_path / "data", **given))
    upgrade(site.database.engine)
    submissions = [upload(site, new_team(site.database, f"team {number}"), zipped()) for number in range(2)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unicare.web.life.worker"])
    process = context.Process(target=work, args=(tmp_path / "data", given))
    process.start()
    chance = random.Random(7)
    try:
        for victim in ("one", "first", "all", "one", "first"):
            process.join(chance.uniform(0.05, 1.0))
            killed_server.kill(victim)
            process.join(chance.uniform(0.0, 0.3))
            killed_server.begin()
            assert_sound(site.database)
            assert process.is_alive()
        until(lambda: all(submission_of(site.database, one).state in ENDS for one in submissions))
    finally:
        process.kill()
        process.join()
    for one in submissions:
        (evaluation,) = evaluations_of(site.database, one)
        assert submission_of(site.database, one).state == State.SCORED
        assert site.storage.exists(evaluation.rows_key)
    assert_sound(site.database)
    site.database.close()
