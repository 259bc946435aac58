"""Whether a prediction lies on its truth's grid, and how to put it there."""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unicare.core.errors import GeometryError, ImageError
from unicare.core.volume import Volume
from unicare.data.nifti_header import layout_of, parse_header

__all__ = ["GridDifference", "check_same_grid", "compare_grids", "load_grid", "resample_labels"]

_TOLERANCE_VOXELS = 0.05


@dataclass(frozen=True)
class GridDifference:
    """How two grids differ.

    Attributes:
        kind: ``shape`` or ``affine``.
        found: of the prediction.
        expected: of the truth.
    """

    kind: str
    found: str
    expected: str


def compare_grids(truth: Volume, prediction: Volume) -> GridDifference | None:
    """How the grid of a prediction differs from that of its truth; None if it doesn't.

    Another axis order in the file is no difference. Affines may be off by a twentieth of a voxel.
    """
    # whoever wrote the file knows its own axes; PLS comes in where the two files' axes can't be compared
    alike = np.array_equal(truth.file.to_pls(), prediction.file.to_pls())
    if prediction.shape != truth.shape:
        return GridDifference("shape", _shape(prediction, alike), _shape(truth, alike))
    off_mm = _farthest_corner_mm(truth, prediction)
    if off_mm > _TOLERANCE_VOXELS * min(truth.spacing_mm):
        return GridDifference(
            "affine",
            f"{_affine(prediction, alike)}, a corner of the image {off_mm:.3g} mm off",
            _affine(truth, alike),
        )
    return None


def check_same_grid(truth_path: Path, truth: Volume, prediction_path: Path, prediction: Volume) -> None:
    """Refuses a prediction on another grid than its truth's; another axis order in the file is fine.

    Raises:
        GeometryError: names both files and what differs.
    """
    different = compare_grids(truth, prediction)
    if different is not None:
        raise GeometryError(
            f"{prediction_path}: not on the grid of its truth {truth_path}",
            found=different.found,
            expected=different.expected,
            mend="write predictions on the grid of their image, or put them there with --resample",
        )


def resample_labels(prediction: Volume, truth: Volume) -> NDArray[Any]:
    """The labels of a prediction on the grid of its truth: those of the nearest voxel, 0 outside.

    Args:
        prediction: labels (P, L, S) on their own grid.
        truth: its grid is taken.

    Returns:
        Labels (P, L, S) of the truth's shape and the prediction's type.
    """
    to_prediction = np.linalg.solve(prediction.affine, truth.affine)
    # whole voxels apart (most of all flips and crops), this rounding keeps .5 from falling either way
    to_prediction = np.round(to_prediction, 9)
    labels: NDArray[Any] = ndimage.affine_transform(
        prediction.data,
        to_prediction[:3, :3],
        offset=to_prediction[:3, 3],
        output_shape=truth.shape,
        order=0,
        mode="grid-constant",
        cval=0,
        prefilter=False,
    )
    return labels


def load_grid(path: Path) -> Volume:
    """The grid of an image or label map, from its header alone.

    Returns:
        A volume that is 0 everywhere and takes no memory.

    Raises:
        ImageError: the file is missing, damaged, or no 3D volume.
        GeometryError: the header doesn't say how the volume lies in the patient.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if zipped:
                with gzip.GzipFile(fileobj=file) as stream:
                    layout = layout_of(path, parse_header(path, stream))  # type: ignore[arg-type]
            else:
                layout = layout_of(path, parse_header(path, file))
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ImageError(
            f"{path}: the gzip stream is cut off or damaged", found=error, expected="a complete .nii.gz"
        ) from None
    except OSError as error:
        raise ImageError(f"{path}: can't be read", found=error.strerror or str(error)) from None
    return Volume.from_file_axes(np.broadcast_to(np.uint8(0), layout.shape), layout.affine)


def _farthest_corner_mm(a: Volume, b: Volume) -> float:
    corners = np.array(np.meshgrid(*[(0, n - 1) for n in a.shape], [1], indexing="ij")).reshape(4, -1)
    apart = (a.affine - b.affine)[:3] @ corners
    return float(np.linalg.norm(apart, axis=0).max())


def _shape(volume: Volume, alike: bool) -> str:
    own = f"{volume.file.shape} voxels"
    return own if alike else f"{own}, which is {volume.shape} along P, L, S"


def _affine(volume: Volume, alike: bool) -> str:
    affine = volume.file.affine if alike else volume.affine
    return f"affine {np.round(affine[:3], 3).tolist()}" + ("" if alike else " of axes turned to P, L, S")
