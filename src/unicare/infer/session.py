"""An interactive session: every click is one more point, and the answer before is the mask prompt."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unicare.core.case import Case
from unicare.core.errors import PromptError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.core.region import Crop
from unicare.infer.merge import Merge
from unicare.infer.segment import PromptedSegmenter, painting_order, parents_of
from unicare.models.base import Segmentation

__all__ = ["Session"]

_LARGEST_LABEL = 2**31 - 1

_NOWHERE = -30.0
"""Logit of what was never answered."""


@dataclass(frozen=True, eq=False)
class _Step:
    """What a step changed, so that it can be undone."""

    prompts: CasePrompts
    label: int
    slices: range
    logits: NDArray[np.float16]


class Session:
    """Boxes and clicks on a case, answered one by one.

    Args:
        segmenter: the network.
        case: images.
        slice_axis: the axis of the reference volume that slices are counted along.
    """

    def __init__(self, segmenter: PromptedSegmenter, case: Case, slice_axis: int = 2) -> None:
        self.segmenter = segmenter
        self.case = case
        self.prompts = CasePrompts(case.id, {}, slice_axis)
        self._logits: dict[int, NDArray[np.float16]] = {}
        self._steps: list[_Step] = []

    def box(self, label: int, index: int, box: Box) -> NDArray[np.bool_]:
        """Draws a box around a label on a slice; returns the label's mask (rows, columns) on that slice.

        Raises:
            PromptError: the box is empty or lies outside the slice.
        """
        height, width = self._slice_shape(index)
        if not (0 <= box.x0 < box.x1 <= height and 0 <= box.y0 < box.y1 <= width):
            raise PromptError(f"slice {index}: box {tuple(box)}", expected=f"inside {height}×{width} voxels")
        return self._change(label, index, replace(self._prompt(label, index), box=box))

    def click(self, label: int, index: int, point: Point, positive: bool = True) -> NDArray[np.bool_]:
        """Adds a point inside (or outside) a label on a slice; returns the label's mask on that slice.

        Raises:
            PromptError: the point lies outside the slice.
        """
        height, width = self._slice_shape(index)
        if not (0 <= point.x < height and 0 <= point.y < width):
            raise PromptError(
                f"slice {index}: point {tuple(point)}", expected=f"inside {height}×{width} voxels"
            )
        prompt = self._prompt(label, index)
        if positive:
            return self._change(label, index, replace(prompt, points=(*prompt.points, point)))
        return self._change(label, index, replace(prompt, negative_points=(*prompt.negative_points, point)))

    def undo(self) -> bool:
        """Takes the last box or click back; False when there is none."""
        if not self._steps:
            return False
        step = self._steps.pop()
        self.prompts = step.prompts
        self._stack(step.label)[step.slices.start : step.slices.stop] = step.logits
        return True

    @property
    def segmentation(self) -> Segmentation:
        """The label map of everything answered so far."""
        merge = Merge(self.case.reference.shape, self.prompts.slice_axis)
        parents = parents_of(self.prompts)
        for label in painting_order(self.prompts):
            stack = self._stack(label)
            height, width = stack.shape[1:]
            crop = Crop(range(len(stack)), Box(0, 0, height, width))
            merge.paint(label, crop, stack.astype(np.float32), parents[label])
        return Segmentation(self.case.reference, merge.labels)

    def _prompt(self, label: int, index: int) -> Prompt:
        return (self.prompts.slices.get(index) or {}).get(label, Prompt())

    def _slice_shape(self, index: int) -> tuple[int, int]:
        shape = self.case.reference.shape
        if not 0 <= index < shape[self.prompts.slice_axis]:
            raise PromptError(
                f"slice {index}: no such slice", expected=f"0 to {shape[self.prompts.slice_axis] - 1}"
            )
        height, width = (n for axis, n in enumerate(shape) if axis != self.prompts.slice_axis)
        return height, width

    def _stack(self, label: int) -> NDArray[np.float16]:
        """Logits of a label with slices first; a view."""
        if label not in self._logits:
            self._logits[label] = np.full(self.case.reference.shape, _NOWHERE, dtype=np.float16)
        return np.moveaxis(self._logits[label], self.prompts.slice_axis, 0)

    def _change(self, label: int, index: int, prompt: Prompt) -> NDArray[np.bool_]:
        if not 0 < label <= _LARGEST_LABEL:
            raise PromptError(f"label {label}", expected=f"1 to {_LARGEST_LABEL}; 0 is background")
        before = self.prompts
        slices = dict(before.slices)
        slices[index] = {**(slices.get(index) or {}), label: prompt}
        self.prompts = replace(before, slices=slices)
        near = self._near(label, index)
        stack = self._stack(label)
        window = slice(near.start, near.stop)
        self._steps.append(_Step(before, label, near, stack[window].copy()))
        if prompt.extent() is not None:
            self._answer(label, near)
        mask: NDArray[np.bool_] = stack[index] > 0
        return mask

    def _near(self, label: int, index: int) -> range:
        """The prompted slices of a label that touch a slice, at most half a run to each side."""
        prompted, half = self.prompts.of(label), self.segmenter.settings.longest_run // 2
        start = stop = index
        while start - 1 in prompted and index - (start - 1) <= half:
            start -= 1
        while stop + 1 in prompted and (stop + 1) - index < half:
            stop += 1
        return range(start, stop + 1)

    def _answer(self, label: int, near: range) -> None:
        """Asks again about some slices of a label, with the answer before as the mask."""
        asked = replace(self.prompts, slices={index: self.prompts.slices.get(index) for index in near})
        stack = self._stack(label)
        masks = None
        if (stack[near.start : near.stop] > 0).any():
            logits = np.clip(self._logits[label].astype(np.float32), -30.0, 30.0)
            masks = {label: (1.0 / (1.0 + np.exp(-logits))).astype(np.float32)}
        for query, logits in self.segmenter.answers(self.case, asked, masks):
            if query.label == label:
                crop, values = query.region.paste(logits, self.case.reference.shape)
                window = slice(crop.slices.start, crop.slices.stop)
                stack[window] = _NOWHERE
                rows, columns = slice(crop.window.x0, crop.window.x1), slice(crop.window.y0, crop.window.y1)
                stack[window, rows, columns] = np.clip(values, -30.0, 30.0)
