"""Lesions, counted one by one: which were found, and which finds are real."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import cc3d
import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import GeometryError, SettingsError
from unicare.metrics.rate import Rate
from unicare.metrics.rules import Figure, Rule, check_masks, check_spacing, empty_rule
from unicare.metrics.surface import joint_box

__all__ = [
    "MIN_OVERLAP",
    "SIZE_EDGES_ML",
    "DetectionBySize",
    "Lesions",
    "detection_by_size",
    "match_lesions",
]

MIN_OVERLAP = 0.1
"""Fraction of a lesion that has to be covered before it counts."""

SIZE_EDGES_ML = (0.1, 1.0, 10.0)
"""Where lesions are parted by their size: below 0.1 ml, 0.1 to 1, 1 to 10, from 10 ml."""


@dataclass(frozen=True)
class Lesions:
    """Every lesion of one case, true and predicted.

    Attributes:
        truth_ml: volume of each true lesion.
        found: whether enough of it was predicted.
        prediction_ml: volume of each predicted lesion.
        right: whether enough of it lies in the truth.
        rule: which mask is empty, if one is.
    """

    truth_ml: tuple[float, ...]
    found: tuple[bool, ...]
    prediction_ml: tuple[float, ...]
    right: tuple[bool, ...]
    rule: Rule

    def recall(self) -> Figure:
        """The fraction of the true lesions that were found. Both empty: 1. One empty: 0."""
        return self._figure(sum(self.found), len(self.found))

    def precision(self) -> Figure:
        """The fraction of the predicted lesions that are right. Both empty: 1. One empty: 0."""
        return self._figure(sum(self.right), len(self.right))

    def f1(self) -> Figure:
        """The harmonic mean of recall and precision; 0 if both are 0. Both empty: 1. One empty: 0."""
        recall, precision = self.recall().value, self.precision().value
        both = recall + precision
        return Figure(2.0 * recall * precision / both if both else 0.0, self.rule)

    def figures(self) -> dict[str, Figure]:
        """All three, by their names in the catalogue."""
        return {
            "lesion_recall": self.recall(),
            "lesion_precision": self.precision(),
            "lesion_f1": self.f1(),
        }

    def _figure(self, count: int, of: int) -> Figure:
        if self.rule is Rule.BOTH_EMPTY:
            return Figure(1.0, self.rule)
        return Figure(count / of if of else 0.0, self.rule)


@dataclass(frozen=True)
class DetectionBySize:
    """How many lesions of which size were found, over any number of cases.

    Attributes:
        edges_ml: where sizes are parted, rising; a lesion of exactly that size belongs above.
        rates: found out of all, for the sizes below the first edge, between edges, from the last edge on.
    """

    edges_ml: tuple[float, ...]
    rates: tuple[Rate, ...]

    def __add__(self, other: DetectionBySize) -> DetectionBySize:
        """Both groups of lesions together.

        Raises:
            SettingsError: they are parted at other sizes.
        """
        if self.edges_ml != other.edges_ml:
            raise SettingsError(
                "lesions parted at different sizes",
                found=f"{other.edges_ml} ml",
                expected=f"{self.edges_ml} ml",
            )
        return DetectionBySize(
            self.edges_ml, tuple(a + b for a, b in zip(self.rates, other.rates, strict=True))
        )

    def titles(self) -> tuple[str, ...]:
        """What to call each size, such as ``0.1–1 ml``."""
        edges = [f"{edge:g}" for edge in self.edges_ml]
        between = [f"{low}–{high} ml" for low, high in pairwise(edges)]
        return (f"< {edges[0]} ml", *between, f"≥ {edges[-1]} ml")


def match_lesions(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    spacing_mm: Sequence[float],
    *,
    min_overlap: float = MIN_OVERLAP,
) -> Lesions:
    """Finds every lesion in the truth and in the prediction, and says which ones meet.

    A lesion is a connected component of a mask; voxels that touch at a face, an edge or a corner belong
    together (26 neighbours, in 2D 8). A true lesion is **found** if at least ``min_overlap`` of its voxels,
    and at least one, are predicted, by whichever components. A predicted lesion is **right** if at least
    ``min_overlap`` of its voxels, and at least one, lie in the truth, in whichever lesions. So a predicted
    blob over three true lesions finds all three and is one right lesion, unless it is so large that less than
    ``min_overlap`` of it is true; and a true lesion found in three pieces is found once, by three right
    lesions.

    Args:
        truth: mask in 2D or 3D; whatever isn't 0 is inside.
        prediction: mask on the same grid.
        spacing_mm: distance between voxel centres along each axis.
        min_overlap: the fraction, 0 to 1; 0 asks for one voxel.

    Raises:
        GeometryError: the shapes differ, they are neither 2D nor 3D, or the spacing doesn't fit them.
        SettingsError: a fraction that can't be.
    """
    truth, prediction = check_masks(truth, prediction)
    if truth.ndim not in (2, 3):
        raise GeometryError("lesions are counted in images", found=f"{truth.ndim} axes", expected="2 or 3")
    check_spacing(spacing_mm, truth.ndim)
    if not 0.0 <= min_overlap <= 1.0:
        raise SettingsError("an impossible overlap", found=min_overlap, expected="0 to 1")
    box = joint_box(truth, prediction)
    truth, prediction = truth[box], prediction[box]
    truth_voxels, found = _covered(truth, prediction, min_overlap)
    prediction_voxels, right = _covered(prediction, truth, min_overlap)
    voxel_ml = float(np.prod(np.asarray(spacing_mm, dtype=float))) / 1000.0
    return Lesions(
        truth_ml=tuple((truth_voxels * voxel_ml).tolist()),
        found=tuple(found.tolist()),
        prediction_ml=tuple((prediction_voxels * voxel_ml).tolist()),
        right=tuple(right.tolist()),
        rule=empty_rule(truth_voxels.size, prediction_voxels.size),
    )


def detection_by_size(cases: Iterable[Lesions], edges_ml: Sequence[float] = SIZE_EDGES_ML) -> DetectionBySize:
    """Counts the true lesions of any number of cases by their size, and how many of them were found.

    Args:
        cases: one ``match_lesions`` a case.
        edges_ml: where sizes are parted, rising.

    Raises:
        SettingsError: edges that don't rise.
    """
    edges = tuple(float(edge) for edge in edges_ml)
    if not edges or any(b <= a for a, b in pairwise(edges)):
        raise SettingsError(
            "impossible sizes of lesions", found=f"{edges} ml", expected="one or more, rising"
        )
    everyone = list(cases)
    sizes = np.array([size for case in everyone for size in case.truth_ml])
    found = np.array([hit for case in everyone for hit in case.found], dtype=bool)
    which = np.searchsorted(edges, sizes, side="right")
    of = np.bincount(which, minlength=len(edges) + 1)
    count = np.bincount(which[found], minlength=len(edges) + 1)
    return DetectionBySize(edges, tuple(Rate(int(a), int(b)) for a, b in zip(count, of, strict=True)))


def _covered(
    mask: NDArray[np.bool_], other: NDArray[np.bool_], min_overlap: float
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Voxels of each component of a mask, and whether the other mask covers enough of it."""
    if not mask.any():
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=bool)
    # A rim of background, because cc3d 4.1 reserves too few labels for masks that are one line of three
    # voxels.
    within = tuple(slice(1, -1) for _ in range(mask.ndim))
    connectivity: Literal[26, 8] = 26 if mask.ndim == 3 else 8
    components = cc3d.connected_components(np.pad(mask, 1), connectivity=connectivity, return_N=False)[within]
    voxels = np.bincount(components[mask])[1:]
    common = np.bincount(components[mask & other], minlength=voxels.size + 1)[1:]
    # A fraction such as 0.1 is no exact number: 3 voxels of 30 are a tenth all the same.
    return voxels, (common > 0) & (common >= min_overlap * voxels * (1 - 1e-12))
