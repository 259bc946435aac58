"""Made pairs of label maps to measure: a virtual patient's heart, and how a network may see it.

What is predicted is the truth, bent smoothly, with a rougher outline, one slice missed, one voxel astray.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.structure import structure_table
from unicare.data.phantom.anatomy import Anatomy
from unicare.data.phantom.grids import axial_grid, sample_slices
from unicare.data.phantom.heart import build_heart, sample_heart_options
from unicare.data.phantom.readers import ReaderStyle, read
from unicare.data.phantom.warp import SmoothWarp, random_warp

__all__ = ["PAIRS", "Pair", "make_pair"]

Labels = NDArray[Any]


@dataclass(frozen=True)
class Pair:
    """Grid of a made pair of label maps, and how far the prediction is off.

    Attributes:
        shape: voxels along left, back, up.
        spacing_mm: along the same axes.
        bent_mm: by about so much the prediction is bent over 90 to 300 mm.
        rough_mm: and by so much over 12 to 40 mm.
        prediction: ``bent``; or, for the worst cases, ``empty``, ``mirrored`` (along the first axis, as by a
            wrong orientation) or ``noise``.
    """

    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    bent_mm: float = 1.5
    rough_mm: float = 0.7
    prediction: str = "bent"


PAIRS: Mapping[str, Pair] = {
    "ct": Pair((512, 512, 200), (0.4, 0.4, 0.6)),
    "ct-wide": Pair((512, 512, 200), (0.7, 0.7, 0.9)),
    "ct-half": Pair((256, 256, 200), (0.7, 0.7, 0.9)),
    "mri": Pair((256, 256, 12), (1.2, 1.2, 10.0)),
    "empty": Pair((512, 512, 200), (0.4, 0.4, 0.6), prediction="empty"),
    "mirrored": Pair((512, 512, 200), (0.4, 0.4, 0.6), prediction="mirrored"),
    "noise": Pair((256, 256, 200), (0.7, 0.7, 0.9), prediction="noise"),
}
"""The pairs that are measured, by name."""

_HEART_MM = (20.0, -10.0, 15.0)


def make_pair(pair: Pair, seed: int = 1) -> tuple[Labels, Labels]:
    """Truth and prediction as maps of 0 and 1 to 7, uint8, axes left, back, up, in C order.

    Args:
        pair: what to make.
        seed: the same seed, the same maps.
    """
    rng = np.random.default_rng(seed)
    parts, landmarks = build_heart(rng, sample_heart_options(rng))
    patient = Anatomy(parts, random_warp(rng, 3.0), landmarks)
    grid = axial_grid(_HEART_MM, pair.spacing_mm, pair.shape)
    tissues = sample_slices(patient, grid)[:, :, grid.thin // 2 :: grid.thin]
    drawn = read(tissues, pair.spacing_mm, ReaderStyle(), "whs")
    values = sorted(s.labels["whs"] for s in structure_table().structures if "whs" in s.labels)
    truth = sum((drawn == value) * np.uint8(i) for i, value in enumerate(values, start=1))
    truth = np.ascontiguousarray(truth, dtype=np.uint8)
    if pair.prediction == "empty":
        return truth, np.zeros_like(truth)
    if pair.prediction == "mirrored":
        return truth, np.ascontiguousarray(truth[::-1])
    if pair.prediction == "noise":
        return truth, rng.integers(0, len(values) + 1, pair.shape, dtype=np.uint8)
    return truth, _bent(truth, pair, rng)


def _bent(truth: Labels, pair: Pair, rng: np.random.Generator) -> Labels:
    bend, roughen = random_warp(rng, pair.bent_mm), _rough_warp(rng, pair.rough_mm)
    affine = np.diag([*pair.spacing_mm, 1.0])
    index = []
    for axis, n in enumerate(pair.shape):
        # One displacement after the other, each taken at the voxel itself: both are small.
        moved = bend.on_grid(affine, pair.shape)[axis] + roughen.on_grid(affine, pair.shape)[axis]
        here = np.arange(n, dtype=np.float32).reshape([-1 if a == axis else 1 for a in range(3)])
        places = np.rint(moved / np.float32(pair.spacing_mm[axis]) - here).astype(np.int16)
        index.append(np.clip(places, 0, n - 1))
    bent = truth[tuple(index)]
    filled = np.flatnonzero(truth.any(axis=(0, 1)))
    bent[:, :, filled[0]] = 0
    bent[2, 2, filled[-1]] = truth.max()
    return bent


def _rough_warp(rng: np.random.Generator, amplitude_mm: float, waves: int = 12) -> SmoothWarp:
    directions = rng.normal(size=(waves, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths_mm = rng.uniform(12.0, 40.0, size=(waves, 1))
    return SmoothWarp(
        directions * 2 * np.pi / lengths_mm,
        rng.uniform(0, 2 * np.pi, size=waves),
        amplitude_mm * np.sqrt(2 / waves) * rng.normal(size=(waves, 3)),
    )
