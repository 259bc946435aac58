"""``unicare cohort``: virtual patients."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from unicare.cli.failures import GOES_ON, told_plainly, when_stopped
from unicare.cli.options import AsJson, Overwrite, Seed, Verbose, Workers
from unicare.cli.screen import case_bar, show
from unicare.core.errors import SettingsError

__all__ = ["group"]

group = typer.Typer(help="Make cohorts of virtual patients.", no_args_is_help=True)


@group.callback()
def _group() -> None:
    """Make cohorts of virtual patients."""


@group.command("simulate")
@told_plainly
@when_stopped(GOES_ON)
def simulate(
    out: Annotated[Path, typer.Argument(help="Folder of the cohort.")],
    track: Annotated[str, typer.Option(help="Track whose cohorts are made.")] = "TFM4MedIA",
    scale: Annotated[float, typer.Option(help="Share of the track's number of cases.")] = 0.05,
    task: Annotated[list[str] | None, typer.Option(help="Only this task; may be repeated.")] = None,
    split: Annotated[list[str] | None, typer.Option(help="Only this split; may be repeated.")] = None,
    anatomy: Annotated[
        Path | None, typer.Option(help="Folder of label maps to be rendered, in place of virtual patients.")
    ] = None,
    tissues: Annotated[Path | None, typer.Option(help="YAML: each label's tissue; needs --anatomy.")] = None,
    workers: Workers = 1,
    seed: Seed = 0,
    overwrite: Overwrite = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Simulate images and truths: centres, sequences and partial labels as the challenge has them."""
    if (anatomy is None) != (tissues is None):
        raise SettingsError("--anatomy and --tissues belong together", expected="both or neither")
    if overwrite:
        _remove_cases(out)
    with case_bar("simulating") as progress:
        if anatomy is not None and tissues is not None:
            from unicare.data.phantom.custom import simulate_from_labels

            rows = simulate_from_labels(anatomy, tissues, out, seed, progress)
        else:
            from unicare.data.phantom.simulate import simulate_cohort

            rows = simulate_cohort(
                out, track, scale, seed, task or None, split or None, progress, workers=workers
            )
    show({"cohort": out, "cases": [row.case for row in rows]}, f"{len(rows)} cases are in {out}", as_json)


def _remove_cases(out: Path) -> None:
    """Removes the files of an earlier cohort's cases, and nothing else."""
    from unicare.data.cohort import MANIFEST_NAME, read_cohort

    if not (out / MANIFEST_NAME).exists():
        return
    for row in read_cohort(out):
        for folder in ("images", "labels"):
            for file in (out / row.task / folder).glob("*.nii.gz"):
                if file.name.startswith((f"{row.case}.", f"{row.case}_")):
                    file.unlink()
