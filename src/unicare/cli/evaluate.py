"""``unicare evaluate``: predictions against truths."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.failures import GOES_ON, SOME_FAILED, told_plainly, when_stopped
from unicare.cli.options import AsJson, CareTask, Cohort, Overwrite, Truth, Verbose, Workers
from unicare.cli.screen import case_bar, results, show
from unicare.core.errors import OutputError

if TYPE_CHECKING:
    from unicare.evaluate.settings import EvaluationSettings

__all__ = ["evaluate"]

_DEFAULT_TOLERANCE_MM = 2.0


class EngineName(StrEnum):
    """Where cases are worked on."""

    processes = "processes"
    ray = "ray"


class CompatName(StrEnum):
    """Whose definitions are used."""

    monai = "monai"
    medpy = "medpy"
    surface_distance = "surface-distance"
    nnunet = "nnunet"
    itk = "itk"


Predictions = Annotated[Path, typer.Argument(help="Folder with <case>_pred.nii.gz.")]
Out = Annotated[
    Path | None, typer.Option(help="Folder for the figures; PREDICTIONS/evaluation if not given.")
]
Metrics = Annotated[
    str | None, typer.Option(help="What to measure, such as dice,hausdorff_mm; see docs/metrics.md.")
]
ToleranceMm = Annotated[float, typer.Option(min=0, help="How far borders may be apart for nsd.")]
Compat = Annotated[
    CompatName | None, typer.Option(help="Measure as this library does, not by docs/metrics.md.")
]
Probabilities = Annotated[
    Path | None, typer.Option(help="Folder with <case>_prob_<label>.nii.gz, scored as well.")
]
Resample = Annotated[
    bool, typer.Option("--resample", help="Put predictions onto their truth's grid, nearest neighbour.")
]
Check = Annotated[
    bool, typer.Option("--check", help="List everything that is wrong with PREDICTIONS, score nothing.")
]
GeometryOnly = Annotated[
    bool,
    typer.Option("--geometry-only", help="With --check: TRUTH holds images, only their grids count."),
]
Worst = Annotated[int, typer.Option(min=0, help="How many of the worst results are listed.")]
Engine = Annotated[EngineName, typer.Option(help="ray spreads cases over the machines of a Ray cluster.")]
RayAddress = Annotated[
    str | None, typer.Option(help="Of a running Ray cluster; one is started here if there is none.")
]


@told_plainly
@when_stopped(GOES_ON)
def evaluate(
    predictions: Predictions,
    truth: Truth,
    out: Out = None,
    cohort: Cohort = None,
    metrics: Metrics = None,
    tolerance_mm: ToleranceMm = _DEFAULT_TOLERANCE_MM,
    compat: Compat = None,
    probabilities: Probabilities = None,
    resample: Resample = False,
    check: Check = False,
    geometry_only: GeometryOnly = False,
    worst: Worst = 10,
    task: CareTask = None,
    workers: Workers = 1,
    engine: Engine = EngineName.processes,
    ray_address: RayAddress = None,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Measure every structure of every case: overlap, distances in mm, volumes; the worst are listed first.

    The same command goes on where it was stopped, and measures only what has changed.
    """
    if check:
        _check(predictions, truth, cohort, task, geometry_only, workers, as_json)
        return
    from unicare.evaluate import run
    from unicare.evaluate.terminal import print_worst

    settings = _settings(metrics, tolerance_mm, compat, probabilities, resample)
    folder = out or predictions / "evaluation"
    if not overwrite:
        _refuse_to_replace(folder, predictions, truth, settings)
    with case_bar("scoring") as progress:
        result = run.evaluate(
            predictions,
            truth,
            folder,
            cohort,
            progress,
            workers=workers,
            task=task,
            settings=settings,
            engine=engine.value,
            ray_address=ray_address,
            overwrite=overwrite,
        )
    if not as_json:
        print_worst(result, results(), worst)
    kept = f"; {result.kept} of {result.cases} cases had been measured before" if result.kept else ""
    show(result.as_summary(), f"figures are in {folder / run.METRICS_FILE}{kept}", as_json)
    if result.errors:
        raise typer.Exit(SOME_FAILED)


def _settings(
    metrics: str | None,
    tolerance_mm: float,
    compat: CompatName | None,
    probabilities: Path | None,
    resample: bool,
) -> EvaluationSettings:
    from unicare.evaluate.settings import EvaluationSettings

    names = None if metrics is None else tuple(name.strip() for name in metrics.split(",") if name.strip())
    return EvaluationSettings(
        metrics=names,
        tolerance_mm=tolerance_mm,
        compat=None if compat is None else compat.value,
        resample=resample,
        probabilities=probabilities,
    )


def _check(
    predictions: Path,
    truth: Path,
    cohort: Path | None,
    task: str | None,
    geometry_only: bool,
    workers: int,
    as_json: bool,
) -> None:
    from unicare.evaluate.check import check_predictions
    from unicare.evaluate.terminal import print_check

    with case_bar("checking") as progress:
        result = check_predictions(
            predictions, truth, cohort, progress, task=task, geometry_only=geometry_only, workers=workers
        )
    if not as_json:
        print_check(result, results())
    told = "nothing is wrong" if result.ok else f"{len(result.problems)} problems"
    show(result.as_dict(), f"{predictions}: {told}, {result.cases} cases expected", as_json)
    if not result.ok:
        raise typer.Exit(SOME_FAILED)


def _refuse_to_replace(folder: Path, predictions: Path, truth: Path, settings: EvaluationSettings) -> None:
    """Keeps the results of other predictions, other truths, or other settings."""
    from unicare.evaluate import run
    from unicare.evaluate.journal import read_about

    there = read_about(folder)
    if there == run.about(predictions, truth, settings):
        return
    if there is not None or (folder / run.METRICS_FILE).exists():
        raise OutputError(
            f"{folder} holds another evaluation",
            found=f"one of {there.predictions}, measured in its own way" if there else run.METRICS_FILE,
            mend="--overwrite replaces it, --out takes another folder",
        )
