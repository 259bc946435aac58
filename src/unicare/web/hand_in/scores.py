"""The figures of an evaluation, out of its summary."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unicare.metrics.catalogue import CATALOGUE
from unicare.web.facts.submissions import MeanFacts, ScoreFacts

__all__ = ["headline", "score_facts"]


def headline(summary: Mapping[str, Any]) -> float | None:
    """Mean Dice of all structures, each a mean over its cases; None if there is none."""
    means = [
        one["mean"]
        for one in summary.get("structures", ())
        if one["metric"] == "dice" and one["label"] is not None and one["mean"] is not None
    ]
    return sum(means) / len(means) if means else None


def score_facts(summary: Mapping[str, Any]) -> tuple[ScoreFacts, ...]:
    """All cases first, then each distribution."""
    parts = {"": summary.get("structures", ()), **summary.get("distributions", {})}
    return tuple(
        ScoreFacts(
            distribution=name, means=tuple(_mean(one) for one in means if _is_score(str(one["metric"])))
        )
        for name, means in parts.items()
    )


def _is_score(metric: str) -> bool:
    """Volumes are none; that of the truth would tell of hidden cases."""
    return metric not in CATALOGUE or CATALOGUE[metric].better != "neither"


def _mean(one: Mapping[str, Any]) -> MeanFacts:
    metric = CATALOGUE.get(one["metric"])
    return MeanFacts(
        structure=one["structure"],
        label=one["label"],
        metric=one["metric"],
        title=metric.title if metric is not None else one["metric"],
        unit=metric.unit if metric is not None else "",
        mean=one["mean"],
        sd=one["sd"],
        median=one["median"],
        n=one["n"],
    )
