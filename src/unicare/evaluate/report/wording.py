"""Numbers and lists as sentences have them."""

from __future__ import annotations

from collections.abc import Sequence

from unicare.evaluate.ranking.standings import Estimate
from unicare.evaluate.report.intervals import MeanFigure

__all__ = ["capital", "count", "figure", "interval", "joined", "mean_with_interval"]


def figure(value: float | None, digits: int = 3) -> str:
    """A number, with a true minus; a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def interval(estimate: Estimate, digits: int = 3) -> str:
    """From – to; empty where nothing was resampled."""
    if estimate.low is None or estimate.high is None:
        return ""
    return f"{figure(estimate.low, digits)} to {figure(estimate.high, digits)}"


def mean_with_interval(mean: MeanFigure, digits: int = 3) -> str:
    """0.910 (95% interval 0.880 to 0.930); only the mean where there is a single case."""
    within = interval(mean.value, digits)
    return figure(mean.value.value, digits) + (f" (95% interval {within})" if within else "")


def count(number: int, thing: str, things: str | None = None) -> str:
    """1 case, 2 cases."""
    return f"{number} {thing if number == 1 else things or thing + 's'}"


def joined(names: Sequence[str], last: str = "and") -> str:
    """A, b and c."""
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} {last} {names[-1]}"


def capital(text: str) -> str:
    """The text with a capital letter first."""
    return text[:1].upper() + text[1:]
