"""Nothing lies in the storage or among the uploads that nobody needs, and nothing that is needed goes."""

import io
import os
import shutil
import threading
import time
from datetime import timedelta

import pytest
from tests.web.life.players import evaluations_of, submission_of, upload

from unicare.core.errors import OutputError
from unicare.web.database.tables import Evaluation, Submission, Upload
from unicare.web.life.arrivals import find_arrivals
from unicare.web.life.clean import discard_unneeded, remove_orphans
from unicare.web.life.hand_in import cancel_submission, evaluate_again
from unicare.web.life.keys import upload_key
from unicare.web.life.states import MoveRefusedError
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker

NOW = timedelta(0)


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """What differs between databases isn't looked at here."""
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


@pytest.fixture
def worker(site):
    return Worker(site, EmbeddedWake(), threading.Event())


@pytest.fixture
def work(worker):
    def work():
        worker.sweep()
        while worker.work_once():
            pass

    return work


def cancel(site, team, one):
    site.transact(lambda s, now: cancel_submission(s, one, now=now, actor_id=team.user_id))


def change(site, table, one, **values):
    def work(session, _now):
        for name, value in values.items():
            setattr(session.get_one(table, one), name, value)

    site.transact(work)


def test_what_is_refused_or_cancelled_leaves_at_the_next_look(site, team, worker, work, zipped):
    refused = upload(site, team, b"no archive")
    work()
    under_way = upload(site, team, zipped(), finish=False)
    taken, checked = upload(site, team, zipped()), upload(site, team, zipped())
    worker.sweep()
    while submission_of(site.database, checked).state != "queued":
        worker._do(worker._take("check"))
    assert site.storage.exists(f"{submission_of(site.database, checked).storage_key}/one_pred.nii.gz")
    for one in (under_way, taken, checked):
        cancel(site, team, one)
    assert [one.length for one in site.uploads.every()] == [len(zipped())]
    discard_unneeded(site)
    assert site.storage.keys() == []
    assert site.uploads.every() == []
    for one in (refused, under_way, taken, checked):
        assert submission_of(site.database, one).storage_key == ""
    with site.database.reading() as session:
        row = session.get_one(Upload, submission_of(site.database, under_way).upload_id)
    assert row.discarded_at is not None
    assert discard_unneeded(site) == 0


def test_an_upload_that_is_written_to_goes_when_that_has_ended(site, team, zipped):
    one = upload(site, team, zipped(), finish=False)
    again = site.uploads.begin("ours.zip", 10, team=str(team.id))
    cancel(site, team, one)
    (upload_id,) = (u.upload_id for u in site.uploads.every() if u.upload_id != again)
    with site.uploads.writing(upload_id, len(zipped())):
        discard_unneeded(site)
        assert site.uploads.state(upload_id).length == len(zipped())
    discard_unneeded(site)
    assert [u.upload_id for u in site.uploads.every()] == [again]


def test_what_has_a_score_stays_with_all_its_evaluations(site, team, work, zipped):
    one = upload(site, team, zipped())
    work()
    site.transact(
        lambda s, now: evaluate_again(
            s, site.challenge, one, now=now, actor_id=team.user_id, reason="a new definition"
        )
    )
    work()
    kept = site.storage.keys()
    assert len(kept) == 2 + 2 * 2  # predictions of two cases; rows and summary of two evaluations
    discard_unneeded(site)
    assert remove_orphans(site, NOW) == []
    assert site.storage.keys() == kept


def test_what_failed_stays_for_a_while_to_be_evaluated_again(site, team, work, zipped, monkeypatch):
    def full(*_, **__):
        raise OutputError("disk full")

    monkeypatch.setattr("unicare.web.life.score.score_in_process", full)
    one = upload(site, team, zipped())
    work()
    assert submission_of(site.database, one).state == "failed"
    kept = site.storage.keys()
    assert len(kept) == 2
    discard_unneeded(site)
    assert remove_orphans(site, NOW) == []
    assert site.storage.keys() == kept
    (evaluation,) = evaluations_of(site.database, one)
    long_ago = evaluation.finished_at - timedelta(days=site.settings.keep_failed_days + 1)
    change(site, Evaluation, evaluation.id, finished_at=long_ago)
    assert discard_unneeded(site) == 1
    assert site.storage.keys() == []
    with pytest.raises(MoveRefusedError, match="aren't kept any more"):
        site.transact(
            lambda s, now: evaluate_again(
                s, site.challenge, one, now=now, actor_id=team.user_id, reason="too late"
            )
        )


def test_orphans_of_all_sorts_go_after_a_day_and_not_before(site, team, worker, work, zipped, tmp_path):
    one = upload(site, team, zipped())
    work()
    kept = site.storage.keys()
    (evaluation,) = evaluations_of(site.database, one)
    (tmp_path / "file").write_bytes(b"left")
    orphans = [
        upload_key(one),  # a worker died before it removed what it had unpacked
        f"submissions/{one}/predictions-7/one_pred.nii.gz",
        f"evaluations/{evaluation.id}/9/summary.json",
        "submissions/4711/upload",
        "evaluations/4711/1/predictions/one_pred.nii.gz",
    ]
    for key in orphans:
        site.storage.put(key, tmp_path / "file")
    assert remove_orphans(site) == []
    assert len(site.storage.keys()) == len(kept) + len(orphans)
    assert len(remove_orphans(site, NOW)) == len(orphans)
    assert site.storage.keys() == kept


def test_what_workers_and_requests_are_at_is_no_orphan(site, team, worker, zipped):
    arriving, waiting, checking, running = (upload(site, team, zipped(), finish=False) for _ in range(4))
    for one in (waiting, checking, running):
        site.uploads.finish(submission_of(site.database, one).upload_id)
    find_arrivals(site)
    for one, state in ((checking, "checking"), (running, "queued")):
        change(site, Submission, one, state=state, attempt=1)
    site.storage.put(upload_key(arriving), site.challenge.folder / "challenge.yaml")
    site.storage.put(f"submissions/{checking}/predictions-1/a", site.challenge.folder / "challenge.yaml")
    before = site.storage.keys()
    assert remove_orphans(site, NOW) == []
    assert site.storage.keys() == before
    assert len(site.uploads.every()) == 1


def test_an_upload_that_no_row_tells_of_goes_after_ten_minutes(site, team):
    """It counts against what a team may have under way."""
    nobody = site.uploads.begin("ours.zip", 10, team=str(team.id))
    site.uploads.append(nobody, 0, io.BytesIO(b"12345"))
    discard_unneeded(site)
    assert site.uploads.state(nobody).length == 5
    long_ago = time.time() - 601
    for place in (site.settings.data_dir / "uploads" / nobody).iterdir():
        os.utime(place, (long_ago, long_ago))
    discard_unneeded(site)
    assert site.uploads.every() == []


def test_a_worker_cleans_up_by_itself(site, team, worker, zipped, tmp_path):
    (tmp_path / "file").write_bytes(b"left")
    one = upload(site, team, zipped())
    worker.sweep()
    cancel(site, team, one)
    worker.sweep()
    assert site.storage.keys() == []
    assert site.uploads.every() == []
