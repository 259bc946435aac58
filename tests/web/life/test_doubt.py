"""A commit whose answer is lost: nobody knows whether it is done; whatever is true, nothing is done twice."""

import dataclasses
import shutil
import threading

import pytest
from sqlalchemy.exc import OperationalError
from tests.web.life.players import assert_sound, evaluations_of, submission_of, upload

from unicare.web.life import worker as module
from unicare.web.life.keys import predictions_folder, result_folder
from unicare.web.life.settle import Checked, Scored
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """What a lost answer means doesn't depend on the database; test_kills.py kills a real server."""
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


def check(site, mine, _interrupted):
    """What a check that passes comes to, without its process."""
    key = f"{predictions_folder(mine)}/one_pred.nii.gz"
    site.storage.put(key, site.challenge.folder / "challenge.yaml")
    return Checked({}, predictions_folder(mine))


def evaluate(site, mine, _interrupted):
    """The same for an evaluation."""
    key = f"{result_folder(mine)}/metrics.parquet"
    site.storage.put(key, site.challenge.folder / "challenge.yaml")
    return Scored({"definition": "1", "unicare": "0"}, key)


class Lossy:
    """A database whose answers get lost, after a commit or before it."""

    def __init__(self, database):
        self._database = database
        self.lose = []

    def __getattr__(self, name):
        return getattr(self._database, name)

    def transact(self, work, **options):
        lost = self.lose.pop(0) if self.lose else None
        if lost != "before":
            result = self._database.transact(work, **options)
        if lost is not None:
            raise OperationalError("COMMIT", {}, ConnectionError("lost"), connection_invalidated=True)
        return result


@pytest.fixture
def lossy(site, monkeypatch):
    """A site with such a database, and its worker; heartbeats use the database as it is."""
    monkeypatch.setattr(module, "_PAUSE_S", 0.01)
    monkeypatch.setattr(module, "JOBS", {"check": check, "evaluate": evaluate})
    database = Lossy(site.database)
    calm = module.Heartbeat
    monkeypatch.setattr(module, "Heartbeat", lambda _, mine: calm(site, mine))
    return database, Worker(dataclasses.replace(site, database=database), EmbeddedWake(), threading.Event())


@pytest.mark.parametrize("lost", [["after"], ["before"], ["before", "before", "after"]])
def test_an_outcome_whose_answer_is_lost_counts_once(site, team, zipped, lossy, lost):
    database, worker = lossy
    one = upload(site, team, zipped())
    worker.sweep()
    for job in ("check", "evaluate"):
        mine = worker._take(job)
        database.lose = list(lost)
        worker._do(mine)
        assert database.lose == []
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.attempt, evaluation.failures) == ("scored", 1, 0)
    assert site.storage.exists(evaluation.rows_key)
    assert_sound(site.database)


def test_work_that_was_given_without_the_worker_hearing_so_is_taken_up_again(site, team, zipped, lossy):
    database, worker = lossy
    one = upload(site, team, zipped())
    worker.sweep()
    for state in ("checking", "running"):
        # it looks for what it may have been given before, then for a check, then for an evaluation
        database.lose = ["after"] if state == "checking" else [None, None, "after"]
        worker._turn = ("check", "evaluate")
        with pytest.raises(OperationalError):
            worker.work_once()
        assert submission_of(site.database, one).state == state
        assert worker.work_once()
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.attempt, evaluation.failures) == ("scored", 1, 0)
    assert submission_of(site.database, one).attempt == 1
    assert not worker.work_once()
    assert_sound(site.database)


def test_an_outcome_that_comes_too_late_spoils_nothing(site, team, zipped, lossy, monkeypatch):
    """It is lost before the commit, the lease ends, another worker scores it, then the first one is heard."""
    database, worker = lossy
    other = Worker(site, EmbeddedWake(), threading.Event())
    one = upload(site, team, zipped())
    other.sweep()
    other.work_once()
    mine = worker._take("evaluate")

    def meanwhile(_):
        late = dataclasses.replace(site, clock=lambda s: site.clock(s) + 2 * site.lease)
        Worker(late, EmbeddedWake(), threading.Event()).sweep()
        assert other.work_once()

    database.lose = ["before"]
    monkeypatch.setattr(module.time, "sleep", meanwhile)
    worker._do(mine)
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.attempt, evaluation.failures) == ("scored", 2, 1)
    assert site.storage.exists(evaluation.rows_key)
    assert_sound(site.database)
