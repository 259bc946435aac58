"""Containers that nobody can run come to an end; while somebody can, or nobody looked, they wait."""

import dataclasses
import shutil
import threading
import time
from datetime import timedelta

import pytest
from tests.web.life.players import assert_sound, evaluations_of, submission_of, upload
from tests.web.sandbox.fake import FakeEngine

from unicare.web.database import utc_now
from unicare.web.database.tables import Evaluation, Submission
from unicare.web.life.hand_in import queue_submission
from unicare.web.life.heartbeat import Heartbeat
from unicare.web.life.lease import claim
from unicare.web.life.quota import slots_taken
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.watch import give_up_containers, unattended, watch_workers
from unicare.web.life.worker import Worker

MINUTES = timedelta(minutes=1)
PATIENCE = timedelta(hours=6)


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """What differs between databases isn't looked at here."""
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


class Hours:
    """The clock of a site, and what is done every ten minutes."""

    def __init__(self, site):
        self.now = utc_now()
        self.site = dataclasses.replace(site, clock=lambda session: self.now)
        self.able = dataclasses.replace(self.site, engine=FakeEngine("pass"))

    def pass_by(self, time, watcher=None):
        until = self.now + time
        while self.now < until:
            self.now += 10 * MINUTES
            watch_workers(watcher or self.site)
            give_up_containers(self.site)

    def missed(self):
        with self.site.database.reading() as session:
            return unattended(session, self.site.challenge, self.now)


@pytest.fixture
def hours(site):
    made = Hours(site)
    watch_workers(made.site)
    return made


@pytest.fixture
def waiting(hours, team):
    """A container that waits for its check."""
    one = upload(hours.site, team, b"an archive", phase="test")
    worker = Worker(hours.site, EmbeddedWake(), threading.Event())
    worker.sweep()
    assert submission_of(hours.site.database, one).state == "uploaded"
    return one


def test_a_container_that_nobody_can_run_is_given_back(site, hours, waiting):
    hours.pass_by(PATIENCE - 10 * MINUTES)
    assert submission_of(site.database, waiting).state == "uploaded"
    hours.pass_by(30 * MINUTES)
    ended = submission_of(site.database, waiting)
    assert ended.state == "failed"
    (told,) = ended.report["messages"]
    assert "6 hours" in told
    assert "no fault of yours" in told
    assert list(site.storage.keys(ended.storage_key.rpartition("/")[0])), "organisers can have it run later"
    assert_sound(site.database)


def test_a_queued_container_gives_its_evaluation_back(site, hours, team, waiting):
    def check_passed(session):
        row = session.get_one(Submission, waiting)
        row.state, row.checked_at = "checked", hours.now
        queue_submission(session, site.challenge, waiting, now=hours.now)

    site.database.transact(check_passed)
    hours.pass_by(PATIENCE + 20 * MINUTES)
    (evaluation,) = evaluations_of(site.database, waiting)
    assert (evaluation.state, submission_of(site.database, waiting).state) == ("failed", "failed")
    assert "no fault of yours" in evaluation.public_error
    with site.database.reading() as session:
        assert slots_taken(session, team_id=team.id, task="whs", phase="test") == 0
    assert_sound(site.database)


def test_a_score_stays_when_its_rerun_is_given_up(site, hours, team, waiting):
    def scored(session):
        row = session.get_one(Submission, waiting)
        row.state = "scored"
        session.add(Evaluation(submission_id=waiting, number=2, state="queued", queued_at=hours.now))

    site.database.transact(scored)
    hours.pass_by(PATIENCE + 20 * MINUTES)
    assert [one.state for one in evaluations_of(site.database, waiting)] == ["failed"]
    assert submission_of(site.database, waiting).state == "scored"


def test_while_somebody_runs_containers_they_wait_their_turn(site, hours, waiting):
    hours.pass_by(2 * PATIENCE, hours.able)
    assert submission_of(site.database, waiting).state == "uploaded"
    assert hours.missed() == {}


def test_one_who_comes_back_in_time_is_enough(site, hours, waiting):
    hours.pass_by(PATIENCE - 30 * MINUTES)
    watch_workers(hours.able)
    hours.pass_by(PATIENCE - 30 * MINUTES)
    assert submission_of(site.database, waiting).state == "uploaded"


def test_a_site_that_was_down_gives_its_workers_time_to_come(site, hours, waiting):
    hours.now += timedelta(days=3)
    watch_workers(hours.site)
    assert give_up_containers(hours.site) == []
    hours.pass_by(PATIENCE - 10 * MINUTES)
    assert submission_of(site.database, waiting).state == "uploaded"
    hours.pass_by(30 * MINUTES)
    assert submission_of(site.database, waiting).state == "failed"


def test_one_that_came_late_waits_as_long(site, hours, team):
    hours.pass_by(2 * PATIENCE)
    late = upload(hours.site, team, b"an archive", phase="test", finish=False)

    def arrived(session):
        row = session.get_one(Submission, late)
        row.state, row.created_at = "uploaded", hours.now

    site.database.transact(arrived)
    hours.pass_by(PATIENCE - 10 * MINUTES)
    assert submission_of(site.database, late).state == "uploaded"
    hours.pass_by(30 * MINUTES)
    assert submission_of(site.database, late).state == "failed"


def test_who_is_missing_is_known_for_each_kind(hours):
    assert hours.missed() == {}
    begun = hours.now
    hours.pass_by(10 * MINUTES)
    assert hours.missed() == {"container": begun}
    watch_workers(hours.able)
    assert hours.missed() == {}
    watch_workers(hours.able, ())
    hours.now += 10 * MINUTES
    assert set(hours.missed()) == {"container", "predictions"}


def test_a_worker_that_is_at_work_is_seen(hours, waiting):
    """A long run has no sweeps; the heartbeat says that somebody is there."""
    hours.pass_by(20 * MINUTES)
    assert "container" in hours.missed()
    quick = hours.site.settings.model_copy(update={"lease_seconds": 0.2})
    working = dataclasses.replace(hours.able, settings=quick)
    mine = working.transact(
        lambda session, now: claim(session, "check", "me", lease=PATIENCE, kinds=("container",), now=now)
    )
    until = time.monotonic() + 60
    with Heartbeat(working, mine):
        while hours.missed():
            assert time.monotonic() < until, "it wasn't seen"
            time.sleep(0.02)
