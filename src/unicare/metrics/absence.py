"""Whether a model knows that a structure isn't there: counts over cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from unicare.core.errors import SettingsError
from unicare.metrics.rate import Rate
from unicare.metrics.rules import Rule

__all__ = ["Absence", "count_absence"]


@dataclass(frozen=True)
class Absence:
    """Cases of one structure by what was truly there and what was said.

    The finding that is looked for is that the structure is *absent*. Where in the image a structure was drawn
    doesn't count here, only whether anything was.

    Attributes:
        correct_absence: truly absent, nothing drawn (rule ``both_empty``).
        false_alarm: truly absent, something drawn (``truth_empty``).
        missed: truly there, nothing drawn (``prediction_empty``).
        found: truly there, something drawn (``measured``).
    """

    correct_absence: int = 0
    false_alarm: int = 0
    missed: int = 0
    found: int = 0

    def __add__(self, other: Absence) -> Absence:
        """The counts of both groups of cases together."""
        return Absence(
            self.correct_absence + other.correct_absence,
            self.false_alarm + other.false_alarm,
            self.missed + other.missed,
            self.found + other.found,
        )

    @property
    def sensitivity(self) -> Rate:
        """Of the cases in which the structure is truly absent, how many were left empty."""
        return Rate(self.correct_absence, self.correct_absence + self.false_alarm)

    @property
    def specificity(self) -> Rate:
        """Of the cases in which the structure is truly there, in how many something was drawn."""
        return Rate(self.found, self.found + self.missed)


def count_absence(figures: Iterable[tuple[str, Rule | str]]) -> dict[str, Absence]:
    """Counts, structure by structure, how often its absence was told.

    Args:
        figures: structure and rule of one figure a case, for instance of its Dice; the rule says which mask
            is empty. Take the rows of one metric only, or every case counts as often as it has metrics.

    Returns:
        Structure to its counts, in the order in which the structures first come.

    Raises:
        SettingsError: a rule that is none, such as the sentence of an error row.
    """
    counts: dict[str, Counter[Rule]] = {}
    for structure, rule in figures:
        counts.setdefault(structure, Counter())[_rule(rule)] += 1
    return {
        structure: Absence(
            correct_absence=by_rule[Rule.BOTH_EMPTY],
            false_alarm=by_rule[Rule.TRUTH_EMPTY],
            missed=by_rule[Rule.PREDICTION_EMPTY],
            found=by_rule[Rule.MEASURED],
        )
        for structure, by_rule in counts.items()
    }


def _rule(rule: Rule | str) -> Rule:
    try:
        return Rule(rule)
    except ValueError:
        raise SettingsError(
            "absence is counted from rules for empty masks",
            found=repr(rule),
            expected=f"one of {', '.join(Rule)}",
            mend="leave out the rows whose metric is error",
        ) from None
