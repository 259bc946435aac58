"""A container on a phase's cases: through a fake engine, and a few times through a real one."""

import json
import os
import re
import threading
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from tests.web.sandbox.archives import configuration, docker_archive, shell_layer
from tests.web.sandbox.fake import FakeEngine
from tests.web.sandbox.small import BUSYBOX, SMALL

from unicare.web.interrupt import InterruptedWorkError
from unicare.web.sandbox.anonymise import list_inputs
from unicare.web.sandbox.intake import loaded_image
from unicare.web.sandbox.owner import PREFIX
from unicare.web.sandbox.phases import hidden_report, run_phase, smoke_report
from unicare.web.sandbox.run import Status

COPY = """
import json, pathlib, shutil, sys
given, output = map(pathlib.Path, sys.argv[1:])
for case in json.loads((given / "prompts.json").read_text()):
    shutil.copy(given / "images" / f"{case}.nii.gz", output / f"{case}_pred.nii.gz")
print("did", case)
"""


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "task" / "test"
    (place / "images").mkdir(parents=True)
    for number in range(4):
        values = np.full((4, 4, 2), number, np.uint8)
        nib.save(nib.Nifti1Image(values, np.diag([1, 1, 8, 1])), place / "images" / f"Case{number}.nii.gz")
    prompts = {f"Case{number}": {"0": {"1": [[0, 0, 2, 2], []]}, "1": None} for number in range(4)}
    (place / "prompts.json").write_text(json.dumps(prompts))
    return place


@pytest.fixture
def play(folder, tmp_path):
    def play(program, engine=None, image="image", prompts=True, limits=SMALL, **options):
        (tmp_path / "scratch").mkdir()
        engine = engine or FakeEngine(program)
        cases = list_inputs(folder, prompts=prompts)
        run = run_phase(
            engine, image, cases, tmp_path / "out", limits, scratch=tmp_path / "scratch", **options
        )
        assert list((tmp_path / "scratch").iterdir()) == []
        return engine, run

    return play


@pytest.mark.parametrize("case_by_case", [False, True])
def test_predictions_come_back_under_the_cases_own_names(play, tmp_path, case_by_case):
    engine, run = play(COPY, case_by_case=case_by_case)
    assert run.completed
    assert len(engine.specs) == (4 if case_by_case else 1)
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        f"Case{number}_pred.nii.gz" for number in range(4)
    ]
    for number in range(4):
        assert (nib.load(tmp_path / "out" / f"Case{number}_pred.nii.gz").get_fdata() == number).all()
    assert smoke_report(run).passed
    assert hidden_report(run).passed


def test_paths_that_a_container_could_see_say_nothing(play):
    engine, run = play(COPY)
    for spec in engine.specs:
        for path in (spec.input_dir, spec.output_dir):
            assert "task" not in path.parts[-3:]
            assert not any(case in str(path) for case in run.ids)


def test_a_failure_is_told_in_full_or_hardly_at_all(play):
    program = "print('looked at 77 voxels of Case0'); raise ValueError('shape (3, 4) of /input/images/x')"
    _, run = play(program)
    smoke, hidden = smoke_report(run), hidden_report(run)
    assert not smoke.passed
    assert "exit code 1" in smoke.messages[0]
    assert "looked at 77 voxels" in smoke.log
    assert any("4 of 4 predictions are missing" in message for message in smoke.messages)
    assert not hidden.passed
    assert hidden.log.startswith("ValueError: shape")
    assert hidden.messages == (
        "The container's program ended with an error.",
        "4 of 4 predictions are missing.",
    )
    told = " ".join((*hidden.messages, hidden.log))
    for opaque in run.ids.values():
        assert opaque not in told
    assert not any(secret in told for secret in ("77", "Case0", "/input"))


def test_one_missing_prediction_is_named_to_those_who_may_know(play):
    program = COPY + "(output / f'{case}_pred.nii.gz').unlink(); (output / 'x_pred.nii.gz').touch()"
    _, run = play(program)
    assert len(run.missing) == 1
    assert len(run.predicted) == 3
    assert not run.completed
    assert f"{run.ids[run.missing[0]]}_pred.nii.gz" in smoke_report(run).messages[-1]
    assert hidden_report(run).messages[-1] == "1 of 4 predictions are missing."


def test_case_by_case_it_is_given_up_after_some_failures(play):
    engine, run = play("raise SystemExit(3)", case_by_case=True, give_up_after=2)
    assert len(engine.specs) == 2
    assert run.given_up == 2
    assert smoke_report(run).messages[0] == (
        "The container's program ended with exit code 3; expected 0. (2 runs)"
    )
    assert "2 cases were not run any more" in hidden_report(run).messages[-1]


def test_a_link_instead_of_a_prediction_is_told_without_the_id(play):
    program = COPY + (
        "target = output / f'{case}_pred.nii.gz'; target.unlink(); target.symlink_to('/etc/passwd')"
    )
    _, run = play(program)
    assert any("a prediction is a symbolic link" in message for message in hidden_report(run).messages)
    assert any("_pred.nii.gz is a symbolic link" in message for message in smoke_report(run).messages)
    assert len(run.missing) == 1


def test_a_container_of_a_task_without_prompts_gets_images_only(play, folder, tmp_path):
    (folder / "prompts.json").unlink()
    program = """
import pathlib, shutil, sys
given, output = map(pathlib.Path, sys.argv[1:])
print(sorted(path.name for path in given.iterdir()))
for image in (given / "images").iterdir():
    shutil.copy(image, output / image.name.replace(".nii", "_pred.nii"))
"""
    _, run = play(program, prompts=False)
    assert run.completed
    assert run.runs[0].log_tail == "['images']\n"
    for number in range(4):
        assert (nib.load(tmp_path / "out" / f"Case{number}_pred.nii.gz").get_fdata() == number).all()


def test_cases_one_by_one_have_one_time_together(play, tmp_path):
    """The first program is quick, the second one takes all the time that is left."""
    note = tmp_path / "note"
    second = (
        f"import time\nnote = pathlib.Path({str(note)!r})\nif note.exists(): time.sleep(600)\nnote.touch()"
    )
    engine, run = play(COPY + second, case_by_case=True, seconds_in_all=15.0, give_up_after=9)
    given = [spec.limits.seconds for spec in engine.specs]
    assert given == [15.0, pytest.approx(15.0 - run.runs[0].seconds)]
    assert run.time_used_up
    assert run.given_up == 2
    assert not run.completed
    smoke, hidden = smoke_report(run), hidden_report(run)
    assert smoke.messages[0] == "All cases together took longer than 15 s."
    assert not any("ran for longer" in message for message in smoke.messages)
    assert "All cases together took longer than they may." in hidden.messages
    assert not re.search("[0-9]s|[0-9] s", " ".join(hidden.messages))


def test_time_that_is_enough_is_not_spoken_of(play):
    _, run = play(COPY, case_by_case=True, seconds_in_all=60.0)
    assert run.completed
    assert not run.time_used_up
    assert not any("together" in message for message in smoke_report(run).messages)


def test_what_nobody_wants_any_more_is_ended_at_once(play, tmp_path):
    engine = FakeEngine("import time; print('here', flush=True); time.sleep(600)")
    wanted = threading.Event()
    threading.Timer(1.0, wanted.set).start()
    with pytest.raises(InterruptedWorkError):
        play("", engine=engine, interrupted=wanted.is_set)
    assert len(engine.specs) == 1
    assert engine.containers("") == []
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_real_container_of_a_task_without_prompts(play, folder, real_engine, shell_archive, tmp_path):
    (folder / "prompts.json").unlink()
    script = (
        "ls /input; cd /input/images; for i in *.nii.gz; do cat $i > /output/${i%.nii.gz}_pred.nii.gz; done"
    )
    layer = shell_layer(BUSYBOX)
    config = configuration([layer], Entrypoint=["/bin/sh", "-c"], Cmd=[script])
    (tmp_path / "image.tar").write_bytes(docker_archive([layer], config))
    with loaded_image(real_engine, tmp_path / "image.tar", scratch=tmp_path) as image:
        _, run = play("", engine=real_engine, image=image, prompts=False)
    assert run.completed
    assert run.runs[0].log_tail == "images\n"
    for number in range(4):
        assert (nib.load(tmp_path / "out" / f"Case{number}_pred.nii.gz").get_fdata() == number).all()


def test_a_real_container_is_ended_when_nobody_wants_it(real_engine, shell_archive, play, tmp_path):
    layer = shell_layer(BUSYBOX)
    config = configuration([layer], Entrypoint=["/bin/sh", "-c"], Cmd=["sleep 600"])
    (tmp_path / "image.tar").write_bytes(docker_archive([layer], config))
    wanted = threading.Event()
    with loaded_image(real_engine, tmp_path / "image.tar", scratch=tmp_path) as image:
        threading.Timer(2.0, wanted.set).start()
        with pytest.raises(InterruptedWorkError):
            play("", engine=real_engine, image=image, interrupted=wanted.is_set)
        assert [name for name in real_engine.containers(PREFIX) if f"-{os.getpid()}-" in name] == []
    assert list((tmp_path / "scratch").iterdir()) == []
    assert str(tmp_path) not in Path("/proc/mounts").read_text()


def test_a_real_container_predicts(play, real_engine, shell_archive, tmp_path):
    assert shell_archive.is_file()  # so that a shell is at hand for an image of another program
    script = "cd /input/images; for i in *.nii.gz; do cat $i > /output/${i%.nii.gz}_pred.nii.gz; done"
    layer = shell_layer(BUSYBOX)
    config = configuration([layer], Entrypoint=["/bin/sh", "-c"], Cmd=[script])
    (tmp_path / "image.tar").write_bytes(docker_archive([layer], config))
    with loaded_image(real_engine, tmp_path / "image.tar", scratch=tmp_path) as image:
        _, run = play("", engine=real_engine, image=image)
    assert [one.status for one in run.runs] == [Status.COMPLETED]
    assert run.completed
    assert (nib.load(tmp_path / "out" / "Case2_pred.nii.gz").get_fdata() == 2).all()
