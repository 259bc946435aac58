"""``unicare prompts``: make them from label maps, or check what is there."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import SOME_FAILED, told_plainly
from unicare.cli.options import (
    AsJson,
    Overwrite,
    PromptAxes,
    PromptAxesName,
    Seed,
    SliceAxis,
    SliceAxisName,
    Verbose,
)
from unicare.cli.screen import counted, show, table, waiting
from unicare.core.errors import OutputError

__all__ = ["group"]

group = typer.Typer(help="Make prompts from label maps, or check them.", no_args_is_help=True)


@group.command("simulate")
@told_plainly
def simulate(
    labels: Annotated[Path, typer.Argument(help="Folder of label maps, <case>.nii.gz.")],
    out: Annotated[Path, typer.Argument(help="prompts.json to write.")],
    margin: Annotated[
        tuple[int, int], typer.Option(help="Least and most voxels between structure and box.")
    ] = (1, 5),
    points: Annotated[tuple[int, int], typer.Option(help="Least and most points.")] = (1, 5),
    box: Annotated[bool, typer.Option("--box/--no-box", help="Whether boxes are given.")] = True,
    jitter: Annotated[float, typer.Option(help="Move each edge by up to this fraction of the box.")] = 0.0,
    negative: Annotated[int, typer.Option(help="Points in the box, outside the structure.")] = 0,
    least_voxels: Annotated[int, typer.Option(help="Slices with fewer voxels get no prompt.")] = 10,
    label: Annotated[list[int] | None, typer.Option(help="Only this label; may be repeated.")] = None,
    slice_axis: SliceAxis = SliceAxisName.pls,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Draw prompts from label maps: a loose box and a few points where a slice has enough of a structure."""
    from unicare.prompts.simulate import PromptSettings, simulate_folder

    if out.exists() and not overwrite:
        raise OutputError(f"{out} is there already", mend="--overwrite replaces it")
    settings = PromptSettings(
        box=box,
        points=points[1] > 0,
        box_margin_voxels=margin,
        box_jitter_fraction=jitter,
        point_count=points if points[1] > 0 else (1, 1),
        negative_point_count=negative,
        min_foreground_voxels=least_voxels,
        labels=tuple(label) if label else None,
    )
    with waiting("drawing prompts"):
        failed = simulate_folder(labels, out, settings, seed=seed, slice_axis=slice_axis.value)
    errors = {name: str(error) for name, error in failed.items()}
    show({"prompts": out, "errors": errors}, f"prompts are in {out}", as_json)
    if errors:
        table("label maps that could not be used", ("file", "why"), list(errors.items()), to_stderr=True)
        raise typer.Exit(SOME_FAILED)


@group.command("check")
@told_plainly
def check(
    folder: Annotated[Path, typer.Argument(metavar="INPUT", help="Folder with images/ and prompts.json.")],
    slice_axis: SliceAxis = SliceAxisName.auto,
    prompt_axes: PromptAxes = PromptAxesName.pl,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Say everything that is wrong with an input folder, without running a model."""
    from unicare.prompts.check import check_input

    with waiting("reading images and prompts"):
        findings = check_input(folder, slice_axis=slice_axis.value, prompt_axes=prompt_axes.value)
    errors = sum(finding.severity == "error" for finding in findings)
    summary = "nothing is wrong"
    if findings:
        summary = f"{counted(errors, 'error')}, {counted(len(findings) - errors, 'warning')}"
    if findings and not as_json:
        rows = [(finding.severity, finding.case, finding.message) for finding in findings]
        table(f"{folder}", ("what", "case", "why"), rows)
    listed = [asdict(finding) for finding in findings]
    show({"findings": listed, "errors": errors}, f"{folder}: {summary}", as_json)
    if errors:
        raise typer.Exit(SOME_FAILED)
