"""What every segmenter takes and gives."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unicare.core.case import Case
from unicare.core.prompt import CasePrompts
from unicare.core.structure import structure_table
from unicare.core.volume import Volume
from unicare.data.nifti import save_labels

__all__ = ["Segmentation", "Segmenter"]


@dataclass(frozen=True, eq=False)
class Segmentation:
    """A label map on the grid of a case's reference sequence.

    Attributes:
        grid: the reference volume.
        labels: (P, L, S), the prompted label values; 0 is background.
    """

    grid: Volume
    labels: NDArray[np.integer[Any]]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Writes the label map with the image file's own shape, affine and axis order.

        Raises:
            OutputError: the place can't be written to.
        """
        save_labels(path, self.grid, self.labels)

    def volumes_ml(self) -> dict[str, float]:
        """Volume of every label, by the structure's name, or by the label where it has none.

        Labels that stand for the same structure (200 and 205) are added up.
        """
        table = structure_table()
        volumes: dict[str, float] = {}
        for label in np.unique(self.labels[self.labels > 0]).tolist():
            structure = table.by_label(label)
            name = structure.name if structure is not None else str(label)
            millilitres = float(np.count_nonzero(self.labels == label)) * self.grid.voxel_ml
            volumes[name] = volumes.get(name, 0.0) + millilitres
        return volumes


class Segmenter(Protocol):
    """Anything that answers prompts with a label map."""

    def segment(
        self, case: Case, prompts: CasePrompts, masks: Mapping[int, NDArray[np.float32]] | None = None
    ) -> Segmentation:
        """Segments every prompted label of a case.

        Args:
            case: images.
            prompts: fitted to the case's reference volume (``prompts.axes.fit_to_volume``).
            masks: label to an earlier answer or drawn mask (P, L, S) with values 0 to 1, a prompt as well.
        """
        ...
