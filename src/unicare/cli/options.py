"""Arguments and options that are the same on every command that has them."""

from __future__ import annotations

import logging
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

__all__ = [
    "AsJson",
    "CareTask",
    "Cohort",
    "Device",
    "DeviceName",
    "Overwrite",
    "PromptAxes",
    "PromptAxesName",
    "Seed",
    "SliceAxis",
    "SliceAxisName",
    "Truth",
    "Verbose",
    "Weights",
    "Workers",
]


class DeviceName(StrEnum):
    """Where the network runs."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"


class SliceAxisName(StrEnum):
    """Which axis of a volume the slices of prompts.json count along."""

    auto = "auto"
    pls = "pls"
    acquisition = "acquisition"


class PromptAxesName(StrEnum):
    """What the first coordinate of a box or point counts."""

    pl = "pl"
    lp = "lp"


class _ToScreen(logging.Handler):
    """Writes to whatever standard error is at the time, so that a line doesn't run into a progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        print(self.format(record), file=sys.stderr)


def _set_logging(count: int) -> int:
    """Warnings of unicare always, its steps with -v, everything of everyone with -vv; on standard error."""
    handler = _ToScreen()
    handler.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    own, root = logging.getLogger("unicare"), logging.getLogger()
    for logger in (own, root):
        logger.handlers.clear()
    logging.captureWarnings(True)
    (root if count > 1 else own).addHandler(handler)
    own.propagate = count > 1
    own.setLevel((logging.WARNING, logging.INFO, logging.DEBUG)[min(count, 2)])
    root.setLevel(logging.DEBUG if count > 1 else logging.WARNING)
    return count


Truth = Annotated[Path, typer.Argument(help="Folder with <case>.nii.gz.")]
Cohort = Annotated[
    Path | None,
    typer.Option(
        "--cohort", help="Manifest (CSV or Parquet) with each case's centre and annotated structures."
    ),
]
CareTask = Annotated[
    str | None,
    typer.Option("--task", help="CARE task whose label values these are, where no manifest says it."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Everything random follows from this number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON on standard output.")]
Weights = Annotated[
    Path | None,
    typer.Option("--weights", help="Weights that unicare train wrote; those of the package if not given."),
]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes that work at the same time.")]
Device = Annotated[DeviceName, typer.Option("--device", help="auto takes a GPU if there is one.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Redo and replace what is there already.")]
SliceAxis = Annotated[
    SliceAxisName,
    typer.Option(
        "--slice-axis",
        help="Axis that slices count along: pls is axis 2 of the volume in PLS axes, acquisition that of "
        "thick slices, auto whichever fits the prompts.",
    ),
]
PromptAxes = Annotated[
    PromptAxesName,
    typer.Option(
        "--prompt-axes", help="pl: x counts rows (P), y columns (L), as the challenge has it; lp: swapped."
    ),
]
Verbose = Annotated[
    int,
    typer.Option(
        "--verbose",
        "-v",
        count=True,
        callback=_set_logging,
        help="Say what is being done; -vv says everything.",
    ),
]
