"""What is asked of the network about one region, and many of them put together into a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from unicare.core.case import SEQUENCES
from unicare.models.ask import Question

__all__ = ["Asked", "put_together", "tensor"]


@dataclass(frozen=True, eq=False)
class Asked:
    """One region and one structure.

    Attributes:
        images: sequence name and windows (C, D, H, W) of each image; a name that the network doesn't know
            counts as ``unknown``.
        prompts: (P, D, H, W).
        structure: compact id of what is asked for, 0 for unknown.
        thickness: log2 of the slice spacing over the grid spacing; 0 for single slices.
    """

    images: Sequence[tuple[str, NDArray[np.float32]]]
    prompts: NDArray[np.float32]
    structure: int
    thickness: float

    @property
    def depth(self) -> int:
        """Slices of the region."""
        return int(self.prompts.shape[1])


def put_together(asked: Sequence[Asked]) -> Question:
    """Lays the slices of all regions one behind the other; all have the same grid."""
    images, names, owners, before, after = [], [], [], [], []
    start = 0
    for region in asked:
        index = np.arange(start, start + region.depth)
        before.append(np.maximum(index - 1, start))
        after.append(np.minimum(index + 1, start + region.depth - 1))
        for name, image in region.images:
            images.append(np.moveaxis(image, 0, 1))  # (D, C, H, W)
            names.append(np.full(region.depth, SEQUENCES.index(name) if name in SEQUENCES else 0))
            owners.append(index)
        start += region.depth
    depths = [region.depth for region in asked]
    return Question(
        images=tensor(np.concatenate(images)),
        sequences=torch.from_numpy(np.concatenate(names)),
        slice_of_image=torch.from_numpy(np.concatenate(owners)),
        prompts=tensor(np.concatenate([np.moveaxis(region.prompts, 0, 1) for region in asked])),
        structures=torch.from_numpy(np.repeat([region.structure for region in asked], depths)),
        thickness=tensor(np.repeat([region.thickness for region in asked], depths)),
        before=torch.from_numpy(np.concatenate(before)),
        after=torch.from_numpy(np.concatenate(after)),
    )


def tensor(array: NDArray[Any]) -> Tensor:
    """An array as a float32 tensor."""
    return torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32))
