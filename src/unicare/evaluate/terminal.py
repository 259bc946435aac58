"""An evaluation on the terminal: worst cases first, then the means."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from unicare.evaluate.rows import Mean, Row
from unicare.evaluate.run import EvaluationResult

__all__ = ["print_worst"]

_SHOWN_FINDINGS = 10


def print_worst(result: EvaluationResult, console: Console, count: int = 10) -> None:
    """Prints the structures of single cases with the lowest Dice, the means of all, and what went wrong.

    Args:
        result: of ``evaluate``.
        console: where to print.
        count: how many of the worst are shown.
    """
    worst = worst_first(result.rows)
    if worst:
        console.print(_worst_table(worst[:count], total=len(worst)))
        console.print(_means_table(result.means))
    _print_list(console, "Without a prediction, scored as empty", result.missing)
    _print_list(console, "Not scored", tuple(result.errors.values()))
    _print_list(console, "Findings", result.findings)


def worst_first(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The Dice and Hausdorff rows of every case and structure; lowest Dice, then greatest distance first."""
    distances = {(row.case, row.label): row for row in rows if row.metric == "hausdorff_mm"}
    pairs = [(row, distances[row.case, row.label]) for row in rows if row.metric == "dice"]
    return sorted(pairs, key=lambda pair: (pair[0].value or 0.0, -(pair[1].value or 0.0)))


def _worst_table(pairs: Sequence[tuple[Row, Row]], total: int) -> Table:
    table = Table(title=f"Worst {len(pairs)} of {total}", title_justify="left")
    table.add_column("case", overflow="fold")
    for name in ("centre", "structure"):
        table.add_column(name)
    for name in ("Dice", "HD mm"):
        table.add_column(name, justify="right")
    table.add_column("rule")
    for dice, distance in pairs:
        table.add_row(
            Text(dice.case),
            Text(dice.centre),
            Text(dice.structure),
            f"{dice.value:.3f}",
            f"{distance.value:.1f}",
            Text("" if dice.rule == "measured" else dice.rule.replace("_", " ")),
        )
    return table


def _means_table(means: Sequence[Mean]) -> Table:
    table = Table(title="Means over cases", title_justify="left")
    table.add_column("structure")
    for name in ("n", "Dice", "sd", "HD mm", "sd"):
        table.add_column(name, justify="right")
    distances = {(mean.structure, mean.label): mean for mean in means if mean.metric == "hausdorff_mm"}
    for mean in means:
        if mean.metric == "dice":
            distance = distances[mean.structure, mean.label]
            table.add_row(
                Text(mean.structure),
                str(mean.n),
                f"{mean.mean:.3f}",
                "" if mean.sd is None else f"{mean.sd:.3f}",
                f"{distance.mean:.1f}",
                "" if distance.sd is None else f"{distance.sd:.1f}",
            )
    return table


def _print_list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print(Text(f"{title} ({len(lines)}):", style="bold"))
    for line in lines[:_SHOWN_FINDINGS]:
        console.print(Text(f"  {line}"))
    if len(lines) > _SHOWN_FINDINGS:
        console.print(Text(f"  … and {len(lines) - _SHOWN_FINDINGS} more, in summary.json"))
