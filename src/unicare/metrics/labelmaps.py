"""Every figure of every label of two whole label maps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from numpy.typing import NDArray

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics.borders import arrange, scan_labels
from unicare.metrics.catalogue import DEFAULT_METRICS, find_metric
from unicare.metrics.overlap import Overlap
from unicare.metrics.rules import Figure, check_spacing
from unicare.metrics.surface import (
    DEFAULT_TOLERANCE_MM,
    SurfaceDistances,
    check_tolerance,
    label_distances,
)

__all__ = ["LABEL_METRICS", "count_labels", "measure_labels"]

_OF_COUNTS: Mapping[str, Callable[[Overlap], Figure]] = {
    "dice": Overlap.dice,
    "iou": Overlap.iou,
    "precision": Overlap.precision,
    "recall": Overlap.recall,
}
_OF_VOLUMES: Mapping[str, Callable[[Overlap, Sequence[float]], Figure]] = {
    "truth_volume_ml": Overlap.truth_volume_ml,
    "volume_ml": Overlap.volume_ml,
    "volume_error_ml": Overlap.volume_error_ml,
}
_OF_DISTANCES: Mapping[str, Callable[[SurfaceDistances, float], Figure]] = {
    "hausdorff_mm": lambda distances, _: distances.hausdorff_mm(),
    "hd95_mm": lambda distances, _: distances.hd95_mm(),
    "assd_mm": lambda distances, _: distances.assd_mm(),
    "nsd": SurfaceDistances.nsd,
}

_EMPTY = Overlap(0, 0, 0)

LABEL_METRICS = (*_OF_COUNTS, *_OF_VOLUMES, *_OF_DISTANCES)
"""The metrics that ``measure_labels`` knows."""


def measure_labels(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    labels: Iterable[int],
    spacing_mm: Sequence[float],
    *,
    metrics: Sequence[str] = DEFAULT_METRICS,
    tolerance_mm: float = DEFAULT_TOLERANCE_MM,
) -> dict[int, dict[str, Figure]]:
    """Every figure of every label of two label maps (docs/metrics.md, v1).

    The figures are those of the functions for one mask, ``truth == label`` against ``prediction == label``.
    Distances are only measured if a metric needs them.

    Args:
        truth: label map of whole numbers, any axes.
        prediction: label map on the same grid.
        labels: which labels to measure; one that is in neither map gets the figures of two empty masks.
        spacing_mm: distance between voxel centres along each axis, from the truth's header.
        metrics: names from ``LABEL_METRICS``.
        tolerance_mm: the tolerance of ``nsd``.

    Returns:
        For each label, in the order in which they were asked for, the figure of each metric by its name.

    Raises:
        GeometryError: the shapes differ, the spacing doesn't fit them, or a map isn't of whole numbers.
        SettingsError: an unknown metric, an impossible tolerance, or 0 among the labels.
    """
    wanted = tuple(labels)
    _check(truth, prediction, wanted, spacing_mm, metrics, tolerance_mm)
    counts: Mapping[int, Overlap]
    distances: Mapping[int, SurfaceDistances]
    if any(metric in _OF_DISTANCES for metric in metrics):
        counts, distances = label_distances(truth, prediction, wanted, spacing_mm)
    else:
        counts, distances = count_labels(truth, prediction), {}
    return {
        label: {
            metric: _figure(metric, counts.get(label, _EMPTY), distances.get(label), spacing_mm, tolerance_mm)
            for metric in metrics
        }
        for label in wanted
    }


def count_labels(truth: NDArray[Any], prediction: NDArray[Any]) -> dict[int, Overlap]:
    """Counts the voxels of every label but 0 that either label map holds.

    Args:
        truth: label map of whole numbers, any axes.
        prediction: label map on the same grid.

    Returns:
        The counts by label, in the labels' order.

    Raises:
        GeometryError: the shapes differ, or a map isn't of whole numbers.
    """
    _check_maps(truth, prediction)
    truth, prediction, _ = arrange(truth, prediction, [1.0] * truth.ndim)
    return dict(scan_labels(truth, prediction).counts)


def _figure(
    metric: str,
    overlap: Overlap,
    distances: SurfaceDistances | None,
    spacing_mm: Sequence[float],
    tolerance_mm: float,
) -> Figure:
    if metric in _OF_COUNTS:
        return _OF_COUNTS[metric](overlap)
    if metric in _OF_VOLUMES:
        return _OF_VOLUMES[metric](overlap, spacing_mm)
    assert distances is not None
    return _OF_DISTANCES[metric](distances, tolerance_mm)


def _check(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    labels: Sequence[int],
    spacing_mm: Sequence[float],
    metrics: Sequence[str],
    tolerance_mm: float,
) -> None:
    _check_maps(truth, prediction)
    if 0 in labels:
        raise SettingsError(
            "a label that is no structure", found="0, the background", expected="other labels"
        )
    check_spacing(spacing_mm, truth.ndim)
    check_tolerance(tolerance_mm)
    for metric in metrics:
        find_metric(metric, LABEL_METRICS)


def _check_maps(truth: NDArray[Any], prediction: NDArray[Any]) -> None:
    if truth.shape != prediction.shape:
        raise GeometryError(
            "truth and prediction lie on different grids",
            found=f"a prediction of {prediction.shape} voxels",
            expected=f"{truth.shape} voxels like the truth",
        )
    for labels in (truth, prediction):
        if labels.dtype.kind not in "iub":
            raise GeometryError(
                "not a label map", found=f"an array of {labels.dtype}", expected="an array of whole numbers"
            )
