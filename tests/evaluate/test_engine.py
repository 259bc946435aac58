"""Where cases are worked on makes no difference to what is found, whatever dies on the way."""

import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from unicare.core.errors import SettingsError
from unicare.evaluate.engine import ENGINES, Resources, find_engine
from unicare.evaluate.engine_ray import on_ray
from unicare.evaluate.run import METRICS_FILE, PARQUET_FILE, SUMMARY_FILE, evaluate
from unicare.evaluate.score import score_case

SOURCE = Path(__file__).parents[2] / "src"
posix = pytest.mark.skipif(os.name != "posix", reason="signals of POSIX")


def double(number):
    return 2 * number


def told(number):
    return f"{number} died"


def ends_its_process(number):
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def dies_once(folder, task):
    """Scores a case, but the first process that gets to case 3 is killed while it works on it."""
    mark = folder / "killed"
    if task.case == "case 3" and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return score_case(task)


@pytest.fixture(scope="module")
def cluster():
    ray = pytest.importorskip("ray")
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"):
        os.environ.setdefault(name, "0")
    ray.init(
        address="local",
        num_cpus=2,
        include_dashboard=False,
        object_store_memory=100 * 2**20,
        log_to_driver=False,
    )
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    rng = np.random.default_rng(5)
    for index in range(6):
        labels = np.zeros((24, 22, 6), dtype=np.int16)
        labels[4:16, 5:15, 1:5] = 200
        labels[7:12, 8:12, 1:5] = 500
        other = np.roll(labels, rng.integers(-2, 3, 3), (0, 1, 2))
        for folder, data in (("truth", labels), ("predictions", other)):
            (root / folder).mkdir(exist_ok=True)
            image = nib.Nifti1Image(data, np.diag([-1.3, -1.1, 7.7, 1]))
            nib.save(image, root / folder / f"case {index}.nii.gz")
    return root / "predictions", root / "truth"


def bytes_of(out):
    return {name: (out / name).read_bytes() for name in (METRICS_FILE, PARQUET_FILE, SUMMARY_FILE)}


@pytest.mark.parametrize(("engine", "workers"), [("processes", 2), ("ray", 2)])
def test_every_engine_gives_the_same_files_to_the_last_byte(engine, workers, folders, tmp_path, request):
    if engine == "ray":
        request.getfixturevalue("cluster")
    evaluate(*folders, tmp_path / "alone")
    evaluate(*folders, tmp_path / "together", engine=engine, workers=workers)
    assert bytes_of(tmp_path / "together") == bytes_of(tmp_path / "alone")


def test_the_command_line_gives_the_same_files_as_python(folders, tmp_path):
    words = ("evaluate", *map(str, folders), "--out", str(tmp_path / "typed"), "--workers", "2")
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    subprocess.run(
        [sys.executable, "-m", "unicare", *words], env=environment, check=True, capture_output=True
    )
    evaluate(*folders, tmp_path / "called")
    assert bytes_of(tmp_path / "typed") == bytes_of(tmp_path / "called")


@posix
def test_a_worker_of_the_cluster_that_is_killed_midway_costs_no_digit(
    cluster, folders, tmp_path, monkeypatch
):
    expected = evaluate(*folders)
    monkeypatch.setattr("unicare.evaluate.run.score_case", partial(_for_run, tmp_path))
    result = evaluate(*folders, tmp_path / "out", engine="ray", workers=2)
    assert (tmp_path / "killed").exists()
    assert result.rows == expected.rows
    assert not result.errors


def _for_run(folder, task, settings):
    return dies_once(folder, task)


@posix
def test_a_job_that_kills_every_process_is_told_and_the_others_are_done(cluster):
    done = list(on_ray(ends_its_process, [1, 13, 2, 3], told, workers=2))
    assert sorted(map(str, done)) == ["13 died", "2", "4", "6"]


def test_what_the_work_raises_ends_the_run(cluster):
    with pytest.raises(ZeroDivisionError):
        list(on_ray(partial(divmod, 1), [0], told))


@pytest.mark.parametrize("name", sorted(ENGINES))
def test_every_engine_does_nothing_with_nothing_and_all_with_all(name, request):
    if name == "ray":
        request.getfixturevalue("cluster")
    engine = find_engine(name)
    assert list(engine(double, [], told, Resources(2))) == []
    assert sorted(engine(double, [1, 2, 3], told, Resources(2))) == [2, 4, 6]


def test_an_unknown_engine_is_refused(folders):
    with pytest.raises(SettingsError, match="unknown engine; found spark; expected one of processes, ray"):
        evaluate(*folders, engine="spark")


def test_without_ray_it_is_said_how_to_get_it(folders, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(SettingsError, match=r"pip install 'unicare\[ray\]'"):
        evaluate(*folders, engine="ray")
