"""Mask prompts: read from the files that prompts name, and turned into boxes where nothing else points."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import PromptError, UnicareError
from unicare.core.prompt import Box, CasePrompts, Prompt
from unicare.core.volume import Volume
from unicare.data.nifti import load_labels

__all__ = ["boxed_by_masks", "read_masks"]


def read_masks(prompts: CasePrompts, grid: Volume, folder: Path) -> dict[int, NDArray[np.float32]]:
    """The masks that prompts name, by label, on the slices for which they are named.

    In a file that holds the label's own value that value counts, in others everything that isn't 0.

    Args:
        prompts: fitted to the volume.
        grid: the volume (P, L, S).
        folder: that prompts.json lies in; masks are named from there.

    Raises:
        PromptError: a file can't be read as a label map, or has another shape than the image.
    """
    masks: dict[int, NDArray[np.float32]] = {}
    files: dict[str, Volume] = {}
    for index, label, prompt in prompts:
        if prompt.mask is None:
            continue
        if prompt.mask not in files:
            where = f"case {prompts.case}, slice {index}, label {label}: its mask"
            files[prompt.mask] = _load(where, folder / prompt.mask, grid.shape)
        given = files[prompt.mask]
        mask = masks.setdefault(label, np.zeros(grid.shape, dtype=np.float32))
        values = _slice_of(given.data, prompts.slice_axis, index)
        inside = (values == label) if (values == label).any() else (values > 0)
        _slice_of(mask, prompts.slice_axis, index)[...] = inside
    return masks


def boxed_by_masks(prompts: CasePrompts, masks: Mapping[int, NDArray[np.float32]] | None) -> CasePrompts:
    """The same prompts; those with a mask but neither box nor points get the box around the mask.

    Args:
        prompts: fitted to the volume.
        masks: label to mask (P, L, S), as ``read_masks`` gives them.

    Raises:
        PromptError: such a mask is empty on the slice for which it is named, or wasn't given.
    """
    slices = {index: None if found is None else dict(found) for index, found in prompts.slices.items()}
    for index, label, prompt in prompts:
        found = slices[index]
        if found is None or prompt.mask is None or prompt.extent() is not None:
            continue
        where = f"case {prompts.case}, slice {index}, label {label}: mask {prompt.mask}"
        if masks is None or label not in masks:
            raise PromptError(f"{where} isn't given", expected="masks, or a box, or points")
        found[label] = _boxed(where, prompt, _slice_of(masks[label], prompts.slice_axis, index))
    return replace(prompts, slices=slices)


def _load(where: str, path: Path, shape: tuple[int, int, int]) -> Volume:
    try:
        given = load_labels(path)
    except UnicareError as error:
        raise PromptError(f"{where} can't be used: {error}") from None
    if given.shape != shape:
        raise PromptError(
            f"{where} {path} has another grid than the image",
            found=f"{given.shape} voxels in PLS axes",
            expected=f"{shape}",
            mend="draw or resample it on the image",
        )
    return given


def _boxed(where: str, prompt: Prompt, mask: NDArray[np.float32]) -> Prompt:
    inside = mask > 0.5
    rows, columns = np.flatnonzero(inside.any(axis=1)), np.flatnonzero(inside.any(axis=0))
    if not rows.size:
        raise PromptError(
            f"{where} is empty there", expected="something drawn on this slice, or a box, or points"
        )
    return replace(prompt, box=Box(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1))


def _slice_of(array: NDArray[Any], slice_axis: int, index: int) -> NDArray[Any]:
    """One slice; a view."""
    view: NDArray[Any] = np.moveaxis(array, slice_axis, 0)[index]
    return view
