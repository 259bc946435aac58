"""``unicare report``: one evaluation, or several side by side, as one HTML file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, CareTask, Cohort, Overwrite, Verbose, Workers
from unicare.cli.screen import case_bar, show
from unicare.core.errors import OutputError, SettingsError

if TYPE_CHECKING:
    from unicare.evaluate.rows import Row

__all__ = ["report"]


Folders = Annotated[
    list[str],
    typer.Argument(
        metavar="[NAME=]PREDICTIONS... TRUTH",
        help="Folders with <case>_pred.nii.gz, one for each predictor, with a name for each if you like; "
        "then the folder with <case>.nii.gz.",
    ),
]
Input = Annotated[
    Path | None,
    typer.Option("--input", help="Folder with images/ and prompts.json, to be shown below the outlines."),
]
Out = Annotated[Path, typer.Option(help="File to write.")]
Metrics = Annotated[
    list[Path] | None,
    typer.Option(
        help="metrics.csv of unicare evaluate, or the folder that holds it; once for each predictor, in "
        "their order. Measured anew if not given."
    ),
]
BoardNames = Annotated[
    list[str] | None,
    typer.Option(help="Name or file of a board that ranks the predictors; may be given several times."),
]
Title = Annotated[str, typer.Option(help="Headline.")]
Note = Annotated[str, typer.Option(help="What readers must know first; stands below the headline.")]


@told_plainly
def report(
    folders: Folders,
    folder: Input = None,
    out: Out = Path("report.html"),
    metrics: Metrics = None,
    cohort: Cohort = None,
    board: BoardNames = None,
    title: Title = "Segmentation report",
    note: Note = "",
    task: CareTask = None,
    workers: Workers = 1,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Write one HTML file: who is best and how sure that is, charts, and the slices that went wrong."""
    from unicare.evaluate.report import Run, write_report

    if len(folders) < 2:
        raise SettingsError(
            "one folder only", found=folders[0], expected="folders of predictions, then that of the truths"
        )
    if out.exists() and not overwrite:
        raise OutputError(f"{out} is there already", mend="--overwrite replaces it")
    *predictions, truth = folders
    named = [_named(text) for text in predictions]
    rows = _rows(named, Path(truth), metrics or [], cohort, task, workers)
    prompts = folder / "prompts.json" if folder is not None else None
    with case_bar("drawing") as progress:
        written = write_report(
            out,
            truth_dir=truth,
            runs=[Run(name, path, of_run) for (name, path), of_run in zip(named, rows, strict=True)],
            images=folder,
            prompts_json=prompts if prompts is not None and prompts.is_file() else None,
            cohort=cohort,
            boards=board or (),
            title=title,
            note=note,
            workers=workers,
            progress=progress,
        )
    show({"report": written}, f"the report is {written}", as_json)


def _named(text: str) -> tuple[str, Path]:
    """NAME=FOLDER, or a folder that is called by its own name; a folder may have = in its name."""
    name, equals, folder = text.partition("=")
    if equals and name and not Path(text).exists():
        return name, Path(folder)
    return Path(text).resolve().name, Path(text)


def _rows(
    named: Sequence[tuple[str, Path]],
    truth: Path,
    metrics: Sequence[Path],
    cohort: Path | None,
    task: str | None,
    workers: int,
) -> list[Sequence[Row]]:
    """The figures of each run: read where tables are given, else measured."""
    from unicare.evaluate.rows import read_rows
    from unicare.evaluate.run import evaluate

    if metrics and len(metrics) != len(named):
        raise SettingsError(
            "--metrics",
            found=f"{len(metrics)} for {len(named)} folders of predictions",
            expected="one for each, in their order",
        )
    if metrics:
        return [read_rows(path) for path in metrics]
    rows: list[Sequence[Row]] = []
    for name, folder in named:
        with case_bar(f"scoring {name}") as progress:
            rows.append(evaluate(folder, truth, None, cohort, progress, workers=workers, task=task).rows)
    return rows
