"""``unicare demo``: the main job on virtual patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import GOES_ON, told_plainly, when_stopped
from unicare.cli.options import AsJson, Device, DeviceName, Overwrite, Seed, Verbose, Weights, Workers
from unicare.cli.screen import case_bar, results, show

__all__ = ["demo"]


@told_plainly
@when_stopped(GOES_ON)
def demo(
    out: Annotated[Path, typer.Argument(help="Folder for everything that is made.")] = Path("demo"),
    scale: Annotated[
        float,
        typer.Option(min=0, max=1, help="Share of the challenge's test cases; one a centre by default."),
    ] = 0.0,
    weights: Weights = None,
    workers: Workers = 2,
    device: Device = DeviceName.auto,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Simulate a multi-centre cohort, prompt it, and compare three predictors: network, ellipse, broken."""
    from unicare.demo.run import SMALLEST_SCALE, DemoSettings, run_demo
    from unicare.evaluate.terminal import print_worst

    settings = DemoSettings(
        seed=seed,
        workers=workers,
        device=device.value,
        weights=weights,
        overwrite=overwrite,
        scale=max(scale, SMALLEST_SCALE),
    )
    done = run_demo(out, settings, case_bar)
    if not as_json:
        print_worst(next(iter(done.evaluations.values())), results(), 5)
    told = {
        "report": done.report,
        "seconds": done.seconds,
        "predictors": {name: evaluation.as_summary() for name, evaluation in done.evaluations.items()},
    }
    show(told, f"the report is {done.report.resolve()}; open it in a browser", as_json)
