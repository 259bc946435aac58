"""What is measured, and how: everything besides the images that a figure depends on."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from unicare.core.errors import SettingsError
from unicare.metrics.catalogue import CATALOGUE, DEFAULT_METRICS, find_metric
from unicare.metrics.labelmaps import LABEL_METRICS
from unicare.metrics.surface import DEFAULT_TOLERANCE_MM

if TYPE_CHECKING:
    from unicare.metrics.compat import Definition

__all__ = ["CASE_METRICS", "LESION_METRICS", "PROBABILITY_METRICS", "EvaluationSettings"]

LESION_METRICS = ("lesion_recall", "lesion_precision", "lesion_f1")
"""Measured of structures that come as lesions."""

CASE_METRICS = ("generalised_dice",)
"""Measured of all structures of a case together."""

PROBABILITY_METRICS = ("brier", "expected_calibration_error", "crps_volume_ml")
"""Measured where there are maps of probabilities."""


@dataclass(frozen=True)
class EvaluationSettings:
    """How an evaluation measures.

    Attributes:
        metrics: names from the catalogue; None for the default ones, with those of lesions for lesions and
            those of probabilities where there are some.
        tolerance_mm: of ``nsd``.
        compat: the library whose definitions are used instead of docs/metrics.md; None for none.
        resample: put predictions that lie on another grid onto that of their truth, nearest neighbour.
        probabilities: folder with ``<case>_prob_<label>.nii.gz``; None for none.

    Raises:
        SettingsError: an unknown metric or library, a metric that can't be measured so, or an impossible
            tolerance.
    """

    metrics: tuple[str, ...] | None = None
    tolerance_mm: float = DEFAULT_TOLERANCE_MM
    compat: str | None = None
    resample: bool = False
    probabilities: Path | None = None

    def __post_init__(self) -> None:
        if not (math.isfinite(self.tolerance_mm) and self.tolerance_mm >= 0):
            raise SettingsError("the tolerance", found=f"{self.tolerance_mm} mm", expected="0 mm or more")
        if self.metrics is not None and not self.metrics:
            raise SettingsError("no metrics to measure", expected=f"some of {', '.join(CATALOGUE)}")
        among = tuple(CATALOGUE) if self.compat is None else self.definition.metrics
        for name in self.metrics or ():
            find_metric(name, among)
        if self.compat is not None and self.probabilities is not None:
            raise SettingsError(
                "probabilities are measured by unicare's own definition only",
                mend="leave out --compat or --probabilities",
            )
        if self.probabilities is None and set(self.metrics or ()) & set(PROBABILITY_METRICS):
            raise SettingsError(
                "metrics of probabilities need probabilities",
                found=", ".join(name for name in self.metrics or () if name in PROBABILITY_METRICS),
                mend="say where they are with --probabilities DIR",
            )

    @property
    def definition(self) -> Definition:
        """That of the library in ``compat``."""
        from unicare.metrics.compat import find_definition

        return find_definition(self.compat or "")

    @property
    def label_metrics(self) -> tuple[str, ...]:
        """What is measured of every structure, in the catalogue's order."""
        if self.compat is not None:
            return self._among(self.definition.metrics, self.definition.metrics)
        return self._among(LABEL_METRICS, DEFAULT_METRICS)

    @property
    def lesion_metrics(self) -> tuple[str, ...]:
        """What is measured of lesions besides."""
        return () if self.compat is not None else self._among(LESION_METRICS, LESION_METRICS)

    @property
    def case_metrics(self) -> tuple[str, ...]:
        """What is measured of a case as a whole."""
        return () if self.compat is not None else self._among(CASE_METRICS, ())

    @property
    def probability_metrics(self) -> tuple[str, ...]:
        """What is measured of maps of probabilities."""
        return () if self.probabilities is None else self._among(PROBABILITY_METRICS, PROBABILITY_METRICS)

    def as_dict(self) -> dict[str, object]:
        """Plain values, for summary.json; every value that a figure depends on is in it."""
        chosen = (
            *self.label_metrics,
            *self.lesion_metrics,
            *self.case_metrics,
            *self.probability_metrics,
        )
        return {
            "metrics": list(chosen),
            "tolerance_mm": self.tolerance_mm,
            "compat": self.compat,
            "resample": self.resample,
            "probabilities": None if self.probabilities is None else str(Path(self.probabilities).absolute()),
        }

    def _among(self, possible: tuple[str, ...], default: tuple[str, ...]) -> tuple[str, ...]:
        wanted = default if self.metrics is None else self.metrics
        return tuple(name for name in CATALOGUE if name in wanted and name in possible)
