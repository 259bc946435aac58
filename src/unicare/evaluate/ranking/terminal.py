"""A board on the terminal: ranks, figures and their intervals, and which teams can't be told apart."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from unicare.evaluate.ranking.standings import (
    BoardResult,
    Column,
    Estimate,
    RankEstimate,
    Standing,
    TableResult,
)

__all__ = ["print_board"]

_UNBOUNDED = 10_000

_SHORT = {
    "Hausdorff distance": "HD",
    "95th percentile Hausdorff distance": "HD95",
    "Average symmetric surface distance": "ASSD",
    "Normalised surface Dice": "NSD",
}


def print_board(result: BoardResult, console: Console) -> None:
    """Prints every table of a board, the one that decides first.

    Intervals stand beside the figures where the console is wide enough, else below them.

    Args:
        result: of ``rank_teams`` or ``rank_published``.
        console: where to print.
    """
    console.print(Text(result.title, style="bold"))
    if result.about:
        console.print(Text(result.about))
    for table in (*((result.overall,) if result.overall is not None else ()), *result.tables):
        console.print()
        _print_table(table, console)
    console.print()
    for note in _legend(result):
        console.print(Text(note, style="dim"))


def _print_table(table: TableResult, console: Console) -> None:
    told = table.name.casefold() in table.title.casefold()
    title = table.title if told else f"{table.name}: {table.title}"
    if table.cases:
        patients = f" of {table.patients} patients" if table.patients != table.cases else ""
        title += f", {table.cases} {'case' if table.cases == 1 else 'cases'}{patients}"
    console.print(Text(title, style="bold"))
    unbounded = console.options.update(width=_UNBOUNDED)
    for columns, beside in ((table.columns, True), (table.columns, False), ((), False)):
        drawn = _drawn(table, columns, beside)
        if not columns or Measurement.get(console, unbounded, drawn).maximum <= console.width:
            console.print(drawn)
            break
    if table.columns and not columns:
        console.print(Text("The figures don't fit on this screen; --out writes them.", style="dim"))
    if table.tau is not None:
        tau = f"{table.tau.mean:.2f} ({table.tau.low:.2f} to {table.tau.high:.2f})"
        groups = f"; groups compare by {table.tested}" if table.p_values is not None else ""
        console.print(Text(f"Kendall's tau of the samples' order to this one {tau}{groups}"))
    for note in table.notes:
        console.print(Text(f"Note: {note}", style="yellow"))


def _drawn(table: TableResult, columns: Sequence[Column], beside: bool) -> Table:
    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1), show_edge=False)
    drawn.add_column("rank", no_wrap=True)
    drawn.add_column("team", overflow="fold", min_width=min(12, max(len(row.team) for row in table.rows)))
    own_score = table.score.name not in [column.name for column in table.columns]
    of_ranks = table.name == "overall"
    if own_score:
        drawn.add_column(table.score.title, justify="right")
    for column in columns:
        drawn.add_column(_folded(column.name, 7) if of_ranks else _heading(column), justify="right")
    if table.p_values is not None:
        drawn.add_column("group", no_wrap=True)
    for row in table.rows:
        cells = [_rank(row.rank, beside), Text(row.team)]
        if own_score:
            cells.append(_figure(row.score, table.score, beside))
        for column in columns:
            figure = row.figures[column.name]
            cells.append(
                _rank(row.ranks[column.name], beside) if of_ranks else _figure(figure, column, beside)
            )
        if table.p_values is not None:
            cells.append(Text(_letters(row)))
        drawn.add_row(*cells)
    return drawn


def _heading(column: Column) -> str:
    title = column.title
    for long, short in _SHORT.items():
        title = title.replace(long, short)
    return _folded(f"{title} {column.unit}".strip(), 14)


def _folded(text: str, width: int) -> str:
    return "\n".join(textwrap.wrap(text, width, break_long_words=False))


def _letters(row: Standing) -> str:
    return "".join(row.groups) if all(len(letter) == 1 for letter in row.groups) else " ".join(row.groups)


def _rank(rank: RankEstimate, beside: bool) -> Text:
    text = Text(str(rank.rank), style="bold")
    if rank.low is not None and rank.high is not None:
        between = f"{rank.low}–{rank.high}" if rank.low != rank.high else f"{rank.low}"
        text.append(f" ({between})" if beside else f"\n{between}", style="not bold dim")
    return text


def _figure(figure: Estimate, column: Column, beside: bool) -> Text:
    if figure.value is None:
        return Text("none")
    pattern = _pattern(column)
    text = Text(format(figure.value, pattern))
    if figure.low is not None and figure.high is not None:
        between = f"{figure.low:{pattern}}–{figure.high:{pattern}}"
        text.append(f" ({between})" if beside else f"\n{between}", style="dim")
    return text


def _pattern(column: Column) -> str:
    if column.name == "wins":
        return ".2g"
    return ".2f" if column.unit or column.name == "mean_rank" else ".4f"


def _legend(result: BoardResult) -> list[str]:
    lines = []
    if result.bootstrap:
        lines.append(
            f"Intervals: {result.confidence:.0%}, from {result.bootstrap} bootstrap samples of patients "
            f"within centres (seed {result.seed})."
        )
    if any(table.p_values is not None for table in result.tables):
        lines.append(
            "Teams that share a letter can't be told apart: Wilcoxon signed-rank tests of all pairs, Holm's "
            f"correction, {result.alpha:g}."
        )
    return [*lines, *(f"Note: {note}." for note in result.notes)]
