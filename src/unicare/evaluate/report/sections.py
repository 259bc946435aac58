"""What the sections of a report show: one object each, which the page only has to write out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from unicare.evaluate.report.agreement import Agreement, volume_agreement
from unicare.evaluate.report.charts import (
    Chart,
    agreement_chart,
    centre_chart,
    overview_chart,
    slope_chart,
    volume_chart,
)
from unicare.evaluate.report.intervals import Gap, MeanFigure, gap_of, mean_figure
from unicare.evaluate.report.results import Comparison
from unicare.evaluate.report.wording import capital, count, figure, joined, mean_with_interval
from unicare.metrics.catalogue import CATALOGUE
from unicare.metrics.rules import Rule

__all__ = ["RuleCount", "StructureSection", "overview", "rule_counts", "structure_sections"]

_TABLE_METRICS = ("dice", "hausdorff_mm", "hd95_mm", "assd_mm", "nsd")


@dataclass(frozen=True)
class StructureSection:
    """Everything about one structure.

    Attributes:
        name: the structure.
        number: its place on the page, from 1.
        cases: how many.
        metrics: those of ``means`` that the table shows.
        means: run to metric to its mean.
        agreements: run to its volumes against the true ones.
        gaps: run to its Dice in and out of distribution.
        charts: of the figures by centre and by volume.
        slope: Dice in and out of distribution; None where one of them is lacking.
        volume_charts: Bland–Altman, one for each run.
        unmeasured: how many results come from a rule for empty masks.
    """

    name: str
    number: int
    cases: int
    metrics: tuple[str, ...]
    means: Mapping[str, Mapping[str, MeanFigure]]
    agreements: Mapping[str, Agreement]
    gaps: Mapping[str, Gap]
    charts: tuple[Chart, ...]
    slope: Chart | None
    volume_charts: tuple[Chart, ...]
    unmeasured: int


def structure_sections(comparisons: Sequence[Comparison], runs: Sequence[str]) -> list[StructureSection]:
    """A section for each structure, in the order of labels."""
    labels = {one.structure: one.label for one in comparisons}
    ordered = sorted(labels, key=lambda structure: labels[structure])
    return [
        _section(number, structure, [one for one in comparisons if one.structure == structure], runs)
        for number, structure in enumerate(ordered, start=1)
    ]


def _section(
    number: int, structure: str, comparisons: Sequence[Comparison], runs: Sequence[str]
) -> StructureSection:
    present = [run for run in runs if any(run in one.results for one in comparisons)]
    means = {
        run: {
            metric: mean
            for metric in _TABLE_METRICS
            if (mean := mean_figure(comparisons, run, metric)) is not None
        }
        for run in present
    }
    agreements = {
        run: agreement for run in present if (agreement := volume_agreement(comparisons, run)) is not None
    }
    gaps = {run: gap for run in present if (gap := gap_of(comparisons, run, "dice")) is not None}
    return StructureSection(
        name=structure,
        number=number,
        cases=len({one.case for one in comparisons}),
        metrics=tuple(metric for metric in _TABLE_METRICS if any(metric in means[run] for run in present)),
        means=means,
        agreements=agreements,
        gaps=gaps,
        charts=tuple(_charts(f"structure-{number}", structure, comparisons, runs, means)),
        slope=_slope(f"structure-{number}", structure, runs, gaps),
        volume_charts=tuple(_agreement_charts(f"structure-{number}", structure, runs, agreements)),
        unmeasured=sum(not result.measured for one in comparisons for result in one.results.values()),
    )


def _charts(
    name: str,
    structure: str,
    comparisons: Sequence[Comparison],
    runs: Sequence[str],
    means: Mapping[str, Mapping[str, MeanFigure]],
) -> list[Chart]:
    charts = []
    for metric in ("dice", "hausdorff_mm"):
        is_distance = metric.endswith("_mm")
        title = _axis_title(metric)
        words = f"{title} of {structure} by centre. " + _by_run(means, metric, 1 if is_distance else 3)
        charts.append(centre_chart(f"{name}-{metric}", comparisons, runs, metric, title, words))
    volumes = [volume for one in comparisons if (volume := _truth_volume(one, runs))]
    if len(volumes) > 1:
        words = (
            f"Dice of {structure} against its true volume, {figure(min(volumes), 1)} to "
            f"{figure(max(volumes), 1)} ml in {count(len(volumes), 'case')}."
        )
        charts.append(volume_chart(f"{name}-volume", comparisons, runs, "Dice against volume", words))
    return [chart for chart in charts if chart.values]


def _slope(name: str, structure: str, runs: Sequence[str], gaps: Mapping[str, Gap]) -> Chart | None:
    if not gaps:
        return None
    words = "; ".join(
        f"{run}: {figure(gap.inside.value.value)} in distribution (n = {gap.inside.n}), "
        f"{figure(gap.outside.value.value)} out of it (n = {gap.outside.n})"
        for run, gap in gaps.items()
    )
    return slope_chart(f"{name}-slope", gaps, runs, capital(structure), f"Mean Dice. {words}.")


def _axis_title(metric: str) -> str:
    found = CATALOGUE[metric]
    return f"{found.title}, {found.unit}" if found.unit else found.title


def _by_run(means: Mapping[str, Mapping[str, MeanFigure]], metric: str, digits: int) -> str:
    told = [
        f"{run}: mean {mean_with_interval(of_run[metric], digits)}, n = {of_run[metric].n}"
        for run, of_run in means.items()
        if metric in of_run
    ]
    return "; ".join(told) + "."


def _truth_volume(comparison: Comparison, runs: Sequence[str]) -> float | None:
    return next((v for run in runs if (v := comparison.figure(run, "truth_volume_ml"))), None)


def _agreement_charts(
    name: str, structure: str, runs: Sequence[str], agreements: Mapping[str, Agreement]
) -> list[Chart]:
    ends = [
        end
        for agreement in agreements.values()
        for end in (
            *(difference for _, _, difference in agreement.pairs),
            agreement.lower_ml,
            agreement.upper_ml,
        )
        if end is not None
    ]
    if not ends:
        return []
    room = 0.08 * (max(*ends, 0.0) - min(*ends, 0.0)) or 1.0
    limits = (min(*ends, 0.0) - room, max(*ends, 0.0) + room)
    return [
        agreement_chart(
            f"{name}-agreement-{place}",
            run,
            runs,
            agreements[run],
            limits,
            run,
            f"Volume of {structure}, {run}: {_agreement_words(agreements[run])}",
        )
        for place, run in enumerate(runs)
        if run in agreements
    ]


def _agreement_words(agreement: Agreement) -> str:
    bias = f"bias {figure(agreement.bias_ml, 1)} ml"
    if agreement.lower_ml is None or agreement.upper_ml is None:
        return f"{bias}, n = {len(agreement.pairs)}, too few for limits of agreement."
    ends = f"{figure(agreement.lower_ml, 1)} to {figure(agreement.upper_ml, 1)} ml"
    return f"{bias}, limits of agreement {ends}, n = {len(agreement.pairs)}."


def overview(comparisons: Sequence[Comparison], runs: Sequence[str]) -> Chart | None:
    """Each run's mean Dice over all structures: in all cases, in distribution and out of it."""
    groups = {"all": comparisons}
    inside, outside = (
        [one for one in comparisons if one.distribution.upper() == side] for side in ("ID", "OOD")
    )
    if inside and outside:
        groups |= {"ID": inside, "OOD": outside}
    means = {
        group: {run: mean for run in runs if (mean := mean_figure(members, run, "dice")) is not None}
        for group, members in groups.items()
    }
    words = [
        f"{run}: "
        + joined([f"{means[group][run].value.value:.3f} ({group})" for group in means if run in means[group]])
        for run in runs
        if run in means["all"]
    ]
    title = "Mean Dice over all structures"
    chart = overview_chart("overview", means, runs, title, f"Mean Dice. {'; '.join(words)}.")
    return chart if chart.values else None


@dataclass(frozen=True)
class RuleCount:
    """How often each rule applied to one structure of one run.

    Attributes:
        run: its name.
        structure: its name, or ``all structures``.
        counts: rule to number of cases.
    """

    run: str
    structure: str
    counts: Mapping[str, int]


def rule_counts(comparisons: Sequence[Comparison], runs: Sequence[str]) -> list[RuleCount]:
    """A line for each run, and one for each of its structures that a rule for empty masks applied to."""
    lines = []
    for run in runs:
        scored = [one for one in comparisons if run in one.results]
        lines.append(RuleCount(run, "all structures", _rules(scored, run)))
        for structure in dict.fromkeys(one.structure for one in sorted(scored, key=lambda one: one.label)):
            counts = _rules([one for one in scored if one.structure == structure], run)
            if any(number for rule, number in counts.items() if rule != Rule.MEASURED):
                lines.append(RuleCount(run, structure, counts))
    return lines


def _rules(comparisons: Sequence[Comparison], run: str) -> dict[str, int]:
    found = Counter(one.results[run].rule for one in comparisons)
    return {rule.value: found[rule.value] for rule in Rule}
