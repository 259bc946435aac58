"""``unicare evaluate``: predictions against truths."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import SOME_FAILED, told_plainly
from unicare.cli.options import AsJson, Overwrite, Verbose, Workers
from unicare.cli.screen import case_bar, results, show
from unicare.core.errors import OutputError

__all__ = ["evaluate"]


@told_plainly
def evaluate(
    predictions: Annotated[Path, typer.Argument(help="Folder with <case>_pred.nii.gz.")],
    truth: Annotated[Path, typer.Argument(help="Folder with <case>.nii.gz.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for metrics.csv; PREDICTIONS/evaluation if not given.")
    ] = None,
    cohort: Annotated[
        Path | None, typer.Option(help="Manifest (CSV) with each case's centre and annotated structures.")
    ] = None,
    worst: Annotated[int, typer.Option(min=0, help="How many of the worst results are listed.")] = 10,
    task: Annotated[
        str | None, typer.Option(help="CARE task whose label values these are, where no manifest says it.")
    ] = None,
    workers: Workers = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Measure Dice and Hausdorff distance (mm) of every case and structure; the worst are listed first."""
    from unicare.evaluate import run
    from unicare.evaluate.terminal import print_worst

    folder = out or predictions / "evaluation"
    table = folder / run.METRICS_FILE
    if table.exists() and not overwrite:
        raise OutputError(f"{table} is there already", mend="--overwrite replaces it")
    with case_bar("scoring") as progress:
        result = run.evaluate(predictions, truth, folder, cohort, progress, workers=workers, task=task)
    if not as_json:
        print_worst(result, results(), worst)
    show(result.as_summary(), f"figures are in {table}", as_json)
    if result.errors:
        raise typer.Exit(SOME_FAILED)
