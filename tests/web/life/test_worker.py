"""A submission's whole life, from its last byte to its score, with real label maps in real processes."""

import json
import shutil
import threading

import pyarrow.parquet
import pytest
from tests.web.life.players import (
    actions_of,
    assert_sound,
    evaluations_of,
    new_team,
    submission_of,
    upload,
)
from tests.web.waiting import PATIENCE_S, until

from unicare.core.errors import OutputError, SubmissionError
from unicare.evaluate.run import evaluate
from unicare.web.archive.contained import ProcessLimits
from unicare.web.archive.unpack import UnpackLimits, unpack
from unicare.web.database.tables import Team
from unicare.web.life.arrivals import find_arrivals, take_upload
from unicare.web.life.hand_in import cancel_submission, evaluate_again
from unicare.web.life.keys import upload_key
from unicare.web.life.site import WorkingSite
from unicare.web.life.states import OUR_FAULT
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker, run_worker


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """One will do; test_kills.py lives whole lives on both."""
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


@pytest.fixture
def worker(site):
    return Worker(site, EmbeddedWake(), threading.Event())


@pytest.fixture
def work(worker):
    """Works until there is nothing to do."""

    def work():
        worker.sweep()
        while worker.work_once():
            pass

    return work


def test_from_the_last_byte_to_the_score(site, team, work, zipped, tmp_path):
    data = zipped(shift=1)
    one = upload(site, team, data)
    work()
    (evaluation,) = evaluations_of(site.database, one)
    assert submission_of(site.database, one).state == "scored"
    assert submission_of(site.database, one).report == {"cases": 2, "findings": []}

    (tmp_path / "ours.zip").write_bytes(data)
    unpack(tmp_path / "ours.zip", tmp_path / "ours", UnpackLimits())
    truth = site.challenge.folder / "reference/whs/validation"
    at_home = evaluate(
        tmp_path / "ours", truth / "truth", cohort_csv=truth / "cohort.csv", task="whs"
    ).as_summary()
    assert evaluation.summary == json.loads(json.dumps(at_home))
    assert (evaluation.definition_version, evaluation.unicare_version) == (
        at_home["definition"],
        at_home["unicare"],
    )
    with site.storage.open(evaluation.rows_key) as file:
        assert set(pyarrow.parquet.read_table(file).column("case").to_pylist()) == {"one", "two"}
    assert actions_of(site.database, f"submission:{one}") == [
        f"submission.{name}" for name in ("finish_upload", "begin_check", "pass", "queue", "start", "score")
    ]
    assert not site.storage.exists(upload_key(one))
    assert site.uploads.every() == []
    assert list(site.scratch.iterdir()) == []
    assert_sound(site.database)


def test_what_is_wrong_is_listed_and_costs_nothing(site, team, work, zipped):
    bad, junk = upload(site, team, zipped(without=("two",))), upload(site, team, b"no archive")
    work()
    refused = submission_of(site.database, bad)
    assert refused.state == "refused"
    assert [(one["case"], one["kind"]) for one in refused.report["findings"]] == [("two", "missing")]
    assert submission_of(site.database, junk).state == "refused"
    assert evaluations_of(site.database, bad) == []
    assert str(site.scratch) not in json.dumps(refused.report)
    assert_sound(site.database)


def test_the_fourth_of_three_waits_until_one_is_given_back(site, worker, team, work, zipped):
    four = [upload(site, team, zipped()) for _ in range(4)]
    worker.sweep()
    for _ in range(10):  # checks only
        mine = worker._take("check")
        if mine is None:
            break
        worker._do(mine)
    assert [submission_of(site.database, one).state for one in four] == ["queued"] * 3 + ["checked"]
    assert "no evaluation left" in submission_of(site.database, four[3]).report["waits"]
    assert_sound(site.database)


def test_evaluated_again_by_the_same_code_gives_the_same(site, team, work, zipped):
    one = upload(site, team, zipped())
    work()
    site.transact(
        lambda s, now: evaluate_again(
            s, site.challenge, one, now=now, actor_id=team.user_id, reason="a new definition"
        )
    )
    work()
    first, second = evaluations_of(site.database, one)
    assert first.summary == second.summary
    assert first.rows_key != second.rows_key
    assert site.storage.exists(first.rows_key)
    assert site.storage.exists(second.rows_key)
    assert_sound(site.database)


def test_whoever_dies_between_the_last_byte_and_the_queue_loses_nothing(site, team, zipped, monkeypatch):
    one = upload(site, team, zipped())
    for name in ("put", "transact", "abandon"):
        owner = {"put": site.storage, "abandon": site.uploads, "transact": site.database}[name]
        with monkeypatch.context() as context:
            context.setattr(owner, name, dies)
            with pytest.raises(KeyboardInterrupt):
                find_arrivals(site)
        if name != "abandon":
            assert submission_of(site.database, one).state == "uploading"
    find_arrivals(site)
    assert submission_of(site.database, one).state == "uploaded"
    assert site.storage.exists(upload_key(one))
    assert actions_of(site.database, f"submission:{one}") == ["submission.finish_upload"]


def dies(*_, **__):
    raise KeyboardInterrupt


def test_an_upload_under_way_is_left_alone(site, team, zipped):
    one = upload(site, team, zipped(), finish=False)
    assert find_arrivals(site) == 0
    assert submission_of(site.database, one).state == "uploading"
    take_upload(site, one)
    assert submission_of(site.database, one).state == "uploaded"


def test_what_was_cancelled_while_it_came_is_thrown_away(site, team, zipped):
    one = upload(site, team, zipped())
    site.transact(lambda s, now: cancel_submission(s, one, now=now, actor_id=team.user_id))
    take_upload(site, one)
    assert find_arrivals(site) == 0
    assert submission_of(site.database, one).state == "cancelled"


def test_a_disqualified_team_hands_nothing_in(site, zipped):
    red = new_team(site.database, "red")

    def disqualify(session, now):
        session.get_one(Team, red.id).disqualified_at = now

    site.transact(disqualify)
    with pytest.raises(SubmissionError, match="can't hand anything in"):
        upload(site, red, zipped())


def test_too_much_is_told_and_not_tried_again(site, team, work, zipped, monkeypatch):
    monkeypatch.setattr(WorkingSite, "scoring_limits", ProcessLimits(wall_s=0, files=256))
    one = upload(site, team, zipped())
    work()
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.attempt) == ("failed", 1)
    assert "it took longer than 0 s" in evaluation.public_error
    assert_sound(site.database)


def test_a_fault_of_the_site_is_tried_again_then_told_without_its_words(
    site, worker, team, work, zipped, monkeypatch
):
    def full(*_):
        raise OutputError("/secret/place: disk full")

    monkeypatch.setattr("unicare.web.life.score.score_in_process", lambda *_, **__: full())
    one = upload(site, team, zipped())
    work()
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.attempt, evaluation.public_error) == ("failed", 3, OUR_FAULT)
    assert "disk full" in evaluation.private_error
    assert_sound(site.database)
    monkeypatch.undo()
    site.transact(
        lambda s, now: evaluate_again(
            s, site.challenge, one, now=now, actor_id=team.user_id, reason="there is room again"
        )
    )
    work()
    assert submission_of(site.database, one).state == "scored"


def test_a_worker_that_is_told_to_stop_hands_its_work_back(site, team, zipped):
    one = upload(site, team, zipped())
    stop = threading.Event()
    worker = Worker(site, EmbeddedWake(), stop)
    worker.sweep()
    check = worker._take("check")
    stop.set()
    worker._do(check)
    submission = submission_of(site.database, one)
    assert (submission.state, submission.failures) == ("uploaded", 0)
    stop.clear()
    worker.work_once()
    evaluation = worker._take("evaluate")
    stop.set()
    worker._do(evaluation)
    (row,) = evaluations_of(site.database, one)
    assert (row.state, row.attempt, row.failures) == ("queued", 1, 0)
    assert site.storage.keys("evaluations") == []
    assert list(site.scratch.iterdir()) == []
    assert_sound(site.database)


def test_a_worker_in_a_thread_is_woken_works_and_ends(site, settings, team, zipped):
    stop, wake = threading.Event(), EmbeddedWake()
    thread = threading.Thread(target=run_worker, args=(settings, stop, wake))
    thread.start()
    try:
        one = upload(site, team, zipped())
        take_upload(site, one)
        wake.ring()
        until(lambda: submission_of(site.database, one).state == "scored")
    finally:
        stop.set()
        thread.join(PATIENCE_S)
    assert not thread.is_alive()
