"""``unicare train``: a recipe in, weights out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import GOES_ON, told_plainly, when_stopped
from unicare.cli.options import AsJson, Device, DeviceName, Verbose
from unicare.cli.screen import show

__all__ = ["train"]


@told_plainly
@when_stopped(GOES_ON)
def train(
    recipe: Annotated[Path, typer.Argument(help="YAML file with the sections loop, model, data.")],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the run; runs/<recipe> if not given. A run goes on from it."),
    ] = None,
    change: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting: loop.steps=100.")
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="In place of the recipe's seed.")] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=0, help="Processes that make batches, if not the recipe's.")
    ] = None,
    device: Device = DeviceName.auto,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Train a network by a recipe, or go on with a run that was stopped."""
    from unicare.train.run import run_recipe

    changes = list(change or ())
    if device is not DeviceName.auto:
        changes.append(f"loop.device={device.value}")
    if seed is not None:
        changes.append(f"loop.seed={seed}")
    if workers is not None:
        changes.append(f"data.workers={workers}")
    weights = run_recipe(recipe, out or Path("runs") / recipe.stem, changes)
    show({"weights": weights}, f"weights are in {weights}", as_json)
