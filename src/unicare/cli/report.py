"""``unicare report``: an evaluation as one HTML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Overwrite, Verbose, Workers
from unicare.cli.screen import case_bar, show, waiting
from unicare.core.errors import OutputError

__all__ = ["report"]


@told_plainly
def report(
    predictions: Annotated[Path, typer.Argument(help="Folder with <case>_pred.nii.gz.")],
    truth: Annotated[Path, typer.Argument(help="Folder with <case>.nii.gz.")],
    folder: Annotated[
        Path | None,
        typer.Option("--input", help="Folder with images/ and prompts.json, to be shown below the outlines."),
    ] = None,
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("report.html"),
    metrics: Annotated[
        Path | None, typer.Option(help="metrics.csv of unicare evaluate; measured anew if not given.")
    ] = None,
    cohort: Annotated[
        Path | None, typer.Option(help="Manifest (CSV) with each case's centre and annotated structures.")
    ] = None,
    title: Annotated[str, typer.Option(help="Headline.")] = "Segmentation report",
    task: Annotated[
        str | None, typer.Option(help="CARE task whose label values these are, where no manifest says it.")
    ] = None,
    workers: Workers = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Write one HTML file with the best, median and worst slice of every structure; it opens offline."""
    from unicare.evaluate.report import write_report
    from unicare.evaluate.rows import read_rows
    from unicare.evaluate.run import evaluate

    if out.exists() and not overwrite:
        raise OutputError(f"{out} is there already", mend="--overwrite replaces it")
    if metrics is not None:
        rows = tuple(read_rows(metrics))
    else:
        with case_bar("scoring") as progress:
            rows = evaluate(predictions, truth, None, cohort, progress, workers=workers, task=task).rows
    prompts = folder / "prompts.json" if folder is not None else None
    with waiting("drawing"):
        written = write_report(
            out,
            predictions_dir=predictions,
            truth_dir=truth,
            rows=rows,
            images=folder,
            prompts_json=prompts if prompts is not None and prompts.is_file() else None,
            title=title,
        )
    show({"report": written}, f"the report is {written}", as_json)
