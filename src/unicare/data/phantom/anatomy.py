"""One virtual patient: shapes in patient space, painted in order, smoothly deformed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from unicare.data.phantom.tissues import Tissue

__all__ = ["Anatomy", "Shape", "Warp"]

Points = NDArray[np.float32]
"""(N, 3) RAS+ mm; the origin is the centre of the left ventricular cavity."""

Warp = Callable[[Points], Points]
"""Patient space (N, 3) mm to the undeformed space of the shapes (N, 3) mm."""


class Shape(Protocol):
    """An implicit shape in patient space."""

    @property
    def tissue(self) -> Tissue:
        """What it is made of."""
        ...

    @property
    def bounds_mm(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Lower and upper corner (3,) of a box that holds the whole shape."""
        ...

    def inside(self, points: Points) -> NDArray[np.bool_]:
        """Whether each of the points (N, 3) mm lies inside, (N,)."""
        ...


@dataclass(frozen=True)
class Anatomy:
    """A virtual patient; later shapes paint over earlier ones.

    Attributes:
        shapes: in painting order, the outermost first.
        warp: the smooth deformation, or None.
        landmarks_mm: named points (3,) in the undeformed space, such as ``lv_apex``, ``mitral_centre``.
    """

    shapes: Sequence[Shape]
    warp: Warp | None
    landmarks_mm: dict[str, NDArray[np.float32]]
