"""``unicare challenge``: folders that are challenges."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.failures import SOME_FAILED, told_plainly
from unicare.cli.options import AsJson, Verbose
from unicare.cli.screen import case_bar, counted, results, show

if TYPE_CHECKING:
    from unicare.web.challenge.findings import CheckResult

__all__ = ["group"]

group = typer.Typer(help="Look at the folder of a challenge.", no_args_is_help=True)

_SHOWN = 200


@group.callback()
def _group() -> None:
    """Look at the folder of a challenge."""


@group.command("check")
@told_plainly
def check(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder with challenge.yaml.")],
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Say everything that is wrong with a challenge: its YAML, dates, boards, texts and reference data."""
    from unicare.web.challenge import check_challenge

    with case_bar("checking") as progress:
        result = check_challenge(folder, progress)
    if not as_json:
        _print(result)
    told = "nothing is wrong"
    if result.findings:
        told = f"{counted(result.errors, 'error')}, {counted(result.warnings, 'warning')}"
    show(result.as_dict(), f"{folder}: {told}", as_json)
    if not result.ok:
        raise typer.Exit(SOME_FAILED)


def _print(result: CheckResult) -> None:
    """What the challenge is, then what is wrong with it."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    console = results()
    if result.summary:
        phases = Table(title=Text(str(result.summary["title"])), title_justify="left", box=box.SIMPLE_HEAD)
        for column in (
            "phase",
            "kind",
            "state",
            "from",
            "to (included)",
            "quota",
            "cases ID+OOD",
        ):
            phases.add_column(column)
        for phase in result.summary["phases"]:
            since = "always" if phase["always_open"] else phase["start"] or ""
            cells = (phase["name"], phase["kind"], phase["state"], since, phase["end"] or "")
            phases.add_row(*(Text(cell) for cell in cells), str(phase["quota"]), Text(_cases(phase["tasks"])))
        console.print(phases)
    if not result.findings:
        return
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("what")
    table.add_column("where", overflow="fold", ratio=1)
    table.add_column("why", overflow="fold", ratio=3)
    for one in result.findings[:_SHOWN]:
        style = "bold red" if one.severity == "error" else "yellow"
        table.add_row(Text(one.severity, style=style), Text(one.place), Text(one.text))
    console.print(table)
    if len(result.findings) > _SHOWN:
        console.print(Text(f"… and {len(result.findings) - _SHOWN} more; --json lists all"))


def _cases(tasks: dict[str, dict[str, int]]) -> str:
    """Cases of every task, in and out of distribution."""
    if not tasks:  # what is wrong with them is told below
        return "not counted"
    if not any(tasks.values()):
        return "none yet"
    return ", ".join(f"{task} {_count(counts)}" for task, counts in tasks.items())


def _count(counts: dict[str, int]) -> str:
    if "unknown" in counts:
        return f"{counts['unknown']} (ID or OOD isn't known)"
    return f"{counts.get('ID', 0)}+{counts.get('OOD', 0)}" if counts else "none yet"
