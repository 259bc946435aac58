"""What an evaluation found, and how it is told in summary.json."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

from unicare import __version__
from unicare.evaluate.rows import ERROR, Mean, Row, plain, summarise
from unicare.evaluate.settings import EvaluationSettings
from unicare.metrics.absence import Absence, count_absence
from unicare.metrics.lesions import DetectionBySize
from unicare.metrics.rate import Rate
from unicare.metrics.rules import DEFINITION, Rule

__all__ = ["EvaluationResult", "absence_of", "means_by_distribution"]


@dataclass(frozen=True)
class EvaluationResult:
    """What an evaluation found.

    Attributes:
        rows: every figure, in order of case, label, metric; cases with an error have one row that says so.
        means: each structure's metrics over the cases.
        missing: cases without a prediction, which were scored as empty.
        errors: case to what went wrong with it.
        findings: what else is worth knowing.
        cases: how many truths there are.
        settings: how it was measured.
        detection: lesion's name to how many lesions were found, by their size.
        kept: how many cases had been measured by an earlier run, and were not measured again.
    """

    rows: tuple[Row, ...]
    means: tuple[Mean, ...]
    missing: tuple[str, ...]
    errors: Mapping[str, str]
    findings: tuple[str, ...]
    cases: int
    settings: EvaluationSettings = field(default_factory=EvaluationSettings)
    detection: Mapping[str, DetectionBySize] = field(default_factory=dict)
    kept: int = field(default=0, compare=False)

    def as_summary(self) -> dict[str, object]:
        """What summary.json holds: plain values, None where a figure is nan or infinite."""
        return {
            "unicare": __version__,
            "definition": self.settings.compat or DEFINITION,
            "settings": self.settings.as_dict(),
            "cases": self.cases,
            "scored": self.cases - len(self.errors),
            "structures": [mean.as_dict() for mean in self.means],
            "distributions": {
                name: [mean.as_dict() for mean in means]
                for name, means in means_by_distribution(self.rows).items()
            },
            "absence": {name: _absence(counts) for name, counts in absence_of(self.rows).items()},
            "lesions_by_size": {name: _sizes(found) for name, found in self.detection.items()},
            "missing_predictions": list(self.missing),
            "errors": dict(self.errors),
            "findings": list(self.findings),
        }


def means_by_distribution(rows: Iterable[Row]) -> dict[str, tuple[Mean, ...]]:
    """The means of each distribution that rows name, ID first; cases without one are left out."""
    groups: dict[str, list[Row]] = {}
    for row in rows:
        if row.distribution:
            groups.setdefault(row.distribution, []).append(row)
    return {name: summarise(sorted(groups[name], key=label_order)) for name in sorted(groups)}


def label_order(row: Row) -> float:
    """Sorts rows by label, those of whole cases last."""
    return float("inf") if row.label is None else row.label


def absence_of(rows: Sequence[Row]) -> dict[str, Absence]:
    """How often each structure's absence was told, from one metric of each case and structure."""
    first: dict[tuple[str, int], Row] = {}
    rules = set(Rule)
    for row in rows:
        if row.label is not None and row.metric != ERROR and row.rule in rules:
            first.setdefault((row.case, row.label), row)
    return count_absence((row.structure, row.rule) for row in sorted(first.values(), key=label_order))


def _absence(counts: Absence) -> dict[str, object]:
    return {
        **asdict(counts),
        "sensitivity": _rate(counts.sensitivity),
        "specificity": _rate(counts.specificity),
    }


def _rate(rate: Rate) -> dict[str, object]:
    low, high = rate.interval()
    return {"value": plain(rate.value), "low": low, "high": high, "n": rate.of}


def _sizes(found: DetectionBySize) -> list[dict[str, object]]:
    return [
        {"size": title, "found": rate.count, "lesions": rate.of, "recall": _rate(rate)}
        for title, rate in zip(found.titles(), found.rates, strict=True)
    ]
