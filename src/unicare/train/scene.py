"""What is learned from: images of one anatomy on one grid, and masks of the structures in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["Scene", "World"]


@dataclass(frozen=True, eq=False)
class Scene:
    """A stack of slices.

    Attributes:
        images: sequence name to image (D, H, W); all on one grid.
        labels: (D, H, W), 0 is background.
        structures: label to compact structure id; 0 where the structure has no name.
        spacing_mm: along D, H, W.
        context: labels that are prompted beside the others, but never asked for: their borders aren't known.
    """

    images: Mapping[str, NDArray[np.float32]]
    labels: NDArray[np.integer]
    structures: Mapping[int, int]
    spacing_mm: tuple[float, float, float]
    context: frozenset[int] = frozenset()


class World(Protocol):
    """Somewhere scenes come from."""

    def scene(self, rng: np.random.Generator) -> Scene:
        """A scene that depends on nothing but the generator's state."""
        ...
