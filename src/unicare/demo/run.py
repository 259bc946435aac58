"""The main job on virtual patients: simulate, prompt, predict, evaluate, compare, report."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unicare.core.errors import OutputError
from unicare.demo.predictors import PREDICTORS, Folders, PredictorSettings

if TYPE_CHECKING:
    from unicare.evaluate.run import EvaluationResult

__all__ = ["DemoResult", "DemoSettings", "run_demo"]

Progress = Callable[..., None]
"""Told cases done, cases in all, and where known the case."""

Stage = Callable[[str], AbstractContextManager[Progress]]
"""Announces what is being done and gives the function to tell progress to."""

TASKS = ("la", "la_scar", "whs", "myops", "liver")
SPLIT = "test"
"""The split that has cases of centres which training hasn't seen."""

BOARDS = ("aggregate_then_rank", "tfm4media")
"""That the report ranks the predictors by."""

SMALLEST_SCALE = 1e-6
"""One case from every line of the table of cohorts."""


@dataclass(frozen=True)
class DemoSettings:
    """How the demo runs.

    Attributes:
        seed: the virtual patients and their prompts follow from it.
        workers: processes that work at the same time.
        device: ``auto``, ``cpu`` or ``cuda``.
        weights: a safetensors file; None for the shipped one.
        overwrite: start anew in a folder that holds an earlier demo.
        tasks: of the TFM4MedIA track.
        scale: share of the track's number of test cases; every line of its table has one case at least.
    """

    seed: int = 0
    workers: int = 2
    device: str = "auto"
    weights: Path | None = None
    overwrite: bool = False
    tasks: tuple[str, ...] = TASKS
    scale: float = SMALLEST_SCALE


@dataclass(frozen=True)
class DemoResult:
    """What a demo made.

    Attributes:
        report: HTML file to look at.
        evaluations: predictor to its figures of every case and structure; the network's first.
        failed: predictor to the cases that it couldn't predict.
        seconds: by stage.
    """

    report: Path
    evaluations: Mapping[str, EvaluationResult]
    failed: Mapping[str, tuple[str, ...]]
    seconds: dict[str, float]


@dataclass(frozen=True)
class _Folders:
    out: Path

    @property
    def cohort(self) -> Path:
        """Virtual patients by task."""
        return self.out / "cohort"

    @property
    def input(self) -> Path:
        """What predict is given: all images together, no word of their tasks."""
        return self.out / "input"

    @property
    def images(self) -> Path:
        return self.input / "images"

    @property
    def truth(self) -> Path:
        return self.out / "truth"

    @property
    def predictions(self) -> Path:
        return self.out / "predictions"

    @property
    def evaluation(self) -> Path:
        return self.out / "evaluation"

    def predicted_by(self, predictor: str) -> Path:
        return self.predictions / predictor

    @property
    def report(self) -> Path:
        return self.out / "report.html"


@contextmanager
def _silent(_doing: str) -> Iterator[Progress]:
    yield lambda *_: None


def run_demo(out: Path, settings: DemoSettings | None = None, stage: Stage = _silent) -> DemoResult:
    """Simulates a multi-centre cohort, prompts it, lets three predictors answer, and compares them.

    An earlier demo in the same folder is gone on with: what is complete isn't made again.

    Args:
        out: folder for all of it.
        settings: how.
        stage: told what is being done.

    Raises:
        OutputError: the folder can't be written to, or holds something that isn't a demo.
    """
    chosen = settings or DemoSettings()
    folders = _Folders(Path(out))
    _make_room(folders, chosen.overwrite)
    seconds: dict[str, float] = {}

    @contextmanager
    def timed(doing: str) -> Iterator[Progress]:
        start = time.perf_counter()
        with stage(doing) as progress:
            yield progress
        seconds[doing] = round(time.perf_counter() - start, 1)

    with timed("simulating patients") as progress:
        _simulate(folders, chosen, progress)
    with timed("drawing prompts"):
        _prompt(folders, chosen.seed)
    failed = {}
    for predictor in PREDICTORS:
        with timed(f"predicting ({predictor})") as progress:
            failed[predictor] = _predict(folders, predictor, chosen, progress)
    evaluations = {}
    for predictor in PREDICTORS:
        with timed(f"scoring ({predictor})") as progress:
            evaluations[predictor] = _evaluate(folders, predictor, chosen.workers, progress)
    with timed("writing the report") as progress:
        _report(folders, evaluations, chosen.workers, progress)
    return DemoResult(folders.report, evaluations, failed, seconds)


def _make_room(folders: _Folders, overwrite: bool) -> None:
    """Makes the folder, or takes that of an earlier demo; never one that holds something else."""
    try:
        folders.out.mkdir(parents=True, exist_ok=True)
        if any(folders.out.iterdir()) and not folders.cohort.is_dir():
            raise OutputError(
                f"{folders.out}: holds something that isn't a demo",
                mend="name another folder: unicare demo DIR",
            )
        old = [folders.input, folders.truth]
        if overwrite:
            old += [folders.cohort, folders.predictions, folders.evaluation]
        for folder in old:
            if folder.exists():
                shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(f"{folders.out}: can't be written to", found=error.strerror) from None


def _simulate(folders: _Folders, settings: DemoSettings, progress: Progress) -> None:
    from unicare.data.phantom.simulate import simulate_cohort

    folders.cohort.mkdir(exist_ok=True)
    rows = simulate_cohort(
        folders.cohort,
        scale=settings.scale,
        seed=settings.seed,
        tasks=settings.tasks,
        splits=(SPLIT,),
        progress=progress,
        workers=settings.workers,
    )
    cases = [(folders.cohort / row.task, row.case) for row in rows]
    _gather(
        (path for task, case in cases for path in (task / "images").glob(f"{case}*.nii.gz")), folders.images
    )
    _gather((task / "labels" / f"{case}.nii.gz" for task, case in cases), folders.truth)


def _gather(files: Iterable[Path], folder: Path) -> None:
    """Puts files of all tasks into one folder; linked where the file system can."""
    folder.mkdir(parents=True)
    for file in files:
        try:
            os.link(file, folder / file.name)
        except OSError:
            shutil.copyfile(file, folder / file.name)


def _prompt(folders: _Folders, seed: int) -> None:
    from unicare.prompts.simulate import simulate_folder

    # a person draws on the slices that were scanned, not across the thick ones
    failed = simulate_folder(
        folders.truth, folders.input / "prompts.json", seed=seed, slice_axis="acquisition"
    )
    if failed:
        raise next(iter(failed.values()))


def _predict(
    folders: _Folders, predictor: str, settings: DemoSettings, progress: Progress
) -> tuple[str, ...]:
    places = Folders(
        folders.input, folders.predicted_by(predictor), folders.predicted_by(next(iter(PREDICTORS)))
    )
    how = PredictorSettings(settings.workers, settings.device, settings.weights, settings.overwrite)
    places.output.mkdir(parents=True, exist_ok=True)
    return tuple(PREDICTORS[predictor](places, how, progress))


def _evaluate(folders: _Folders, predictor: str, workers: int, progress: Progress) -> EvaluationResult:
    from unicare.evaluate.run import evaluate

    return evaluate(
        folders.predicted_by(predictor),
        folders.truth,
        folders.evaluation / predictor,
        folders.cohort / "cohort.csv",
        progress,
        workers=workers,
    )


def _report(
    folders: _Folders, evaluations: Mapping[str, EvaluationResult], workers: int, progress: Progress
) -> None:
    from unicare.evaluate.report import Run, write_report

    write_report(
        folders.report,
        truth_dir=folders.truth,
        runs=[Run(name, folders.predicted_by(name), of_run.rows) for name, of_run in evaluations.items()],
        images=folders.input,
        prompts_json=folders.input / "prompts.json",
        cohort=folders.cohort / "cohort.csv",
        boards=BOARDS,
        title="Virtual patients",
        note="Synthetic: simulated patients, not people. One predictor is broken on purpose.",
        workers=workers,
        progress=progress,
    )
