"""How many out of how many, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from unicare.core.errors import SettingsError

__all__ = ["Rate"]


@dataclass(frozen=True)
class Rate:
    """A count out of a count.

    Attributes:
        count: how many it was true of.
        of: how many were asked.
    """

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise SettingsError(
                "an impossible rate",
                found=f"{self.count} of {self.of}",
                expected="a count from 0 to the whole",
            )

    def __add__(self, other: Rate) -> Rate:
        """The rate over both groups together."""
        return Rate(self.count + other.count, self.of + other.of)

    @property
    def value(self) -> float:
        """The fraction; nan if nobody was asked."""
        return self.count / self.of if self.of else math.nan

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson's score interval of the fraction; 0 to 1 if nobody was asked.

        Unlike the textbook interval it stays between 0 and 1 and is of use for small counts, also at 0 and at
        all. Source: E. B. Wilson, Probable inference, the law of succession, and statistical inference,
        Journal of the American Statistical Association 22, 1927.

        Raises:
            SettingsError: the confidence isn't between 0 and 1.
        """
        if not 0.0 < confidence < 1.0:
            raise SettingsError("an impossible confidence", found=confidence, expected="between 0 and 1")
        if not self.of:
            return (0.0, 1.0)
        z = NormalDist().inv_cdf(0.5 + confidence / 2)
        widen = z * z / self.of
        middle = (self.value + widen / 2) / (1 + widen)
        half = math.sqrt(self.value * (1 - self.value) * widen + widen * widen / 4) / (1 + widen)
        low = 0.0 if self.count == 0 else max(0.0, middle - half)
        high = 1.0 if self.count == self.of else min(1.0, middle + half)
        return (low, high)
