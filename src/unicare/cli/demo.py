"""``unicare demo``: the main job on virtual patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Device, DeviceName, Overwrite, Seed, Verbose, Weights, Workers
from unicare.cli.screen import case_bar, results, show

__all__ = ["demo"]


@told_plainly
def demo(
    out: Annotated[Path, typer.Argument(help="Folder for everything that is made.")] = Path("demo"),
    weights: Weights = None,
    workers: Workers = 2,
    device: Device = DeviceName.auto,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Simulate a small multi-centre cohort, prompt it, predict, evaluate, and write a report."""
    from unicare.demo import DemoSettings, run_demo
    from unicare.evaluate.terminal import print_worst

    settings = DemoSettings(
        seed=seed, workers=workers, device=device.value, weights=weights, overwrite=overwrite
    )
    done = run_demo(out, settings, case_bar)
    if not as_json:
        print_worst(done.evaluation, results(), 5)
    told = {"report": done.report, "seconds": done.seconds, **done.evaluation.as_summary()}
    show(told, f"the report is {done.report.resolve()}; open it in a browser", as_json)
