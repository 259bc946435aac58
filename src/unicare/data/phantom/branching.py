"""Trees of vessels that grow inside an organ."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unicare.data.phantom.lattice import LatticeShape

__all__ = ["Branch", "grow_tree"]

Branch = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Path (K, 3) mm and radius at each of its points (K,) mm."""

_STEPS = 3


def grow_tree(
    rng: np.random.Generator,
    start_mm: ArrayLike,
    direction: ArrayLike,
    radii_mm: tuple[float, float],
    length_mm: float,
    organ: LatticeShape,
) -> list[Branch]:
    """A tree whose branches split in two, thinner each time (Murray's law), and stay within the organ.

    Args:
        rng: source of chance.
        start_mm: root (3,).
        direction: where the root points to (3,).
        radii_mm: radius of the root, and the radius at which branches end.
        length_mm: length of the first branch.
        organ: where branches may go; the root may start outside.

    Returns:
        All branches, the root first.
    """
    grown: list[Branch] = []
    tips = [(np.asarray(start_mm, np.float32), _unit(np.asarray(direction)), radii_mm[0], length_mm)]
    while tips:
        starts = np.stack([tip[0] for tip in tips])
        aims = np.stack([tip[1] for tip in tips])
        radii = np.asarray([tip[2] for tip in tips], np.float32)
        lengths = np.asarray([tip[3] for tip in tips], np.float32) * rng.uniform(0.7, 1.3, len(tips))
        thinner = radii * rng.uniform(0.72, 0.84, len(tips))
        path = [starts]
        for _ in range(_STEPS):
            aims = _unit(aims + rng.normal(0, 0.2, aims.shape))
            path.append((path[-1] + aims * (lengths / _STEPS)[:, None]).astype(np.float32))
        ends = organ.inside(path[-1])
        for k in np.flatnonzero(ends | organ.inside(path[1]) | (radii == radii_mm[0])):
            points = np.stack([p[k] for p in path])
            grown.append((points, np.linspace(radii[k], thinner[k], _STEPS + 1, dtype=np.float32)))
        next_tips = []
        for k in np.flatnonzero(ends | (radii == radii_mm[0])):
            if thinner[k] < radii_mm[1]:
                continue
            side = _unit(np.cross(aims[k], rng.normal(0, 1, 3)))
            share = float(rng.uniform(0.25, 0.6))
            for turn, factor in ((share, 1.0 - 0.25 * share), (-1.0 + 0.4 * share, 0.8)):
                next_tips.append(
                    (path[-1][k], _unit(aims[k] + turn * side), thinner[k] * factor, lengths[k] * 0.86)
                )
        tips = next_tips
    return grown


def _unit(vectors: NDArray[np.floating]) -> NDArray[np.float32]:
    return np.asarray(vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-9), np.float32)
