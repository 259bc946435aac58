"""What may go wrong around a worker: disks that aren't there, files that can't be read, no memory left."""

import contextlib
import subprocess
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.web.life.players import (
    assert_sound,
    evaluations_of,
    new_team,
    submission_of,
    upload,
)

from unicare.core.errors import SettingsError
from unicare.web import child_process
from unicare.web.database.tables import Submission
from unicare.web.life import worker as worker_module
from unicare.web.life.arrivals import find_arrivals
from unicare.web.life.clean import remove_orphans
from unicare.web.life.quota import slots_taken
from unicare.web.life.settle import Failed
from unicare.web.life.site import open_site
from unicare.web.life.states import OUR_FAULT
from unicare.web.life.storage_mark import check_mark, leave_mark
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker
from unicare.web.settings import load_settings

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def worker(site):
    return Worker(site, EmbeddedWake(), threading.Event())


@pytest.fixture
def queued(site, team, worker, zipped):
    """A submission whose check has passed, and that wasn't evaluated yet."""
    one = upload(site, team, zipped())
    worker.sweep()
    assert worker.work_once()
    assert submission_of(site.database, one).state == "queued"
    return one


def work_off(worker):
    while worker.work_once():
        pass


@pytest.mark.parametrize("lost", ["all", "one"])
def test_files_that_are_not_in_the_storage_are_no_score_of_nought(site, team, worker, queued, tmp_path, lost):
    if lost == "all":  # the disk isn't mounted
        (tmp_path / "data" / "storage").rename(tmp_path / "away")
    else:
        site.storage.delete(site.storage.keys(submission_of(site.database, queued).storage_key)[0])
    work_off(worker)
    (evaluation,) = evaluations_of(site.database, queued)
    assert (evaluation.state, evaluation.failures, evaluation.summary) == ("failed", 3, None)
    assert evaluation.public_error == OUR_FAULT
    assert ("UNICARE_STORAGE_URL" if lost == "all" else "missing by now") in evaluation.private_error
    with site.database.reading() as session:
        assert slots_taken(session, team.id, "whs", "validation") == 0
    assert_sound(site.database)


def test_a_check_that_is_killed_from_outside_is_done_again(site, team, worker, zipped, monkeypatch):
    begun = []

    def begin(*given, **more):
        process = subprocess.Popen(*given, **more)
        if not begun:
            process.kill()  # as the kernel does where memory is short
        begun.append(process)
        return process

    monkeypatch.setattr(child_process.subprocess, "Popen", begin)
    one = upload(site, team, zipped())
    worker.sweep()
    assert worker.work_once()
    row = submission_of(site.database, one)
    assert (row.state, row.failures) == ("uploaded", 1)
    monkeypatch.undo()
    work_off(worker)
    assert submission_of(site.database, one).state == "scored"


def test_whatever_a_container_printed_can_be_written_down(site, worker, queued, monkeypatch):
    printed = "Traceback \0 boom \ud800"
    monkeypatch.setitem(worker_module.JOBS, "evaluate", lambda *_: Failed("It failed.", private=printed))
    work_off(worker)
    (evaluation,) = evaluations_of(site.database, queued)
    assert (evaluation.state, evaluation.failures, evaluation.public_error) == ("failed", 0, "It failed.")
    assert evaluation.private_error == "Traceback \ufffd boom ?"


def test_an_upload_that_can_not_be_read_holds_up_nothing_else(site, team, worker, zipped, tmp_path):
    lost = upload(site, team, zipped())
    worker.sweep()
    other = Worker(replace(site, owner="other"), EmbeddedWake(), threading.Event())
    site.database.transact(lambda s: _given_to_a_worker_that_died(s.get_one(Submission, lost)))
    upload(site, team, zipped())
    (folder,) = (path for path in (tmp_path / "data" / "uploads").iterdir() if path.is_dir())
    (folder / "about.json").write_text("")
    other.sweep()
    assert submission_of(site.database, lost).state == "uploaded"
    work_off(other)
    assert submission_of(site.database, lost).state == "scored"
    site.uploads.begin("a.zip", 10, team=str(new_team(site.database, "blue").id))


def _given_to_a_worker_that_died(row):
    row.state, row.attempt, row.lease_owner, row.lease_expires_at = "checking", 1, "gone", LONG_AGO


def test_one_step_of_a_sweep_that_fails_does_not_keep_the_others_from_being_done(
    site, worker, queued, monkeypatch
):
    def fail(_site):
        raise OSError("the disk is broken")

    monkeypatch.setattr(worker_module, "find_arrivals", fail)
    seen = []
    monkeypatch.setattr(worker_module, "discard_unneeded", seen.append)
    with pytest.raises(ExceptionGroup, match="a sweep wasn't finished"):
        worker.sweep()
    assert seen == [site]


def test_half_a_file_of_a_writer_that_was_killed_goes_after_a_day(site, worker, queued, tmp_path):
    work_off(worker)
    ghosts = [tmp_path / "data" / "storage" / "submissions" / name for name in (str(queued), "99")]
    for ghost in ghosts:
        ghost.mkdir(exist_ok=True)
        (ghost / ".unicare-part-0011223344556677").write_bytes(b"half")
    kept = site.storage.keys()
    remove_orphans(site)
    assert all(len(list(ghost.glob(".unicare-part-*"))) == 1 for ghost in ghosts)
    remove_orphans(site, timedelta(days=-1))
    assert not any(list(ghost.glob(".unicare-part-*")) for ghost in ghosts)
    assert site.storage.keys() == kept


def test_a_worker_elsewhere_leaves_uploads_under_way_alone(
    site, team, zipped, tmp_path, database_url, challenge_folder
):
    one = upload(site, team, zipped(), finish=False)
    begun = datetime.now(UTC) - timedelta(days=8)
    site.database.transact(lambda s: setattr(s.get_one(Submission, one), "created_at", begun))
    find_arrivals(site)
    settings = load_settings(
        tmp_path / "elsewhere",
        challenge_dir=challenge_folder,
        database_url=database_url,
        container_engine="none",
        storage_url=str(tmp_path / "data" / "storage"),
    )
    elsewhere = open_site(settings)
    with contextlib.closing(elsewhere.database):
        find_arrivals(elsewhere)
    assert submission_of(site.database, one).state == "uploading"


def test_a_storage_that_is_not_the_sites_is_refused(site, queued, tmp_path):
    with pytest.raises(SettingsError, match="no mark of unicare serve"):
        check_mark(site.storage)
    leave_mark(site)
    check_mark(site.storage)
    assert remove_orphans(site, timedelta(days=-1)) == []
    check_mark(site.storage)
    (tmp_path / "data" / "storage").rename(tmp_path / "away")
    with pytest.raises(SettingsError, match="isn't this site's"):
        leave_mark(site)
    assert not (tmp_path / "data" / "storage").exists()


def test_a_worker_of_another_version_is_refused(site, monkeypatch):
    leave_mark(site)
    monkeypatch.setattr("unicare.web.life.storage_mark.__version__", "9.9.9")
    with pytest.raises(SettingsError, match=r"another version.*expected 9\.9\.9"):
        check_mark(site.storage)
    leave_mark(site)
    check_mark(site.storage)
