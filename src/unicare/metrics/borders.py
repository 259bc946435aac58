"""One walk over two label maps: the voxels of every label counted, their border voxels found."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.metrics.overlap import Overlap

__all__ = ["Borders", "Scan", "arrange", "scan_labels"]

Flags = NDArray[np.bool_]

_SLAB_BYTES = 1 << 20
"""As much of a map as is worked on at a time: it and what is made of it stay in the processor's cache."""
_TABLE_SIZE = 1 << 16
"""Labels below this are counted in a table, others by sorting."""


@dataclass(frozen=True, eq=False)
class Borders:
    """The border voxels of all labels of one map but 0.

    Attributes:
        places: (N,) where in the padded box, as index into it when flat; ascending.
        labels: (N,) label of each voxel.
        apart: (N,) whether the voxel isn't a border voxel of the same label in the other map.
    """

    places: NDArray[np.int64]
    labels: NDArray[Any]
    apart: Flags


@dataclass(frozen=True, eq=False)
class Scan:
    """What a walk over two label maps found.

    Attributes:
        counts: voxels of every label but 0 that is in either map, in the labels' order.
        box: shape of the box that the border voxels' places refer to: all that either map holds, with a
            margin of zeros on every side.
        borders: border voxels of the truth, and of the prediction; None if they weren't asked for.
    """

    counts: Mapping[int, Overlap]
    box: tuple[int, ...]
    borders: tuple[Borders, Borders] | None


def arrange(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    spacing_mm: Sequence[float],
    image_shape: Sequence[int] | None = None,
) -> tuple[NDArray[Any], NDArray[Any], tuple[float, ...]]:
    """The same voxels with their axes turned as they lie in memory, without axes along which nothing changes.

    No figure depends on the order or the direction of axes, but walking along the memory is many times
    quicker. Axes that are one voxel long in the image have no neighbours, so they are left out.

    Args:
        truth: label map, any axes.
        prediction: label map on the same grid.
        spacing_mm: along these axes.
        image_shape: of the whole image, if the maps are a crop of it.

    Returns:
        Truth and prediction of one axis at least, and the spacing along what axes they have now.
    """
    lengths = truth.shape if image_shape is None else tuple(image_shape)
    kept = [axis for axis, length in enumerate(lengths) if (length, truth.shape[axis]) != (1, 1)] or [0]
    order = sorted(kept, key=lambda axis: -abs(truth.strides[axis]))
    dropped = [axis for axis in range(truth.ndim) if axis not in kept]
    turn = tuple(slice(None, None, -1 if truth.strides[axis] < 0 else 1) for axis in order)
    turned = [
        labels.transpose(order + dropped).reshape([labels.shape[axis] for axis in order])[turn]
        for labels in (truth, prediction)
    ]
    steps = np.abs(turned[1].strides)
    if (np.diff(steps) > 0).any():
        turned[1] = np.ascontiguousarray(turned[1])
    return turned[0], turned[1], tuple(float(spacing_mm[axis]) for axis in order)


def scan_labels(
    truth: NDArray[Any],
    prediction: NDArray[Any],
    margin: Sequence[int] | None = None,
) -> Scan:
    """Walks once over two label maps, a slab of the first axis at a time.

    A border voxel differs from one of its face neighbours. So each pair of neighbours is compared once, for
    all labels together, and where the values along the last axis change is all that is needed to count them.

    Args:
        truth: label map of whole numbers, best as ``arrange`` gives it.
        prediction: label map of the same shape.
        margin: voxels of zeros around the box on which border voxels are placed, one at least along every
            axis; None: count only.
    """
    box, dtypes = _joint_box(truth, prediction)
    pad = [1] * truth.ndim if margin is None else [max(1, count) for count in margin]
    shape = tuple(side.stop - side.start + 2 * count for side, count in zip(box, pad, strict=True))
    steps = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
    tallies: tuple[dict[int, int], ...] = ({}, {}, {})
    found: tuple[list[Borders], list[Borders]] = ([], [])
    for first, slabs in _slabs((truth, prediction), box, pad[1:], dtypes):
        inner = slice(steps[0], slabs[0].size - steps[0])
        changes = [slab[1:] != slab[:-1] for slab in slabs]
        _count(
            slabs[0][inner], slabs[1][inner], (changes[0] | changes[1])[inner.start : inner.stop - 1], tallies
        )
        if margin is not None:
            edges = [
                _border(slab, along_last, steps[:-1])[inner]
                for slab, along_last in zip(slabs, changes, strict=True)
            ]
            start = (first + pad[0]) * steps[0]
            within = [slab[inner] for slab in slabs]
            found[0].append(_place(within[0], edges[0], within[1], edges[1], start))
            found[1].append(_place(within[1], edges[1], within[0], edges[0], start))
    counts = {
        label: Overlap(*(tally.get(label, 0) for tally in tallies))
        for label in sorted(tallies[0].keys() | tallies[1].keys())
        if label
    }
    borders = None if margin is None else (_joined(found[0]), _joined(found[1]))
    return Scan(counts, shape, borders)


def _joint_box(
    truth: NDArray[Any], prediction: NDArray[Any]
) -> tuple[tuple[slice, ...], tuple[np.dtype[Any], ...]]:
    """The box around all that isn't 0 in either map, and the smallest type that holds each map's labels.

    The box is that along all axes but the first, which stays whole.
    """
    bits = [np.bitwise_or.reduce(labels, axis=0) for labels in (truth, prediction)]
    footprint = (bits[0] != 0) | (bits[1] != 0)
    box = [slice(0, len(truth))]
    for axis in range(footprint.ndim):
        filled = np.flatnonzero(footprint.any(axis=tuple(a for a in range(footprint.ndim) if a != axis)))
        box.append(slice(int(filled[0]), int(filled[-1]) + 1) if filled.size else slice(0, 0))
    # No label has a bit that isn't in the union of all; that of negative ones is negative.
    unions = [int(np.bitwise_or.reduce(held, axis=None)) for held in bits]
    types = (np.min_scalar_type(union) if union >= 0 else np.dtype(np.int64) for union in unions)
    return tuple(box), tuple(types)


def _slabs(
    maps: tuple[NDArray[Any], NDArray[Any]],
    box: Sequence[slice],
    pad: Sequence[int],
    dtypes: Sequence[np.dtype[Any]],
) -> Iterator[tuple[int, tuple[NDArray[Any], NDArray[Any]]]]:
    """Flat copies of both maps, some layers of the first axis at a time, where either isn't blank.

    Each has zeros around it along the other axes, and one more layer at either end. The next ones are written
    into the same memory.

    Yields:
        Number of the first layer without the additional one, and the two copies.
    """
    layer = tuple(side.stop - side.start + 2 * count for side, count in zip(box[1:], pad, strict=True))
    itemsize = max(dtype.itemsize for dtype in dtypes)
    depth = max(1, min(len(maps[0]), _SLAB_BYTES // (math.prod(layer) * itemsize)))
    room = tuple(
        slice(count, count + side.stop - side.start) for side, count in zip(box[1:], pad, strict=True)
    )
    crop = tuple(box[1:])
    copies = [np.zeros((depth + 2, *layer), dtype) for dtype in dtypes]
    for first in range(0, len(maps[0]), depth):
        layers = min(depth, len(maps[0]) - first)
        below, above = max(0, first - 1), min(len(maps[0]), first + layers + 1)
        blank = True
        for copy, labels in zip(copies, maps, strict=True):
            copy[(slice(below - first + 1, above - first + 1), *room)] = labels[(slice(below, above), *crop)]
            copy[above - first + 1 :] = 0
            blank = blank and not copy.max() and not copy.min()
        if not blank:
            flat = [copy[: layers + 2].reshape(-1) for copy in copies]
            yield first, (flat[0], flat[1])


def _border(flat: NDArray[Any], along_last: Flags, steps: Sequence[int]) -> Flags:
    """Which voxels of a flat slab aren't 0 and differ from a face neighbour.

    Args:
        flat: the slab, zeros at both ends of every axis, so that no neighbour is taken over an edge.
        along_last: which voxels differ from the next one.
        steps: from a voxel to the next along the axes before the last one.
    """
    border = np.zeros(flat.size, dtype=bool)
    border[1:] = along_last
    border[:-1] |= along_last
    for step in steps:
        differs = flat[step:] != flat[:-step]
        border[step:] |= differs
        border[:-step] |= differs
    border &= flat != 0
    return border


def _place(
    labels: NDArray[Any], border: Flags, others: NDArray[Any], other_border: Flags, start: int
) -> Borders:
    places = np.flatnonzero(border)
    own = labels[places]
    return Borders(places + start, own, ~other_border[places] | (others[places] != own))


def _joined(parts: Sequence[Borders]) -> Borders:
    if not parts:
        return Borders(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint8), np.zeros(0, dtype=bool))
    return Borders(
        np.concatenate([part.places for part in parts]),
        np.concatenate([part.labels for part in parts]),
        np.concatenate([part.apart for part in parts]),
    )


def _count(
    truth: NDArray[Any], prediction: NDArray[Any], changes: Flags, tallies: Sequence[dict[int, int]]
) -> None:
    """Adds the voxels of a flat slab to the tallies of truth, prediction and both.

    Args:
        truth: (N,) labels.
        prediction: (N,) labels.
        changes: (N - 1,) where the next voxel has another label in either map.
        tallies: voxels by label.
    """
    starts = np.concatenate([[0], np.flatnonzero(changes) + 1])
    lengths = np.diff(starts, append=truth.size)
    in_truth, in_prediction = truth[starts], prediction[starts]
    same = in_truth == in_prediction
    _tally(in_truth, lengths, tallies[0])
    _tally(in_prediction, lengths, tallies[1])
    _tally(in_truth[same], lengths[same], tallies[2])


def _tally(labels: NDArray[Any], lengths: NDArray[np.int64], tally: dict[int, int]) -> None:
    if labels.size and labels.min() >= 0 and labels.max() < _TABLE_SIZE:
        table = np.bincount(labels.astype(np.int64), lengths)
        found = np.flatnonzero(table)
        voxels = table[found]
    else:
        found, index = np.unique(labels, return_inverse=True)
        voxels = np.bincount(index, lengths, len(found))
    for label, count in zip(found.tolist(), voxels.tolist(), strict=True):
        tally[int(label)] = tally.get(int(label), 0) + int(count)
