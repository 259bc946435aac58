"""What a report says first: which run is best, how sure that is, where it fails; sentences from numbers."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import stats

from unicare.evaluate.ranking.standings import Standing, TableResult
from unicare.evaluate.report.intervals import gap_of, mean_figure
from unicare.evaluate.report.results import Comparison
from unicare.evaluate.report.wording import capital, count, figure, interval, joined, mean_with_interval
from unicare.metrics.rules import Rule

__all__ = ["Point", "Story", "tell_story"]

_FEW_CASES = 20
_LEAST_IN_CENTRE = 2


@dataclass(frozen=True)
class Point:
    """One answer.

    Attributes:
        question: what it is about, in a few words.
        answer: with its numbers.
    """

    question: str
    answer: str


@dataclass(frozen=True)
class Story:
    """The first screen in words.

    Attributes:
        headline: one sentence.
        leading: the run that the rest is about.
        points: what else is to be said, most important first.
    """

    headline: str
    leading: str
    points: tuple[Point, ...]


def tell_story(
    comparisons: Sequence[Comparison],
    runs: Sequence[str],
    table: TableResult | None,
    missing: Mapping[str, Sequence[str]],
    errors: Mapping[str, int],
) -> Story:
    """Composes the story of an evaluation.

    Args:
        comparisons: everything that was scored; at least one.
        runs: names, in the report's order.
        table: the board's table that decides; None for a single run.
        missing: run to cases without a prediction.
        errors: run to the number of cases that couldn't be scored.
    """
    leading = _leading(comparisons, runs, table)
    points = [
        _how_sure(leading, runs, table),
        _distribution(comparisons, leading),
        _structures(comparisons, leading),
        _centres(comparisons, leading),
        *(_run(comparisons, run, missing, errors, run != leading) for run in runs),
        _caution(comparisons),
    ]
    return Story(
        _headline(comparisons, leading, runs, table),
        leading,
        tuple(point for point in points if point is not None),
    )


def _leading(comparisons: Sequence[Comparison], runs: Sequence[str], table: TableResult | None) -> str:
    """The board's first; where several share the first rank, the one with the highest mean Dice."""
    first = list(runs)
    if table is not None and table.rows:
        best = min(row.rank.rank for row in table.rows)
        first = [row.team for row in table.rows if row.rank.rank == best]

    def goodness(run: str) -> float:
        mean = mean_figure(comparisons, run, "dice")
        return -math.inf if mean is None or mean.value.value is None else mean.value.value

    return max(first, key=goodness)


def _headline(
    comparisons: Sequence[Comparison], leading: str, runs: Sequence[str], table: TableResult | None
) -> str:
    mean = mean_figure(comparisons, leading, "dice")
    cases = count(len({one.case for one in comparisons}), "case")
    told = "no Dice" if mean is None else f"mean Dice {mean_with_interval(mean)}"
    over = f"over {count(0 if mean is None else mean.n, 'structure')} in {cases}"
    if len(runs) == 1 or table is None:
        return f"{leading}: {told} {over}."
    row = _row(table, leading)
    alike = _alike(table, row)
    shared = [other.team for other in table.rows if other.rank.rank == row.rank.rank and other is not row]
    if shared:
        return f"{joined([leading, *shared])} share rank {row.rank.rank}; {leading}: {told} {over}."
    if alike or not row.groups:
        return f"{leading} ranks first, but not clearly: {told} {over}."
    return f"{leading} is best: {told} {over}."


def _row(table: TableResult, team: str) -> Standing:
    return next(row for row in table.rows if row.team == team)


def _alike(table: TableResult, row: Standing) -> list[str]:
    """Teams that share a group with it."""
    return [other.team for other in table.rows if other is not row and set(other.groups) & set(row.groups)]


def _how_sure(leading: str, runs: Sequence[str], table: TableResult | None) -> Point | None:
    if table is None or len(runs) < 2:
        return None
    row = _row(table, leading)
    rank = ""
    if row.rank.low is not None and row.rank.high is not None:
        same = row.rank.low == row.rank.high
        rank = f" Resampling the cases, its rank is {row.rank.low}" + (
            " in 95% of the samples." if same else f" to {row.rank.high} in 95% of the samples."
        )
    tested = f"n = {count(table.patients, 'patient')}"
    if not row.groups:
        return Point("How sure?", f"No test says which differences are chance ({tested}).{rank}")
    alike = _alike(table, row)
    if alike:
        told = f"{leading} can’t be told apart from {joined(alike, 'or')} by the tests"
    else:
        told = f"{leading} differs from every other run"
    how = "Wilcoxon signed-rank tests with Holm’s correction"
    return Point("How sure?", f"{told} ({how}, {tested}).{rank}")


def _distribution(comparisons: Sequence[Comparison], run: str) -> Point | None:
    gap = gap_of(comparisons, run, "dice")
    if gap is None or gap.drop.value is None:
        return None
    inside, outside = figure(gap.inside.value.value), figure(gap.outside.value.value)
    sides = (
        f"mean Dice {inside} in distribution (n = {gap.inside.n}), {outside} out of it (n = {gap.outside.n})"
    )
    within = interval(gap.drop)
    mixed = " Structures are mixed here." if len({one.structure for one in comparisons}) > 1 else ""
    difference = f"the difference is {figure(gap.drop.value)}" + (
        f", 95% interval {within}" if within else ""
    )
    if not within:
        verdict = "Too few cases to say"
    elif not gap.is_clear:
        verdict = "No clear drop"
    else:
        verdict = "It drops" if gap.drop.value > 0 else "It doesn’t drop, it is better there"
    return Point("At unseen centres?", f"{verdict}: {sides}; {difference}.{mixed}")


def _structures(comparisons: Sequence[Comparison], run: str) -> Point | None:
    means = _means({one.structure: one.structure for one in comparisons}, comparisons, run)
    if len(means) < 2:
        return None
    worst, best = min(means, key=lambda one: one[1]), max(means, key=lambda one: one[1])
    return Point(
        "Which structure?",
        f"Worst on {worst[0]} (mean Dice {figure(worst[1])}, n = {worst[2]}), "
        f"best on {best[0]} ({figure(best[1])}, n = {best[2]}).",
    )


def _means(
    names: Mapping[str, str], comparisons: Sequence[Comparison], run: str
) -> list[tuple[str, float, int]]:
    means = []
    for name in names:
        mean = mean_figure([one for one in comparisons if one.structure == name], run, "dice")
        if mean is not None and mean.value.value is not None:
            means.append((name, mean.value.value, mean.n))
    return means


def _centres(comparisons: Sequence[Comparison], run: str) -> Point | None:
    """The centre where the run is furthest below its own mean of the same structures elsewhere."""
    scored = [(one, dice) for one in comparisons if (dice := one.figure(run, "dice")) is not None]
    everywhere: dict[str, list[float]] = {}
    here: dict[tuple[str, str], list[float]] = {}
    for one, dice in scored:
        everywhere.setdefault(one.structure, []).append(dice)
        here.setdefault((one.structure, one.group), []).append(dice)
    found: list[tuple[float, str, list[float]]] = []
    for centre in dict.fromkeys(one.group for one in comparisons if one.centre):
        by_case: dict[str, list[float]] = {}
        for one, dice in scored:
            own, values = here[one.structure, one.group], everywhere[one.structure]
            if one.group == centre and len(own) < len(values):
                elsewhere = (math.fsum(values) - math.fsum(own)) / (len(values) - len(own))
                by_case.setdefault(one.case, []).append(dice - elsewhere)
        if len(by_case) >= _LEAST_IN_CENTRE:
            differences = [math.fsum(values) / len(values) for values in by_case.values()]
            found.append((math.fsum(differences) / len(differences), centre, differences))
    if len(found) < 2 or min(found)[0] >= 0:
        return None
    mean, centre, differences = min(found)
    reach = _reach(differences, len(found))
    clear = "" if mean + reach < 0 else ", which may be chance"
    within = f"{figure(-mean - reach)} to {figure(-mean + reach)}"
    return Point(
        "Which centre?",
        f"Lowest at centre {centre}{clear}: a case’s Dice is {figure(-mean)} below that of the same "
        f"structures elsewhere (95% interval {within}, corrected for {len(found)} centres; "
        f"n = {count(len(differences), 'case')}). Centres with one case aren’t compared.",
    )


def _reach(values: Sequence[float], choices: int) -> float:
    """How far the interval of a mean goes to either side, where it is the least of so many choices.

    By Student's t, corrected by Bonferroni.
    """
    spread = statistics.stdev(values) / math.sqrt(len(values))
    return float(stats.t.ppf(1 - 0.025 / choices, len(values) - 1)) * spread


def _run(
    comparisons: Sequence[Comparison],
    run: str,
    missing: Mapping[str, Sequence[str]],
    errors: Mapping[str, int],
    with_mean: bool,
) -> Point | None:
    """What is to be said of a run; of the leading one, the headline has said the mean."""
    mean = mean_figure(comparisons, run, "dice") if with_mean else None
    said = [] if mean is None else [f"mean Dice {mean_with_interval(mean)}, n = {mean.n}"]
    rules = Counter(one.results[run].rule for one in comparisons if run in one.results)
    scored = sum(rules.values())
    if missing.get(run):
        said.append(f"{count(len(missing[run]), 'prediction')} missing")
    if rules[Rule.PREDICTION_EMPTY]:
        said.append(f"nothing found where there is something: {rules[Rule.PREDICTION_EMPTY]} of {scored}")
    if rules[Rule.TRUTH_EMPTY]:
        said.append(f"something found where there is nothing: {rules[Rule.TRUTH_EMPTY]} of {scored}")
    if errors.get(run):
        said.append(f"{count(errors[run], 'case')} not scored")
    return Point(run, capital("; ".join(said)) + ".") if said else None


def _caution(comparisons: Sequence[Comparison]) -> Point | None:
    cases = len({one.case for one in comparisons})
    said = []
    if cases < _FEW_CASES:
        said.append(
            f"{capital(count(cases, 'case'))} only: intervals are wide, and an order is easily chance."
        )
    if any(one.is_ood for one in comparisons):
        said.append(
            "Centre, annotation style and distribution go together: a difference has more than one "
            "possible reason."
        )
    return Point("Careful", " ".join(said)) if said else None
