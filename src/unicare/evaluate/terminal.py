"""An evaluation on the terminal: worst cases first, then the means, then what else there is to know."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence

from rich import box
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from unicare.evaluate.check import CheckResult
from unicare.evaluate.findings import Finding
from unicare.evaluate.rows import Mean, Row
from unicare.evaluate.summary import EvaluationResult, means_by_distribution
from unicare.metrics.catalogue import CATALOGUE

__all__ = ["print_check", "print_worst", "worst_first", "worst_results"]

_SHOWN_FINDINGS = 10
_SHOWN_CASES = 8
_WIDEST_CASE = 30
_PREFERRED = ("dice", "hausdorff_mm", "hd95_mm", "nsd")
_FEWEST, _MOST = 2, 4
_ENDLESS = 10_000
_TITLES = {"hausdorff_mm": "HD mm", "hd95_mm": "HD95 mm", "assd_mm": "ASSD mm", "nsd": "NSD"}


def print_worst(result: EvaluationResult, console: Console, count: int = 10) -> None:
    """Prints the worst structures of single cases, the means of all, and what went wrong.

    As many metrics are shown as the terminal has room for; all of them are in metrics.csv.

    Args:
        result: of ``evaluate``.
        console: where to print.
        count: how many of the worst are shown.
    """
    metrics = _shown_metrics(result.rows)
    worst = worst_results(result.rows, metrics)
    if worst and count:
        some, total = worst[:count], len(worst)
        console.print(_fitting(console, metrics, lambda shown: _worst_table(some, total, shown)))
    if result.means:
        by_distribution = means_by_distribution(result.rows)
        groups = by_distribution if len(by_distribution) > 1 else {"": result.means}
        console.print(_fitting(console, metrics, lambda shown: _means_table(groups, shown)))
    _print_list(console, "Without a prediction, scored as empty", result.missing)
    _print_list(console, "Not scored", tuple(result.errors.values()))
    _print_list(console, "Findings", result.findings)


def print_check(result: CheckResult, console: Console) -> None:
    """Prints what is wrong with a folder of predictions, if anything is; the same fault on one line."""
    if result.ok:
        return
    groups: dict[tuple[str, str], list[Finding]] = {}
    for one in result.problems:
        groups.setdefault((str(one.kind), one.text), []).append(one)
    table = _table("What is wrong")
    table.add_column("problem")
    table.add_column("cases", overflow="fold", max_width=_WIDEST_CASE)
    table.add_column("what", overflow="fold")
    for (kind, text), group in groups.items():
        counts = [one.voxels for one in group if one.voxels is not None]
        voxels = f" ({sum(counts)} voxels)" if counts else ""
        cases = [one.case for one in group]
        more = [f"and {len(cases) - _SHOWN_CASES} more"] if len(cases) > _SHOWN_CASES else []
        table.add_row(Text(kind), Text("\n".join(cases[:_SHOWN_CASES] + more)), Text(text + voxels))
    console.print(table)


def worst_first(rows: Sequence[Row]) -> list[tuple[Row, Row]]:
    """The Dice and Hausdorff rows of every case and structure; lowest Dice, then greatest distance first."""
    wanted = ("dice", "hausdorff_mm")
    every = worst_results(rows, wanted)
    return [(one["dice"], one["hausdorff_mm"]) for one in every if set(wanted) <= set(one)]


def worst_results(rows: Iterable[Row], metrics: Sequence[str]) -> list[Mapping[str, Row]]:
    """The rows of every case and structure by metric, worst first: by the first metric, then by the next.

    Args:
        rows: of an evaluation.
        metrics: what is judged by, in this order.
    """
    results: dict[tuple[str, int], dict[str, Row]] = {}
    for row in rows:
        if row.label is not None and row.value is not None:
            results.setdefault((row.case, row.label), {})[row.metric] = row
    return sorted(results.values(), key=lambda one: [-_badness(one.get(name)) for name in metrics])


def _badness(row: Row | None) -> float:
    """A number that is greater the worse a figure is; a figure that can't be told is the worst."""
    if row is None or row.value is None:
        return -math.inf
    if math.isnan(row.value):
        return math.inf
    better = CATALOGUE[row.metric].better if row.metric in CATALOGUE else "neither"
    if better == "higher":
        return -row.value
    if better == "nearer_zero":
        return abs(row.value)
    return row.value if better == "lower" else 0.0


def _shown_metrics(rows: Sequence[Row]) -> list[str]:
    """The metrics that are worth a column: the usual ones, or else the first that were measured."""
    measured = {row.metric for row in rows if row.label is not None and row.value is not None}
    usual = [name for name in _PREFERRED if name in measured]
    others = [name for name, metric in CATALOGUE.items() if name in measured and metric.better != "neither"]
    return usual or others[:_MOST]


def _fitting(console: Console, metrics: Sequence[str], draw: Callable[[Sequence[str]], Table]) -> Table:
    """The table with as many metrics as there is room for."""
    for count in range(len(metrics), _FEWEST, -1):
        table = draw(metrics[:count])
        if Measurement.get(console, console.options.update_width(_ENDLESS), table).maximum <= console.width:
            return table
    return draw(metrics[:_FEWEST])


def _worst_table(results: Sequence[Mapping[str, Row]], total: int, metrics: Sequence[str]) -> Table:
    firsts = [next(iter(one.values())) for one in results]
    rules = [_rule(one) for one in results]
    table = _table(f"Worst {len(results)} of {total}")
    table.add_column("case", overflow="fold")
    if any(row.centre for row in firsts):
        table.add_column("centre", overflow="fold")
    table.add_column("structure")
    for name in metrics:
        table.add_column(_title(name), justify="right", no_wrap=True)
    if any(rules):
        table.add_column("rule")
    for one, row, rule in zip(results, firsts, rules, strict=True):
        cells = [Text(row.case)]
        if any(other.centre for other in firsts):
            cells.append(Text(row.centre))
        cells.append(Text(row.structure))
        cells += [Text(_number(name, one[name].value if name in one else None)) for name in metrics]
        table.add_row(*cells, *([Text(rule)] if any(rules) else []))
    return table


def _rule(one: Mapping[str, Row]) -> str:
    """Why the figures are what they are, where they weren't measured."""
    rule = next(iter(one.values())).rule
    return "" if rule == "measured" else rule.replace("_", " ")


def _means_table(groups: Mapping[str, Sequence[Mean]], metrics: Sequence[str]) -> Table:
    """Means ± sample standard deviations; those of each distribution side by side."""
    table = _table(f"Means ± sd over n cases, {'/'.join(groups)}".removesuffix(", "))
    table.add_column("structure")
    names = list(groups)
    table.add_column("n", justify="right", no_wrap=True)
    for metric in metrics:
        for name in names:
            table.add_column(f"{_title(metric)} {name}".strip(), justify="right", no_wrap=True)
    found = {
        (name, (mean.label, mean.structure), mean.metric): mean
        for name, means in groups.items()
        for mean in means
    }
    structures = dict.fromkeys(structure for _, structure, _ in found if structure[0] is not None)
    spoken = [name for _, name in structures]
    for structure in sorted(structures, key=lambda one: one[0] or 0):
        several = spoken.count(structure[1]) > 1  # the same one under the labels of several tasks
        counts = [found.get((name, structure, metrics[0])) for name in names]
        table.add_row(
            Text(structure[1] + (f" ({structure[0]})" if several else "")),
            "/".join(str(mean.n if mean else 0) for mean in counts),
            *(_spread(found.get((name, structure, metric))) for metric in metrics for name in names),
        )
    return table


def _spread(mean: Mean | None) -> str:
    if mean is None:
        return ""
    sd = "" if mean.sd is None else f" ±{_number(mean.metric, mean.sd)}"
    return _number(mean.metric, mean.mean) + sd


def _title(metric: str) -> str:
    if metric in _TITLES or metric not in CATALOGUE:
        return _TITLES.get(metric, metric)
    return f"{CATALOGUE[metric].title} {CATALOGUE[metric].unit}".strip()


def _number(metric: str, value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.1f}" if metric.endswith(("_mm", "_ml")) else f"{value:.3f}"


def _table(title: str) -> Table:
    return Table(
        title=title, title_justify="left", title_style="bold", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0)
    )


def _print_list(console: Console, title: str, lines: Sequence[str]) -> None:
    if not lines:
        return
    console.print(Text(f"{title} ({len(lines)}):", style="bold"))
    items = Table.grid(padding=(0, 1))
    for line in lines[:_SHOWN_FINDINGS]:
        items.add_row("-", Text(line))
    console.print(items)
    if len(lines) > _SHOWN_FINDINGS:
        console.print(Text(f"  … and {len(lines) - _SHOWN_FINDINGS} more, in summary.json"))
