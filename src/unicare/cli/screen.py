"""What a person sees: results on standard output, progress on standard error if that is a terminal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import typer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["Progress", "case_bar", "counted", "results", "show", "table", "waiting"]


class Progress(Protocol):
    """Told cases done, cases in all and, where known, the case."""

    def __call__(self, done: int, total: int, case: str = "", /) -> None:
        """Moves the bar."""


def show(result: Mapping[str, Any], sentence: str, as_json: bool) -> None:
    """Prints a command's result: as one JSON object, or as a sentence."""
    typer.echo(json.dumps(result, default=str, indent=2) if as_json else sentence)


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 error``, ``2 errors``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def table(
    title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], to_stderr: bool = False
) -> None:
    """Prints a table; columns become as wide as they need to be where there is no terminal."""
    from rich.table import Table

    drawn = Table(*columns, title=title, title_justify="left")
    for row in rows:
        drawn.add_row(*(str(cell) for cell in row))
    results(to_stderr).print(drawn)


def results(to_stderr: bool = False) -> Console:
    """Where tables are printed; wide where there is no terminal to say how wide it is."""
    from rich.console import Console

    console = Console(stderr=to_stderr, markup=False, highlight=False, emoji=False)
    if not console.is_terminal:
        console.width = 200
    return console


@contextmanager
def waiting(doing: str) -> Iterator[None]:
    """Shows a spinner and the time while something runs whose length isn't known."""
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(
        *columns, console=_terminal(), transient=True, disable=not _terminal().is_terminal
    ) as progress:
        progress.add_task(doing, total=None)
        yield


@contextmanager
def case_bar(doing: str) -> Iterator[Progress]:
    """Shows a bar with the time left; yields what is to be told after every case."""
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(compact=True),
    )
    with Progress(
        *columns, console=_terminal(), transient=True, disable=not _terminal().is_terminal
    ) as progress:
        task = progress.add_task(doing, total=None)

        def advance(done: int, total: int, case: str = "", /) -> None:
            progress.update(task, completed=done, total=total, description=f"{doing} {escape(case)}")

        yield advance


def _terminal() -> Console:
    from rich.console import Console

    return Console(stderr=True)
