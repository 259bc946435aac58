"""Distances between the surfaces of two masks: measured once, many figures from them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.metrics.borders import Borders, arrange, scan_labels
from unicare.metrics.nearest import Neighbourhood, nearest_mm
from unicare.metrics.overlap import Overlap
from unicare.metrics.rules import Figure, Rule, check_masks, check_spacing, diagonal_mm

__all__ = [
    "DEFAULT_TOLERANCE_MM",
    "SurfaceDistances",
    "assd_mm",
    "border",
    "check_spacing",
    "check_tolerance",
    "hausdorff_mm",
    "hd95_mm",
    "joint_box",
    "label_distances",
    "nsd",
    "surface_distances",
]

DEFAULT_TOLERANCE_MM = 2.0
"""How far a border may be off in the normalised surface Dice when nobody says otherwise."""

_ROUNDING = 1e-6
"""Headers hold spacings to seven digits: five steps of 0.4 mm read back are 2.00000003 mm, and count as 2."""


@dataclass(frozen=True, eq=False)
class SurfaceDistances:
    """How far each border voxel of one mask lies from the border of the other.

    Attributes:
        truth_to_prediction_mm: one distance for every border voxel of the truth; empty if a mask is.
        prediction_to_truth_mm: one distance for every border voxel of the prediction; empty if a mask is.
        rule: ``measured``, or which mask is empty.
        empty_mm: what every figure is when a mask is empty: 0 if both are, else the image's diagonal.
    """

    truth_to_prediction_mm: NDArray[np.float64]
    prediction_to_truth_mm: NDArray[np.float64]
    rule: Rule
    empty_mm: float

    def hausdorff_mm(self) -> Figure:
        """The greatest of all distances."""
        if self.rule is not Rule.MEASURED:
            return Figure(self.empty_mm, self.rule)
        return Figure(
            float(max(self.truth_to_prediction_mm.max(), self.prediction_to_truth_mm.max())), self.rule
        )

    def hd95_mm(self) -> Figure:
        """The greater of both directions' 95th percentiles (linear interpolation between ranks)."""
        if self.rule is not Rule.MEASURED:
            return Figure(self.empty_mm, self.rule)
        there = np.percentile(self.truth_to_prediction_mm, 95)
        back = np.percentile(self.prediction_to_truth_mm, 95)
        return Figure(float(max(there, back)), self.rule)

    def assd_mm(self) -> Figure:
        """The mean over the border voxels of both masks together."""
        if self.rule is not Rule.MEASURED:
            return Figure(self.empty_mm, self.rule)
        total = self.truth_to_prediction_mm.sum() + self.prediction_to_truth_mm.sum()
        count = self.truth_to_prediction_mm.size + self.prediction_to_truth_mm.size
        return Figure(float(total / count), self.rule)

    def nsd(self, tolerance_mm: float = DEFAULT_TOLERANCE_MM) -> Figure:
        """The part of both masks' border voxels that lie within the tolerance of the other's border."""
        if self.rule is not Rule.MEASURED:
            return Figure(1.0 if self.rule is Rule.BOTH_EMPTY else 0.0, self.rule)
        check_tolerance(tolerance_mm)
        there, back = self.truth_to_prediction_mm, self.prediction_to_truth_mm
        limit_mm = tolerance_mm * (1.0 + _ROUNDING)
        within = int(np.count_nonzero(there <= limit_mm) + np.count_nonzero(back <= limit_mm))
        return Figure(within / (there.size + back.size), self.rule)


def surface_distances(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    image_shape: Sequence[int] | None = None,
) -> SurfaceDistances:
    """Distances between the borders of two masks, both ways (docs/metrics.md, v1).

    Args:
        truth: mask; whatever isn't 0 is inside.
        prediction: mask on the same grid.
        spacing_mm: distance between voxel centres along each axis, from the truth's header.
        image_shape: shape of the whole image, if the masks are a crop of it that holds both of them entirely.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
    """
    truth, prediction = check_masks(truth, prediction)
    check_spacing(spacing_mm, truth.ndim)
    return label_distances(truth, prediction, [1], spacing_mm, image_shape=image_shape)[1][1]


def label_distances(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    labels: Iterable[int],
    spacing_mm: Sequence[float],
    *,
    image_shape: Sequence[int] | None = None,
) -> tuple[Mapping[int, Overlap], dict[int, SurfaceDistances]]:
    """Like ``surface_distances`` for many labels of two label maps, in one walk over both.

    Args:
        truth: label map of whole numbers.
        prediction: label map of the same shape.
        labels: which labels to measure; 0 isn't one.
        spacing_mm: distance between voxel centres along each axis.
        image_shape: shape of the whole image, if the maps are a crop of it.

    Returns:
        The voxels of every label that is in either map, which the walk counts as well, and the distances of
        those that were asked for.
    """
    shape = truth.shape if image_shape is None else tuple(image_shape)
    truth, prediction, spacing = arrange(truth, prediction, spacing_mm, shape)
    around = Neighbourhood.of(spacing, truth.shape)
    scan = scan_labels(truth, prediction, around.reach)
    distances: dict[int, SurfaceDistances] = {}
    nothing = np.zeros(0)
    for label in labels:
        rule = scan.counts[label].rule if label in scan.counts else Rule.BOTH_EMPTY
        empty_mm = 0.0 if rule is Rule.BOTH_EMPTY else diagonal_mm(shape, spacing_mm)
        distances[label] = SurfaceDistances(nothing, nothing, rule, empty_mm)
    measured = sorted(label for label, found in distances.items() if found.rule is Rule.MEASURED)
    if measured and scan.borders is not None:
        here, other = scan.borders
        there = _directed_mm(here, other, measured, scan.box, spacing, around)
        back = _directed_mm(other, here, measured, scan.box, spacing, around)
        for label, to_prediction, to_truth in zip(measured, there, back, strict=True):
            distances[label] = replace(
                distances[label], truth_to_prediction_mm=to_prediction, prediction_to_truth_mm=to_truth
            )
    return scan.counts, distances


def _directed_mm(
    start: Borders,
    goal: Borders,
    labels: Sequence[int],
    box: Sequence[int],
    spacing_mm: Sequence[float],
    around: Neighbourhood,
) -> list[NDArray[np.float64]]:
    """For each label, the distance of every border voxel of one map to the nearest of the other's.

    What is a border voxel in both maps is at 0; only the others are looked up.
    """
    start_codes, goal_codes = _codes(start.labels, labels), _codes(goal.labels, labels)
    apart = start.apart & (start_codes > 0)
    distances = np.zeros(start.places.size)
    distances[apart] = nearest_mm(
        start.places[apart], start_codes[apart], goal.places, goal_codes, box, spacing_mm, around
    )
    order = np.argsort(start_codes, kind="stable")
    ends = np.cumsum(np.bincount(start_codes, minlength=len(labels) + 1))
    return np.split(distances[order], ends[:-1])[1:]


def _codes(values: NDArray[Any], labels: Sequence[int]) -> NDArray[np.integer]:
    """1, 2, … for the labels, which ascend, and 0 for any other value."""
    known = np.asarray(labels)
    codes = np.searchsorted(known, values)
    found = known.take(codes, mode="clip") == values
    return np.where(found, codes + 1, 0).astype(np.min_scalar_type(len(labels)))


def hausdorff_mm(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]) -> Figure:
    """The symmetric, maximum Hausdorff distance between the borders of two masks (docs/metrics.md, v1).

    Args:
        truth: mask; whatever isn't 0 is inside.
        prediction: mask on the same grid.
        spacing_mm: distance between voxel centres along each axis, from the truth's header.

    Returns:
        Millimetres. Both empty: 0. One empty: the physical diagonal of the image.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
    """
    return surface_distances(truth, prediction, spacing_mm).hausdorff_mm()


def hd95_mm(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]) -> Figure:
    """Like ``hausdorff_mm``, with the 95th percentile of each direction instead of its maximum."""
    return surface_distances(truth, prediction, spacing_mm).hd95_mm()


def assd_mm(truth: NDArray[Any], prediction: NDArray[Any], spacing_mm: Sequence[float]) -> Figure:
    """Average symmetric surface distance: like ``hausdorff_mm``, with the mean over all border voxels."""
    return surface_distances(truth, prediction, spacing_mm).assd_mm()


def nsd(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    spacing_mm: Sequence[float],
    tolerance_mm: float = DEFAULT_TOLERANCE_MM,
) -> Figure:
    """Normalised surface Dice: the part of both borders that lies within a tolerance of the other.

    It counts border voxels; Nikolov et al. (J Med Internet Res 2021), whose figure it is, weigh them by the
    area of the surface that runs through them.

    Args:
        truth: mask; whatever isn't 0 is inside.
        prediction: mask on the same grid.
        spacing_mm: distance between voxel centres along each axis, from the truth's header.
        tolerance_mm: what still counts as right.

    Returns:
        A number from 0 to 1. Both empty: 1. One empty: 0.

    Raises:
        GeometryError: the shapes differ, or the spacing doesn't fit them.
        SettingsError: the tolerance is negative or no number.
    """
    check_tolerance(tolerance_mm)
    return surface_distances(truth, prediction, spacing_mm).nsd(tolerance_mm)


def check_tolerance(tolerance_mm: float) -> None:
    """Refuses tolerances that are no length.

    Raises:
        SettingsError: says what was found.
    """
    if not 0.0 <= tolerance_mm < math.inf:
        raise SettingsError("an impossible tolerance", found=f"{tolerance_mm} mm", expected="0 mm or more")


def border(mask: NDArray[np.bool_], axes: Sequence[int] | None = None) -> NDArray[np.bool_]:
    """The voxels of a mask that have a face neighbour outside it; the image's edge counts as outside.

    Args:
        mask: boolean mask.
        axes: axes along which neighbours are looked for. None: all that are longer than one voxel, so that
            the border of a single slice is its outline, not the whole of it.

    Returns:
        A boolean mask of the same shape.
    """
    if axes is None:
        axes = [axis for axis, length in enumerate(mask.shape) if length > 1]
    inside = mask.copy()
    for axis in axes:
        moved, kept = np.moveaxis(mask, axis, 0), np.moveaxis(inside, axis, 0)
        kept[1:] &= moved[:-1]
        kept[:-1] &= moved[1:]
        kept[0] = False
        kept[-1] = False
    return mask & ~inside if axes else mask.copy()


def joint_box(truth: NDArray[np.bool_], prediction: NDArray[np.bool_]) -> tuple[slice, ...]:
    """The smallest box of voxels around both masks; of no size if both are empty."""
    either = truth | prediction
    box: list[slice] = []
    for axis in range(either.ndim):
        others = tuple(other for other in range(either.ndim) if other != axis)
        filled = np.flatnonzero(either.any(axis=others))
        box.append(slice(int(filled[0]), int(filled[-1]) + 1) if filled.size else slice(0, 0))
    return tuple(box)
