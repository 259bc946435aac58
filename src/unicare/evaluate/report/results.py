"""What a report is about: every structure of every case, as each of the runs answered it."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from unicare.core.errors import SettingsError
from unicare.evaluate.rows import ERROR, Row
from unicare.metrics.rules import Rule

__all__ = ["Comparison", "Result", "Run", "by_centre_name", "check_runs", "compare_runs", "mean_of"]


@dataclass(frozen=True)
class Run:
    """One predictor, or one team, and how it was scored.

    Attributes:
        name: what the report calls it.
        predictions_dir: as for ``evaluate``; facts of ``run.json`` there are shown if it exists.
        rows: of ``evaluate``, or of ``read_rows``.
    """

    name: str
    predictions_dir: Path
    rows: Sequence[Row]


@dataclass(frozen=True)
class Result:
    """One structure of one case as one run answered it.

    Attributes:
        figures: metric to value; those that aren't finite are left out.
        rule: which rule of docs/metrics.md the Dice came from.
    """

    figures: Mapping[str, float]
    rule: str

    @property
    def measured(self) -> bool:
        """Whether neither mask is empty."""
        return self.rule == Rule.MEASURED


@dataclass(frozen=True)
class Comparison:
    """One structure of one case, and the results of all runs that were scored there.

    Attributes:
        case: the case's id.
        centre: where it was scanned; empty if not known.
        distribution: ID or OOD; empty if not known.
        label: the structure's value in the label map.
        structure: its name; with the label where two labels have the same name.
        results: run to its result.
    """

    case: str
    centre: str
    distribution: str
    label: int
    structure: str
    results: Mapping[str, Result]

    def figure(self, run: str, metric: str) -> float | None:
        """A run's figure, or None where there is none."""
        result = self.results.get(run)
        return None if result is None else result.figures.get(metric)

    @property
    def lowest_dice(self) -> float:
        """Of the runs."""
        return min((result.figures.get("dice", math.inf) for result in self.results.values()), default=1.0)

    @property
    def group(self) -> str:
        """Centre, and whether it is out of distribution, as charts say it."""
        centre = self.centre or "no centre"
        return f"{centre} (OOD)" if self.is_ood else centre

    @property
    def is_ood(self) -> bool:
        """Whether the case is out of distribution."""
        return self.distribution.upper() == "OOD"


def check_runs(runs: Sequence[Run]) -> None:
    """Refuses what can't be told apart or compared.

    Raises:
        SettingsError: no run, two of one name, or a run without any Dice.
    """
    if not runs:
        raise SettingsError("no run to report on", expected="a folder of predictions at least")
    twice = [name for name, count in Counter(run.name for run in runs).items() if count > 1]
    if twice:
        raise SettingsError(
            f"two runs are called {twice[0]}",
            expected="a name of its own for each",
            mend="write NAME=FOLDER for each folder of predictions",
        )
    for run in runs:
        scored = [row for row in run.rows if row.metric != ERROR]
        if scored and not any(row.metric == "dice" for row in scored):
            raise SettingsError(
                f"run {run.name}: its table has no Dice, which the report sorts by",
                found=", ".join(sorted({row.metric for row in scored})),
                expected="dice among the metrics",
                mend="make the table anew with: unicare evaluate PREDICTIONS TRUTH --out DIR",
            )


def compare_runs(runs: Sequence[Run]) -> list[Comparison]:
    """Puts the rows of all runs side by side: one comparison for every case and structure, worst first."""
    figures: dict[tuple[str, int], dict[str, dict[str, float]]] = {}
    rules: dict[tuple[str, int, str], str] = {}
    rows: dict[tuple[str, int], Row] = {}
    for run in runs:
        for row in run.rows:
            if row.label is None or row.metric == ERROR:
                continue
            key = (row.case, row.label)
            rows.setdefault(key, row)
            of_run = figures.setdefault(key, {}).setdefault(run.name, {})
            if row.value is not None and math.isfinite(row.value):
                of_run[row.metric] = float(row.value)
            if row.metric == "dice":
                rules[*key, run.name] = row.rule
    names = _distinct_names(rows.values())
    comparisons = [
        Comparison(
            case=row.case,
            centre=row.centre,
            distribution=row.distribution,
            label=key[1],
            structure=names[key[1], row.structure],
            results={
                run: Result(values, rules.get((*key, run), ""))
                for run, values in figures[key].items()
                if "dice" in values
            },
        )
        for key, row in rows.items()
    ]
    return sorted(
        (comparison for comparison in comparisons if comparison.results),
        key=lambda comparison: (comparison.lowest_dice, comparison.case, comparison.label),
    )


def _distinct_names(rows: Iterable[Row]) -> dict[tuple[int, str], str]:
    """(label, structure) to a name that no other label has."""
    pairs = {(row.label or 0, row.structure) for row in rows}
    often = Counter(name for _, name in pairs)
    return {
        (label, name): f"{name} (label {label})" if often[name] > 1 else name for label, name in sorted(pairs)
    }


def mean_of(comparisons: Iterable[Comparison], run: str, metric: str) -> float | None:
    """The mean of a run's figures; None where it has none."""
    values = [value for comparison in comparisons if (value := comparison.figure(run, metric)) is not None]
    return math.fsum(values) / len(values) if values else None


def by_centre_name(comparison: Comparison) -> tuple[bool, bool, str]:
    """Sorts by centre: those in distribution first, cases without a centre last."""
    return comparison.is_ood, not comparison.centre, comparison.centre
