"""Workers in processes of their own: begun again when they die, ended when they are no longer wanted."""

import errno
import multiprocessing
import shutil
import threading
from multiprocessing.context import SpawnProcess

import pytest
from tests.web.life.players import submission_of, upload
from tests.web.waiting import PATIENCE_S, until

from unicare.web.life.workers import run_workers


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


def our_workers():
    return [one for one in multiprocessing.active_children() if one.name.startswith("unicare worker")]


def test_a_machine_that_can_begin_no_process_is_waited_for(site, settings, monkeypatch):
    tries = []

    def start(process):
        tries.append(process)
        if len(tries) < 3:
            raise OSError(errno.ENOMEM, "Cannot allocate memory")
        started(process)

    started = SpawnProcess.start
    monkeypatch.setattr(SpawnProcess, "start", start)
    stop = threading.Event()
    thread = threading.Thread(target=run_workers, args=(settings, stop))
    thread.start()
    try:
        until(our_workers)
        assert len(tries) == 3
    finally:
        stop.set()
        thread.join(60)
    assert not thread.is_alive()
    assert our_workers() == []


def test_a_worker_that_dies_is_begun_again_and_all_end_when_asked(site, settings, team, zipped):
    stop = threading.Event()
    thread = threading.Thread(target=run_workers, args=(settings, stop))
    thread.start()
    try:
        (first,) = until(our_workers)
        first.kill()
        (second,) = until(lambda: [one for one in our_workers() if one.pid != first.pid])
        one = upload(site, team, zipped())
        until(lambda: submission_of(site.database, one).state == "scored")
        assert second.is_alive()
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
    assert our_workers() == []
