"""``unicare predict``: the container contract's main job."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import SOME_FAILED, told_plainly
from unicare.cli.options import (
    AsJson,
    Device,
    DeviceName,
    Overwrite,
    PromptAxes,
    PromptAxesName,
    SliceAxis,
    SliceAxisName,
    Verbose,
    Workers,
)
from unicare.cli.screen import case_bar, table

__all__ = ["predict"]


@told_plainly
def predict(
    folder: Annotated[Path, typer.Argument(metavar="INPUT", help="Folder with images/ and prompts.json.")],
    output: Annotated[Path, typer.Argument(help="Folder for <case>_pred.nii.gz.")],
    weights: Annotated[
        Path | None, typer.Option(help="Weights of unicare train; those of the package if not given.")
    ] = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Don't conclude from label values what a structure is.")
    ] = False,
    slice_axis: SliceAxis = SliceAxisName.auto,
    prompt_axes: PromptAxes = PromptAxesName.pl,
    workers: Workers = 1,
    device: Device = DeviceName.auto,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Draw a label map for every image, where prompts.json points; cases that are complete are skipped."""
    from unicare.infer.batch import BatchSettings, predict_folder

    settings = BatchSettings(
        weights=weights,
        anonymous=anonymous,
        slice_axis=slice_axis.value,
        prompt_axes=prompt_axes.value,
        workers=workers,
        device=device.value,
        overwrite=overwrite,
    )
    with case_bar("predicting") as progress:
        result = predict_folder(folder, output, settings, progress)
    if result.errors:
        table("cases that failed", ("case", "why"), list(result.errors.items()), to_stderr=True)
        raise typer.Exit(SOME_FAILED)
