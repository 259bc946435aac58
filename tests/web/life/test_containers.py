"""Container submissions from their last byte to their score, through an engine that contains nothing."""

import dataclasses
import json
import shutil
import threading
from datetime import timedelta

import pytest
from tests.web.life.players import assert_sound, evaluations_of, submission_of, upload
from tests.web.sandbox.archives import docker_archive, entry, tar
from tests.web.sandbox.fake import FakeEngine

from unicare.core.errors import ContainerError
from unicare.web.challenge import Containers
from unicare.web.database import utc_now
from unicare.web.life.quota import slots_taken
from unicare.web.life.site import largest_upload
from unicare.web.life.states import OUR_FAULT
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker

PREDICTS = """
import json, pathlib, sys
import nibabel as nib
import numpy as np
given, output = map(pathlib.Path, sys.argv[1:])
for case in json.loads((given / "prompts.json").read_text()):
    image = nib.load(next((given / "images").glob(f"{case}*.nii.gz")))
    labels = np.zeros(image.shape, np.uint16)
    labels[3:15, 3:15, 1:5] = 205
    nib.save(nib.Nifti1Image(labels, image.affine), output / f"{case}_pred.nii.gz")
print("saw", case)
"""
NOTHING = "print('I would rather not')"
BEFORE = """
import pathlib, sys
place = pathlib.Path({place!r})
if place.exists():
    print("secret-case-name 42"); raise SystemExit(3)
place.touch()
"""


@pytest.fixture
def database_url(sqlite_template, tmp_path):
    """What differs between databases isn't looked at here."""
    shutil.copy(sqlite_template, tmp_path / "site.sqlite")
    return f"sqlite:///{tmp_path / 'site.sqlite'}"


@pytest.fixture
def play(site, team, tmp_path):
    """Hands a container in and works until there is nothing to do."""

    def play(program, engine=None, archive=None, **other):
        layer = tar(entry("program", b"#!/bin/sh\n", 0o755))
        playing = dataclasses.replace(site, engine=engine or FakeEngine(program), **other)
        one = upload(playing, team, archive or docker_archive([layer]), phase="test")
        worker = Worker(playing, EmbeddedWake(), threading.Event())
        worker.sweep()
        while worker.work_once():
            pass
        assert_sound(site.database)
        assert list(site.scratch.iterdir()) == []
        assert playing.engine.loaded == []
        return one

    return play


def test_a_container_is_tried_on_public_cases_then_run_and_scored(site, play):
    one = play(PREDICTS)
    submission = submission_of(site.database, one)
    assert submission.state == "scored"
    assert "saw case-" in submission.report["log"]
    (evaluation,) = evaluations_of(site.database, one)
    assert evaluation.summary["cases"] == 2
    assert evaluation.summary["missing_predictions"] == []
    kept = site.storage.keys(evaluation.rows_key.rpartition("/")[0])
    assert [key.rpartition("/")[2] for key in kept] == [
        "metrics.parquet",
        "one_pred.nii.gz",
        "two_pred.nii.gz",
        "summary.json",
    ]


def test_one_that_predicts_nothing_is_refused_with_its_log(site, play):
    submission = submission_of(site.database, play(NOTHING))
    assert submission.state == "refused"
    assert "I would rather not" in submission.report["log"]
    assert "2 of 2 predictions are missing" in " ".join(submission.report["messages"])


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ("labels[3:15, 3:15, 1:5] = 7", "label"),
        ("labels = labels[1:]", "shape"),
        ("image.affine[0, 3] += 5", "affine"),
    ],
)
def test_one_whose_predictions_can_not_be_scored_is_refused_before_it_costs_anything(
    site, team, play, change, found
):
    program = PREDICTS.replace("    nib.save(nib.N", f"    {change}\n    nib.save(nib.N")
    submission = submission_of(site.database, play(program))
    assert submission.state == "refused"
    kinds = {one["kind"] for one in submission.report["findings"]}
    assert [kind for kind in kinds if found in kind] == list(kinds) != []
    assert submission.report["cases"] == 2
    assert "saw case-" in submission.report["log"]
    assert str(site.scratch) not in json.dumps(submission.report)
    with site.database.reading() as session:
        assert slots_taken(session, team.id, "whs", "test") == 0


def test_one_that_fails_on_hidden_cases_says_little_and_is_given_back(site, play, tmp_path):
    one = play(BEFORE.format(place=str(tmp_path / "was here")) + PREDICTS)
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.attempt) == ("failed", 1)
    assert "ended with an error" in evaluation.public_error
    assert "secret" not in evaluation.public_error
    assert "42" not in evaluation.public_error
    assert "secret-case-name 42" in evaluation.private_error


def test_an_archive_that_is_none_is_refused(site, play):
    submission = submission_of(site.database, play(PREDICTS, archive=b"no archive at all"))
    assert submission.state == "refused"
    assert str(site.scratch) not in json.dumps(submission.report)


class Broken(FakeEngine):
    """An engine whose service has gone."""

    def load(self, archive, image, interrupted=None):
        raise ContainerError("the engine's socket /run/secret is gone")


def test_an_engine_that_fails_is_no_fault_of_the_team(site, play):
    submission = submission_of(site.database, play("", engine=Broken()))
    assert submission.state == "failed"
    assert submission.report == {"messages": [OUR_FAULT]}
    assert "/run/secret" in submission.private_error
    assert evaluations_of(site.database, submission.id) == []


class BreaksLater(FakeEngine):
    """An engine whose service goes after the smoke run."""

    def load(self, archive, image, interrupted=None):
        if self.specs:
            raise ContainerError("the engine's socket /run/secret is gone")
        super().load(archive, image)


def test_an_engine_that_fails_in_the_hidden_run_costs_attempts_of_the_site_only(site, play, team):
    one = play("", engine=BreaksLater(PREDICTS))
    (evaluation,) = evaluations_of(site.database, one)
    assert (evaluation.state, evaluation.attempt, evaluation.failures) == ("failed", 3, 3)
    assert evaluation.public_error == OUR_FAULT
    assert "/run/secret" in evaluation.private_error
    with site.database.reading() as session:
        assert slots_taken(session, team.id, "whs", "test") == 0


def test_after_a_fault_work_waits_longer_each_time(site, team):
    """What ails the site may pass: a full disk, an engine that is brought up to date."""
    moment = [utc_now()]
    playing = dataclasses.replace(
        site,
        engine=Broken(),
        settings=site.settings.model_copy(update={"retry_seconds": 10}),
        clock=lambda _: moment[0],
    )
    one = upload(playing, team, docker_archive([tar(entry("program", b"#!/bin/sh\n", 0o755))]), phase="test")
    worker = Worker(playing, EmbeddedWake(), threading.Event())
    worker.sweep()
    for pause_s in (10, 20):
        assert worker.work_once()
        assert submission_of(site.database, one).state == "uploaded"
        moment[0] += timedelta(seconds=pause_s - 1)
        assert not worker.work_once()
        moment[0] += timedelta(seconds=1)
    assert worker.work_once()
    assert submission_of(site.database, one).state == "failed"
    assert not worker.work_once()


def test_without_prompts_a_container_gets_images_and_its_predictions_are_scored(site, play, tmp_path):
    program = PREDICTS.replace(
        'for case in json.loads((given / "prompts.json").read_text()):',
        'assert not (given / "prompts.json").exists()\n'
        'for case in (path.name.split(".")[0] for path in (given / "images").iterdir()):',
    )
    tasks = tuple(task.model_copy(update={"prompts": False}) for task in site.challenge.tasks)
    challenge = site.challenge.model_copy(update={"tasks": tasks})
    one = play(program, challenge=challenge)
    assert submission_of(site.database, one).state == "scored"
    (evaluation,) = evaluations_of(site.database, one)
    assert evaluation.summary["missing_predictions"] == []


def test_case_by_case_all_cases_have_one_time_together(site, play):
    containers = Containers(mode="case_by_case", limits={"seconds_per_case": 30, "seconds_in_all": 1})
    challenge = site.challenge.model_copy(update={"containers": containers})
    submission = submission_of(
        site.database, play(f"import time\n{PREDICTS}\ntime.sleep(9)", challenge=challenge)
    )
    assert submission.state == "refused"
    assert submission.report["messages"][0] == "All cases together took longer than 1 s."
    assert "1 cases were not run any more after that." in submission.report["messages"]


def test_how_long_one_upload_of_a_phase_may_be(site):
    challenge, settings = site.challenge, site.settings
    assert largest_upload(challenge, challenge.phase("test"), settings) == 20 * 2**30
    assert largest_upload(challenge, challenge.phase("validation"), settings) == 4000 * 2**20
    small = settings.model_copy(update={"upload_mb": 100})
    assert largest_upload(challenge, challenge.phase("test"), small) == 100 * 2**20
