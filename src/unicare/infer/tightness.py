"""Whether a case's boxes are tight: points drawn inside structures tell.

A point on the outermost row or column of its box is possible only where the box touches the structure.
The challenge's boxes are loose, others' are tight, and nobody says which; but a case has many points, and
uniformly drawn ones fall on the border of tight boxes at a rate that can be foretold. It matters where voxels
are coarse: there a margin of one voxel is a large part of a structure.
"""

from __future__ import annotations

import math

from unicare.core.prompt import Box, CasePrompts, Point, Prompt

__all__ = ["boxes_are_tight"]

_LEAST_EXPECTED = 2.0
"""Border points that must be expected of tight boxes before their number says anything."""

_LEAST_SHARE = 0.6
"""Share of the expected border points that must be there; margins of 0 or 1 voxel give half."""


def boxes_are_tight(prompts: CasePrompts) -> bool:
    """Whether the points of a case say that its boxes touch the structures; False if they can't say."""
    expected = found = 0.0
    for _, _, prompt in prompts:
        if prompt.box is None:
            continue
        if not all(prompt.box.contains(point) for point in prompt.points):
            return False
        expected += len(prompt.points) * _expected_share(prompt.box)
        found += sum(_on_border(prompt, point) for point in prompt.points)
    return expected >= _LEAST_EXPECTED and found >= _LEAST_SHARE * expected


def _on_border(prompt: Prompt, point: Point) -> bool:
    box = prompt.box
    return box is not None and (point.x in (box.x0, box.x1 - 1) or point.y in (box.y0, box.y1 - 1))


def _expected_share(box: Box) -> float:
    """Share of an ellipse's area that lies in the outermost rows and columns of the box around it."""
    return min(1.0, sum(2.0 * _cap(2.0 / side) for side in (box.x1 - box.x0, box.y1 - box.y0)))


def _cap(depth: float) -> float:
    """Share of a unit disc's area that a cap of some depth has."""
    depth = min(depth, 1.0)
    return (math.acos(1.0 - depth) - (1.0 - depth) * math.sqrt(2.0 * depth - depth**2)) / math.pi
