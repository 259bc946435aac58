"""What a person points at: per slice and label a box, points, text, a mask."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

__all__ = ["Box", "CasePrompts", "Point", "Prompt"]


class Point(NamedTuple):
    """A voxel on a slice: x along the first in-plane axis, y along the second."""

    x: int
    y: int


class Box(NamedTuple):
    """A rectangle of voxels on a slice, ends exclusive: voxels x0 … x1-1 and y0 … y1-1."""

    x0: int
    y0: int
    x1: int
    y1: int

    def contains(self, point: Point) -> bool:
        """Whether the voxel lies inside."""
        return self.x0 <= point.x < self.x1 and self.y0 <= point.y < self.y1

    def union(self, other: Box) -> Box:
        """The smallest box around both."""
        return Box(
            min(self.x0, other.x0),
            min(self.y0, other.y0),
            max(self.x1, other.x1),
            max(self.y1, other.y1),
        )


@dataclass(frozen=True)
class Prompt:
    """What is known of one label on one slice; box or points may be missing, not both (but for masks).

    Attributes:
        box: loose or tight rectangle around the structure.
        points: inside the structure.
        negative_points: outside the structure.
        text: the structure's name.
        mask: path of a NIfTI beside prompts.json.
        extra: further keys, kept as they were.
    """

    box: Box | None = None
    points: tuple[Point, ...] = ()
    negative_points: tuple[Point, ...] = ()
    text: str | None = None
    mask: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def extent(self) -> Box | None:
        """The smallest box around everything positive, or None if there is nothing."""
        if self.box is not None:
            return self.box
        if not self.points:
            return None
        xs = [point.x for point in self.points]
        ys = [point.y for point in self.points]
        return Box(min(xs), min(ys), max(xs) + 1, max(ys) + 1)


@dataclass(frozen=True)
class CasePrompts:
    """All prompts of one case.

    Attributes:
        case: the case's id.
        slices: slice index to label to prompt; None (or not listed) where nothing is to be found.
        slice_axis: the axis of the PLS volume that slices are counted along; in-plane axes keep their order.
    """

    case: str
    slices: Mapping[int, Mapping[int, Prompt] | None]
    slice_axis: int = 2

    @property
    def labels(self) -> tuple[int, ...]:
        """Every label that is prompted somewhere, ascending."""
        found = {label for prompts in self.slices.values() if prompts for label in prompts}
        return tuple(sorted(found))

    def of(self, label: int) -> dict[int, Prompt]:
        """Slice index to prompt of one label, ascending, for the slices where it is prompted."""
        return {
            index: prompts[label]
            for index, prompts in sorted(self.slices.items())
            if prompts and label in prompts
        }

    def __iter__(self) -> Iterator[tuple[int, int, Prompt]]:
        """Slice index, label, prompt; in order."""
        for index, prompts in sorted(self.slices.items()):
            for label, prompt in sorted((prompts or {}).items()):
                yield index, label, prompt
