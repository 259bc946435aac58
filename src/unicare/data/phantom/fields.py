"""Smooth random fields on a grid, cheap enough to be drawn for every training image."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["random_field", "upsample"]

Grid = NDArray[np.float32]


def random_field(
    shape: Sequence[int], spacing_mm: Sequence[float], correlation_mm: float, rng: np.random.Generator
) -> Grid:
    """Noise of sd about 1 that changes over a given distance.

    Args:
        shape: voxels along each axis.
        spacing_mm: distance between voxel centres along each axis.
        correlation_mm: distance between the independent values that the field runs smoothly through.
        rng: draws them.
    """
    extent = [max(1, round(n * s / correlation_mm)) for n, s in zip(shape, spacing_mm, strict=True)]
    # Never finer than the grid itself; a single value would be a constant, not a field.
    coarse_shape = [max(1, min(n, e + 2)) for n, e in zip(shape, extent, strict=True)]
    coarse = rng.standard_normal(coarse_shape, dtype=np.float32)
    # Interpolation averages neighbours; this undoes its loss of variance along every axis.
    gain = np.prod([1.22 if c < n else 1.0 for c, n in zip(coarse_shape, shape, strict=True)])
    return upsample(coarse * np.float32(gain), shape)


def upsample(coarse: Grid, shape: Sequence[int]) -> Grid:
    """Stretches a coarse grid to a shape, corner to corner, by a smooth curve through its values.

    Each axis is one matrix product, which is far quicker than spline interpolation of every voxel.
    """
    values = coarse
    for axis in sorted(range(coarse.ndim), key=lambda axis: shape[axis] / coarse.shape[axis]):
        if values.shape[axis] == shape[axis]:
            continue
        weights = _weights(values.shape[axis], shape[axis])
        values = np.moveaxis(np.tensordot(weights, values, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(values)


def _weights(coarse: int, fine: int) -> Grid:
    """(fine, coarse) interpolation weights with a cosine ramp between neighbours."""
    position = np.linspace(0, coarse - 1, fine)
    low = np.minimum(position.astype(int), max(coarse - 2, 0))
    share = 0.5 - 0.5 * np.cos(np.pi * (position - low))
    weights = np.zeros((fine, coarse), dtype=np.float32)
    rows = np.arange(fine)
    weights[rows, low] = 1 - share
    weights[rows, np.minimum(low + 1, coarse - 1)] += share
    return weights
