"""Bland and Altman's comparison of volumes: how much predictions are off, and how far apart they are.

Source: J. M. Bland, D. G. Altman, Statistical methods for assessing agreement between two methods of clinical
measurement, Lancet 327 (1986).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from unicare.evaluate.report.results import Comparison

__all__ = ["Agreement", "volume_agreement"]

_LIMIT_SDS = 1.96


@dataclass(frozen=True)
class Agreement:
    """Predicted against true volumes of one structure.

    Attributes:
        pairs: case, mean of both volumes, prediction minus truth; in ml.
        bias_ml: the mean difference.
        lower_ml: bias minus 1.96 standard deviations of the differences; None for fewer than three cases.
        upper_ml: bias plus the same.
    """

    pairs: tuple[tuple[str, float, float], ...]
    bias_ml: float
    lower_ml: float | None
    upper_ml: float | None


def volume_agreement(comparisons: Sequence[Comparison], run: str) -> Agreement | None:
    """Compares a run's volumes with the true ones, where neither is empty; None without such cases."""
    pairs = []
    for one in comparisons:
        truth, volume = one.figure(run, "truth_volume_ml"), one.figure(run, "volume_ml")
        if truth and volume:
            pairs.append((one.case, (truth + volume) / 2, volume - truth))
    if not pairs:
        return None
    differences = np.array([difference for _, _, difference in pairs])
    bias = float(differences.mean())
    if len(pairs) < 3:
        return Agreement(tuple(pairs), bias, None, None)
    reach = _LIMIT_SDS * float(differences.std(ddof=1))
    return Agreement(tuple(pairs), bias, bias - reach, bias + reach)
