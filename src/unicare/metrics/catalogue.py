"""The one table of metrics: names with their units, and which way is better."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from unicare.core.errors import SettingsError

__all__ = ["CATALOGUE", "DEFAULT_METRICS", "Metric", "find_metric"]

Better = Literal["higher", "lower", "nearer_zero", "neither"]


@dataclass(frozen=True)
class Metric:
    """What a column of figures is called and how it is read.

    Attributes:
        name: as in the tables, with the unit where there is one.
        title: for tables and axes that people read.
        better: which values are better; ``neither`` for plain descriptions such as a volume.
        unit: ``mm``, ``ml`` or empty.
        bounds: lowest and highest possible value, None where there is no bound.
    """

    name: str
    title: str
    better: Better
    unit: str = ""
    bounds: tuple[float | None, float | None] = (0.0, 1.0)


_METRICS = (
    Metric("dice", "Dice", "higher"),
    Metric("iou", "IoU", "higher"),
    Metric("precision", "Precision", "higher"),
    Metric("recall", "Recall", "higher"),
    Metric("hausdorff_mm", "Hausdorff distance", "lower", "mm", (0.0, None)),
    Metric("hd95_mm", "95th percentile Hausdorff distance", "lower", "mm", (0.0, None)),
    Metric("assd_mm", "Average symmetric surface distance", "lower", "mm", (0.0, None)),
    Metric("nsd", "Normalised surface Dice", "higher"),
    Metric("truth_volume_ml", "Volume of the truth", "neither", "ml", (0.0, None)),
    Metric("volume_ml", "Volume of the prediction", "neither", "ml", (0.0, None)),
    Metric("volume_error_ml", "Volume error", "nearer_zero", "ml", (None, None)),
    Metric("generalised_dice", "Generalised Dice", "higher"),
    Metric("lesion_recall", "Lesion recall", "higher"),
    Metric("lesion_precision", "Lesion precision", "higher"),
    Metric("lesion_f1", "Lesion F1", "higher"),
    Metric("brier", "Brier score", "lower"),
    Metric("expected_calibration_error", "Expected calibration error", "lower"),
    Metric("crps_volume_ml", "CRPS of the volume", "lower", "ml", (0.0, None)),
)

CATALOGUE: Mapping[str, Metric] = {metric.name: metric for metric in _METRICS}
"""Every metric by its name, in the order in which tables list them."""

DEFAULT_METRICS = (
    "dice",
    "iou",
    "precision",
    "recall",
    "hausdorff_mm",
    "hd95_mm",
    "assd_mm",
    "nsd",
    "truth_volume_ml",
    "volume_ml",
    "volume_error_ml",
)
"""What ``unicare evaluate`` measures of every structure when nobody says otherwise."""


def find_metric(name: str, among: Iterable[str] = tuple(CATALOGUE)) -> Metric:
    """The metric of that name.

    Raises:
        SettingsError: there is none, or it isn't among those that may be asked for.
    """
    allowed = tuple(among)
    if name not in allowed or name not in CATALOGUE:
        raise SettingsError("unknown metric", found=name, expected=f"one of {', '.join(allowed)}")
    return CATALOGUE[name]
