"""Smooth deformations of a virtual patient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["SmoothWarp", "random_warp"]

Points = NDArray[np.float32]


@dataclass(frozen=True)
class SmoothWarp:
    """A sum of plane waves, which on a regular grid costs one matrix product.

    Attributes:
        waves: (W, 3) rad/mm.
        phases: (W,) rad.
        amplitudes_mm: (W, 3) how far each wave moves points along R, A, S.
    """

    waves: NDArray[np.float64]
    phases: NDArray[np.float64]
    amplitudes_mm: NDArray[np.float64]

    @cached_property
    def reach_mm(self) -> Points:
        """The furthest that any point moves along each axis (3,)."""
        return np.asarray(np.abs(self.amplitudes_mm).sum(axis=0), np.float32)

    def __call__(self, points: Points) -> Points:
        """Moved points (N, 3) mm."""
        turns = np.sin(points @ self.waves.T + self.phases)
        return np.asarray(points + turns @ self.amplitudes_mm, np.float32)

    def on_grid(self, affine: NDArray[np.float64], shape: tuple[int, int, int]) -> Points:
        """Moved positions (3, X, Y, Z) mm of all voxels of a grid; affine (4, 4) from voxels to RAS+ mm."""
        # sin(a + b + c) with a, b, c along the grid's axes: the imaginary part of a product of three factors.
        first, second, third = (
            np.exp(1j * np.outer(np.arange(n), self.waves @ affine[:3, axis])).astype(np.complex64)
            for axis, n in enumerate(shape)
        )
        start = np.exp(1j * (self.waves @ affine[:3, 3] + self.phases)).astype(np.complex64)
        plane = ((start * first)[:, None] * second[None]).reshape(-1, len(self.waves))  # (X * Y, W)
        left = np.concatenate([plane.imag, plane.real], axis=1)
        moved = np.empty((3, shape[0] * shape[1], shape[2]), np.float32)
        for axis, amplitude in enumerate(self.amplitudes_mm.T):
            right = np.concatenate([third.real * amplitude, third.imag * amplitude], axis=1)
            still = [np.arange(n) * affine[axis, k] for k, n in enumerate(shape)]
            flat = (still[0][:, None] + still[1] + affine[axis, 3]).reshape(-1, 1)
            # The two last columns add the position of the voxel itself.
            left_all = np.concatenate([left, flat, np.ones_like(flat)], axis=1).astype(np.float32)
            right_all = np.concatenate([right, np.ones((shape[2], 1)), still[2][:, None]], axis=1)
            np.matmul(left_all, right_all.T.astype(np.float32), out=moved[axis])
        return moved.reshape(3, *shape)


def random_warp(rng: np.random.Generator, amplitude_mm: float = 3.0, waves: int = 10) -> SmoothWarp:
    """A random smooth deformation; points move by about `amplitude_mm` over 90 to 300 mm long waves."""
    directions = rng.normal(size=(waves, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    lengths_mm = np.exp(rng.uniform(np.log(90), np.log(300), size=(waves, 1)))
    # Short waves move less, so that none bends the patient more sharply than another.
    strength = amplitude_mm * np.sqrt(2 / waves) * (lengths_mm / 180)
    return SmoothWarp(
        directions * 2 * np.pi / lengths_mm,
        rng.uniform(0, 2 * np.pi, size=waves),
        strength * rng.normal(size=(waves, 3)),
    )
