"""SIGTERM in the middle of things: work goes back, nothing is left, and it was nobody's fault."""

import contextlib
import dataclasses
import multiprocessing
import os
import shutil
import signal
import threading
from pathlib import Path

import pytest
from tests.web.challenge.folders import hold
from tests.web.life.players import actions_of, assert_sound, evaluations_of, submission_of, upload
from tests.web.sandbox.archives import configuration, docker_archive, entry, shell_layer, tar
from tests.web.sandbox.fake import FakeEngine
from tests.web.sandbox.small import BUSYBOX, no_busybox
from tests.web.waiting import PATIENCE_S, alive, until

from unicare.core.errors import ContainerError
from unicare.web.life.site import open_site
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker, run_worker
from unicare.web.sandbox.archive_writer import IMAGE_PREFIX
from unicare.web.sandbox.owner import PREFIX
from unicare.web.sandbox.probe import find_engine
from unicare.web.sandbox.sweep import remove_leftovers
from unicare.web.settings import load_settings

SLEEPS = "import pathlib, sys, time; pathlib.Path({note!r}).touch(); time.sleep(600)"


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """What differs between databases isn't looked at here."""
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


@pytest.fixture
def given(database_url, challenge_folder):
    return {
        "challenge_dir": challenge_folder,
        "database_url": database_url,
        "container_engine": "none",
        "lease_seconds": 30,
        "sweep_seconds": 0.1,
    }


def work(data_dir, given, program=None):
    """A worker in a process of its own that SIGTERM asks to stop, as ``run_workers`` begins them."""
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    settings = load_settings(data_dir, **given)
    if program is None:
        run_worker(settings, stop)
        return
    site = dataclasses.replace(open_site(settings), engine=FakeEngine(program))
    Worker(site, EmbeddedWake(), stop).run()


@pytest.fixture
def stopped(settings, given):
    """Begins a worker, and ends it by SIGTERM once something is under way."""

    def stop_when(under_way, program=None, **other):
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["unicare.web.life.worker"])
        process = context.Process(target=work, args=(settings.data_dir, {**given, **other}, program))
        process.start()
        try:
            until(lambda: under_way(process.pid) or not process.is_alive())
            left = children(process.pid)
            assert left
            os.kill(process.pid, signal.SIGTERM)
            process.join(PATIENCE_S)
            assert process.exitcode == 0
            until(lambda: not any(alive(one) for one in left))
        finally:
            process.kill()
            process.join()

    return stop_when


def handed_back(site, one):
    submission = submission_of(site.database, one)
    assert (submission.state, submission.failures, submission.lease_owner) == ("uploaded", 0, None)
    assert actions_of(site.database, f"submission:{one}")[-1] == "submission.check_again"
    assert list(site.scratch.iterdir()) == []
    assert_sound(site.database)


def children(parent):
    """Processes that a process has begun, and what as."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int((place / "stat").read_text().rpartition(") ")[2].split()[1]) == parent:
                found[int(place.name)] = (place / "cmdline").read_text().replace("\0", " ")
    return found


def begun(parent, name):
    return any(name in words for words in children(parent).values())


@pytest.fixture
def held_challenge(challenge_folder, tmp_path):
    """Makes a challenge of which a file can't be read to its end: work on it lasts until it is stopped."""

    def make(part):
        folder = shutil.copytree(challenge_folder, tmp_path / "held")
        hold(folder / "reference" / "whs" / "validation" / part / "two.nii.gz")
        return folder

    return make


def test_in_the_middle_of_a_container(site, team, stopped, tmp_path):
    note = tmp_path / "note"
    archive = docker_archive([tar(entry("program", b"#!/bin/sh\n", 0o755))])
    one = upload(site, team, archive, phase="test")
    stopped(lambda _: note.exists(), program=SLEEPS.format(note=str(note)))
    handed_back(site, one)
    for command in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            assert str(note).encode() not in command.read_bytes()


def test_in_the_middle_of_a_check(site, team, zipped, stopped, held_challenge):
    one = upload(site, team, zipped())
    challenge = held_challenge("images")
    stopped(lambda pid: begun(pid, "contained_process"), challenge_dir=challenge)
    handed_back(site, one)


def test_in_the_middle_of_scoring(site, team, zipped, stopped, held_challenge):
    one = upload(site, team, zipped())
    challenge = held_challenge("truth")
    stopped(lambda pid: begun(pid, "scoring_process"), challenge_dir=challenge)
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.failures, evaluation.lease_owner) == ("queued", 0, None)
    assert list(site.scratch.iterdir()) == []
    assert site.storage.keys("evaluations") == []
    assert_sound(site.database)


def test_in_the_middle_of_a_real_container(site, team, stopped, tmp_path):
    if why := no_busybox():
        pytest.skip(why)
    try:
        real_engine = find_engine(scratch=tmp_path)
    except ContainerError as error:
        pytest.skip(str(error))
    layer = shell_layer(BUSYBOX)
    config = configuration([layer], Entrypoint=["/bin/sh", "-c"], Cmd=["sleep 600"])
    one = upload(site, team, docker_archive([layer], config), phase="test")

    pids = []

    def runs(pid):
        pids.append(pid)
        if submission_of(site.database, one).state != "checking":  # it runs a container of its own before
            return False
        ours = [name for name in real_engine.containers(PREFIX) if f"-{pid}-" in name]
        return any(real_engine.inspect(name).pid for name in ours)

    try:
        stopped(runs, container_engine=real_engine.name)
    except BaseException:
        remove_leftovers(real_engine, site.scratch)
        raise
    handed_back(site, one)
    left = [*real_engine.containers(PREFIX), *real_engine.images(IMAGE_PREFIX)]
    assert [name for name in left if f"-{pids[0]}-" in name] == []
    assert str(site.scratch) not in Path("/proc/mounts").read_text()
