"""``unicare predict``: the container contract's main job."""

from __future__ import annotations

from collections import Counter
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import GOES_ON, SOME_FAILED, told_plainly, when_stopped
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
    Weights,
    Workers,
)
from unicare.cli.screen import case_bar, show, table

__all__ = ["PrecisionName", "predict"]


class PrecisionName(StrEnum):
    """What the network computes in."""

    auto = "auto"
    float32 = "float32"
    bfloat16 = "bfloat16"


@told_plainly
@when_stopped(GOES_ON)
def predict(
    folder: Annotated[Path, typer.Argument(metavar="INPUT", help="Folder with images/ and prompts.json.")],
    output: Annotated[Path, typer.Argument(help="Folder for <case>_pred.nii.gz.")],
    weights: Weights = None,
    anonymous: Annotated[
        bool, typer.Option("--anonymous", help="Don't conclude from label values what a structure is.")
    ] = False,
    precision: Annotated[
        PrecisionName, typer.Option(help="Arithmetic; auto takes bfloat16 where that is quick.")
    ] = PrecisionName.auto,
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
    from unicare.infer.segment import SegmentSettings

    settings = BatchSettings(
        weights=weights,
        device=device.value,
        workers=workers,
        overwrite=overwrite,
        slice_axis=slice_axis.value,
        prompt_axes=prompt_axes.value,
        segment=SegmentSettings(anonymous=anonymous, precision=precision.value),
    )
    with case_bar("predicting") as progress:
        result = predict_folder(folder, output, settings, progress)
    counts = Counter(record.status for record in result.records)
    if result.errors:
        table("cases that failed", ("case", "why"), list(result.errors.items()), to_stderr=True)
    told = ", ".join(f"{count} {status}" for status, count in counts.items())
    show({"output": output, **counts, "errors": result.errors}, f"{output}: {told or 'no case'}", as_json)
    if result.errors:
        raise typer.Exit(SOME_FAILED)
