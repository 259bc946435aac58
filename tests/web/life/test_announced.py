"""Announcing an upload while the database's answer is lost: nobody knows yet whether it is announced."""

import dataclasses
import io
import os
import shutil
import time
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy.exc import OperationalError
from tests.web.life.players import submission_of, upload

from unicare.core.errors import SubmissionError
from unicare.web.archive.upload_rules import UploadRefusedError
from unicare.web.hand_in.announce import NewSubmission, announce
from unicare.web.life.arrivals import find_arrivals, note_whole, take_upload

MINUTE = timedelta(minutes=1)
WANTED = NewSubmission(task="whs", phase="validation", name="ours.zip", total_bytes=4)


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """What differs between databases isn't looked at here."""
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


class Lossy:
    """A database whose answers get lost, after a commit or before it."""

    def __init__(self, database, *, done):
        self._database = database
        self._done = done
        self.results = []

    def transact(self, work, **options):
        if self._done:
            self.results.append(self._database.transact(work, **options))
        raise OperationalError("COMMIT", {}, ConnectionError("lost"), connection_invalidated=True)


@pytest.fixture
def person(team):
    return SimpleNamespace(id=team.user_id, team_id=team.id)


def announced(site, person, *, done):
    """Announces one; what the database did all the same."""
    lossy = Lossy(site.database, done=done)
    with pytest.raises(OperationalError):
        announce(dataclasses.replace(site, database=lossy), person, WANTED)
    return lossy.results


def grown_old(site, upload_id):
    folder = site.settings.data_dir / "uploads" / upload_id
    for path in (*folder.iterdir(), folder):
        os.utime(path, (time.time() - 7200,) * 2)


def test_an_upload_that_was_announced_after_all_goes_on(site, person):
    (one,) = announced(site, person, done=True)
    upload_id = submission_of(site.database, one).upload_id
    grown_old(site, upload_id)
    find_arrivals(site)
    site.uploads.append(upload_id, 0, io.BytesIO(b"four"))
    site.uploads.finish(upload_id)
    find_arrivals(site)
    assert submission_of(site.database, one).state == "uploaded"


@pytest.mark.parametrize("step", ["complete_at", "finish"])
def test_an_upload_that_another_process_takes_in_at_the_same_moment_is_taken_once(
    site, team, zipped, monkeypatch, step
):
    one = upload(site, team, zipped())
    real = getattr(site.uploads, step)

    def overtaken(upload_id):
        monkeypatch.undo()
        take_upload(site, one)  # as the sweep of a worker does
        return real(upload_id)

    monkeypatch.setattr(site.uploads, step, overtaken)
    take_upload(site, one)
    assert submission_of(site.database, one).state == "uploaded"
    assert site.storage.exists(submission_of(site.database, one).storage_key)


def test_one_that_was_said_to_be_whole_is_taken_in_though_the_request_died(site, team, zipped):
    one, other = upload(site, team, zipped(), finish=False), upload(site, team, zipped(), finish=False)
    note_whole(site, one)
    find_arrivals(site)
    assert submission_of(site.database, one).state == "uploading", "the request may be at it still"
    for each in (one, other):
        grown_old(site, submission_of(site.database, each).upload_id)
    assert find_arrivals(site) == 1
    assert submission_of(site.database, one).state == "uploaded"
    assert submission_of(site.database, other).state == "uploading", "its team said nothing"


def test_what_another_process_takes_in_while_it_is_copied_is_taken_once(site, team, zipped, monkeypatch):
    one = upload(site, team, zipped())
    real = site.storage.put

    def overtaken(key, source):
        monkeypatch.undo()
        take_upload(site, one)
        real(key, source)

    monkeypatch.setattr(site.storage, "put", overtaken)
    take_upload(site, one)
    assert submission_of(site.database, one).state == "uploaded"
    assert site.storage.exists(submission_of(site.database, one).storage_key)


def test_the_place_of_one_that_was_not_is_given_back(site, person):
    announced(site, person, done=False)
    (upload_id,) = site.uploads.untouched(-MINUTE)
    find_arrivals(site)
    assert site.uploads.state(upload_id).length == 0, "it may be under way still"
    grown_old(site, upload_id)
    find_arrivals(site)
    with pytest.raises(UploadRefusedError):
        site.uploads.state(upload_id)


def test_what_is_refused_takes_no_place(site, person):
    with pytest.raises(SubmissionError):
        announce(site, person, WANTED.model_copy(update={"task": "no-such"}))
    assert site.uploads.untouched(-MINUTE) == []
