"""The table of commands."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from unicare import __version__
from unicare.cli import (
    board,
    challenge,
    cohort,
    demo,
    evaluate,
    predict,
    prompts,
    rank,
    report,
    robustness,
    serve,
    shift,
    site,
    status,
    submit,
    train,
)

__all__ = ["app", "main"]

app = typer.Typer(
    name="unicare",
    help="Images and prompts in, segmentations out: hearts and livers in CT and MRI. Not a medical device.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("predict")(predict.predict)
app.add_typer(prompts.group, name="prompts")
app.add_typer(cohort.group, name="cohort")
app.command("train")(train.train)
app.command("evaluate")(evaluate.evaluate)
app.command("rank")(rank.rank)
app.command("shift")(shift.shift)
app.command("report")(report.report)
app.command("robustness")(robustness.robustness)
app.add_typer(challenge.group, name="challenge")
app.command("serve")(serve.serve)
app.add_typer(site.group, name="site")
app.command("submit")(submit.submit)
app.command("status")(status.status)
app.command("board")(board.board)
app.command("demo")(demo.demo)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"unicare {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs the command line and exits.

    Exit codes: 0 done; 1 done, but some cases failed; 2 the input can't be used as it is; 70 an error of
    unicare's own; 130 stopped by Ctrl-C.

    Args:
        arguments: words after ``unicare``; those of the process by default.
    """
    app(args=None if arguments is None else list(arguments), prog_name="unicare")
