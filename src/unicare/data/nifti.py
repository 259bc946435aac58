"""NIfTI files in and out: any axis order in, PLS axes inside, exactly the file's own geometry out.

Every file that can't be used ends in one ``UnicareError`` that names it.
"""

from __future__ import annotations

import logging
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.nifti1 import Nifti1Header
from nibabel.nifti2 import Nifti2Header
from numpy.typing import ArrayLike, NDArray

from unicare.core.errors import GeometryError, ImageError, OutputError
from unicare.core.volume import Volume
from unicare.data.nifti_bytes import read_values, written_beside
from unicare.data.nifti_header import VoxelLayout, check_transforms

__all__ = ["MAX_BYTES", "NIFTI_SUFFIXES", "load_labels", "load_volume", "save_labels", "save_volume", "stem"]

NIFTI_SUFFIXES = (".nii.gz", ".nii")
MAX_BYTES = 2**31
"""Voxel data larger than this (uncompressed) is refused unless a caller asks for more."""

_CHUNK = 2**22  # values scaled at once
_WHOLE_TOLERANCE = 1e-3  # a label that went through a float32 slope is off by this much at most
_LABEL_TYPES = (np.uint8, np.uint16, np.int16, np.int32, np.int64)

_log = logging.getLogger("unicare")


def stem(path: str | os.PathLike[str]) -> str | None:
    """The file's name without .nii or .nii.gz (any case), or None when it has neither."""
    name = Path(path).name
    for suffix in NIFTI_SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return None


def load_volume(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Volume:
    """Reads an image.

    scl_slope and scl_inter are applied. Where sform and qform are both set and disagree, the sform wins (as
    in nibabel) and a warning says by how many mm. The spacing is that of the affine, whatever pixdim says.

    Args:
        path: .nii or .nii.gz, NIfTI-1 or NIfTI-2; (X, Y, Z) or (X, Y, Z, 1), of an integer or float type.
        max_bytes: uncompressed voxel data above this is refused before anything is allocated.

    Returns:
        Values as float32 (P, L, S).

    Raises:
        ImageError: the file is missing, damaged, too big, no scalar 3D volume, or holds NaN or infinity.
        GeometryError: the file doesn't say how it lies in the patient, or says so impossibly.
    """
    path = Path(path)
    layout, raw = read_values(path, max_bytes)
    values = _scaled(raw, layout, np.float32)
    _refuse_not_finite(path, values, raw, layout)
    check_transforms(path, layout)
    if values.size > 1 and values.min() == values.max():
        _log.warning("%s: every voxel has the value %g", path, values[0])
    return _volume(path, layout, values)


def load_labels(path: str | os.PathLike[str], *, max_bytes: int = MAX_BYTES) -> Volume:
    """Reads a label map.

    Args:
        path: as for ``load_volume``; a float type is fine as long as its values are whole numbers.
        max_bytes: as for ``load_volume``.

    Returns:
        Labels (P, L, S): the file's own integer type, or for others the smallest that holds every label.

    Raises:
        ImageError: as for ``load_volume``, or there are values that aren't whole numbers.
        GeometryError: as for ``load_volume``.
    """
    path = Path(path)
    layout, raw = read_values(path, max_bytes)
    if raw.dtype.kind in "iu" and layout.scaling is None:
        return _volume(path, layout, raw.astype(raw.dtype.newbyteorder("="), copy=False))
    return _volume(path, layout, _whole_labels(path, layout, raw))


def save_labels(path: str | os.PathLike[str], grid: Volume, labels: ArrayLike) -> None:
    """Writes a label map on a volume's grid, with exactly its file's shape, affine and axis order.

    The file appears whole or not at all: it is written beside its place, then renamed.

    Args:
        path: .nii or .nii.gz; missing folders are made, an existing file is replaced.
        grid: the volume whose file geometry is written.
        labels: whole numbers (P, L, S); stored in the smallest integer type that holds the largest.

    Raises:
        GeometryError: the labels have another shape than the grid.
        ImageError: the labels aren't integers.
        OutputError: the place can't be written to.
    """
    array = np.asarray(labels)
    if array.dtype.kind not in "biu":
        raise ImageError(f"{path}: no label map to write", found=array.dtype, expected="an integer type")
    smallest, largest = (int(array.min()), int(array.max())) if array.size else (0, 0)
    _write(Path(path), grid, array.astype(_label_type(smallest, largest), copy=False))


def save_volume(path: str | os.PathLike[str], volume: Volume) -> None:
    """Writes an image with exactly its file's shape, affine and axis order, written beside and then renamed.

    Args:
        path: .nii or .nii.gz; missing folders are made, an existing file is replaced.
        volume: of any integer or float type; bool becomes uint8, float16 becomes float32.

    Raises:
        OutputError: the place can't be written to.
    """
    data = volume.data
    if data.dtype == np.bool_:
        data = data.astype(np.uint8)
    elif data.dtype == np.float16:
        data = data.astype(np.float32)
    _write(Path(path), volume, data)


def _scaled(raw: NDArray[Any], layout: VoxelLayout, dtype: type[np.floating[Any]]) -> NDArray[Any]:
    """Stored values times slope plus intercept, reckoned in float64 in pieces to spare memory."""
    with np.errstate(over="ignore", invalid="ignore"):  # what overflows is infinite, and told as such
        if layout.scaling is None:
            return raw.astype(dtype)
        slope, intercept = layout.scaling
        values = np.empty(raw.shape, dtype=dtype)
        for start in range(0, raw.size, _CHUNK):
            piece = slice(start, start + _CHUNK)
            values[piece] = raw[piece].astype(np.float64) * slope + intercept
        return values


def _whole_labels(path: Path, layout: VoxelLayout, raw: NDArray[Any]) -> NDArray[Any]:
    """Stored values that aren't plain integers as labels; worked on in pieces to spare memory."""
    pieces = [slice(start, start + _CHUNK) for start in range(0, raw.size, _CHUNK)]
    smallest, largest = np.inf, -np.inf
    for piece in pieces:
        values = _scaled(raw[piece], layout, np.float64)
        whole = np.rint(values)
        with np.errstate(invalid="ignore"):
            fine = bool((np.abs(values - whole) <= _WHOLE_TOLERANCE).all())  # not so for nan and infinity
        if not fine:
            raise _no_labels(path, layout, raw)
        smallest, largest = min(smallest, whole.min()), max(largest, whole.max())
    if max(abs(smallest), abs(largest)) > 2**53:
        raise ImageError(
            f"{path}: not a label map",
            found=f"values from {smallest:g} to {largest:g}",
            expected="labels of at most 9007199254740992",
        )
    labels = np.empty(raw.size, dtype=_label_type(int(smallest), int(largest)))
    for piece in pieces:
        labels[piece] = np.rint(_scaled(raw[piece], layout, np.float64))
    return labels


def _no_labels(path: Path, layout: VoxelLayout, raw: NDArray[Any]) -> ImageError:
    """What to say of values that are no labels, and where the first of them is."""
    values = _scaled(raw, layout, np.float64)
    _refuse_not_finite(path, values, raw, layout)
    broken = np.abs(values - np.rint(values)) > _WHOLE_TOLERANCE
    return ImageError(
        f"{path}: not a label map",
        found=f"{int(broken.sum())} voxels that aren't whole numbers, the first {values[broken][0]:g} "
        f"at {_index(broken, layout)}",
        expected="an integer label in every voxel",
        mend="resample label maps with nearest neighbour, and give images where images are asked for",
    )


def _refuse_not_finite(path: Path, values: NDArray[Any], raw: NDArray[Any], layout: VoxelLayout) -> None:
    bad = ~np.isfinite(values)
    if not bad.any():
        return
    first = int(np.argmax(bad))
    raise ImageError(
        f"{path}: voxels without a usable value",
        found=f"{int(bad.sum())} of {bad.size} are NaN, infinite or beyond {np.dtype(values.dtype).name}, "
        f"the first {raw[first]} at {_index(bad, layout)}",
        expected="a finite number in every voxel",
        mend="replace them, for example with numpy.nan_to_num",
    )


def _index(mask: NDArray[np.bool_], layout: VoxelLayout) -> tuple[int, ...]:
    """The file's own index of the first true voxel of a flat mask."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(mask)), layout.shape, order="F"))


def _volume(path: Path, layout: VoxelLayout, values: NDArray[Any]) -> Volume:
    try:
        volume = Volume.from_file_axes(values.reshape(layout.shape, order="F"), layout.affine)
    except GeometryError as error:
        raise GeometryError(
            f"{path}: {error.what}", found=error.found, expected=error.expected, mend=error.mend
        ) from None
    contiguous = np.ascontiguousarray(volume.data)
    return replace(volume, data=contiguous, file=replace(volume.file, header=layout.header))


def _label_type(smallest: int, largest: int) -> type[np.integer[Any]]:
    for candidate in _LABEL_TYPES:
        if np.iinfo(candidate).min <= smallest and largest <= np.iinfo(candidate).max:
            return candidate
    return np.uint64


def _header_for(grid: Volume, dtype: np.dtype[Any]) -> Nifti1Header:
    """A header with the geometry of the grid's file, to the bit when that was a NIfTI file."""
    source = grid.file.header
    if isinstance(source, Nifti1Header):
        # the raw fields are kept, so that every reader puts both files in the same place
        header: Nifti1Header = source.as_byteswapped("<")
        header.extensions.clear()
        header["dim"] = 1
        header["descrip"] = b"unicare"
        header["aux_file"] = header["intent_name"] = b""
        header["intent_code"] = header["intent_p1"] = header["intent_p2"] = header["intent_p3"] = 0
        header["cal_min"] = header["cal_max"] = 0
        header["pixdim"][4:] = 1
    else:
        wide = max(grid.file.shape) > np.iinfo(np.int16).max
        kind: Any = Nifti2Header if wide else Nifti1Header
        header = kind(endianness="<")
        header.set_xyzt_units("mm")
    header.set_data_shape(grid.file.shape)
    header.set_data_dtype(dtype)
    if not isinstance(source, Nifti1Header):
        _set_transforms(header, grid.file.affine)
    header["scl_slope"], header["scl_inter"] = 1, 0
    header["vox_offset"] = header.sizeof_hdr + 4
    header["magic"] = header.single_magic
    return header


def _set_transforms(header: Nifti1Header, affine: NDArray[np.float64]) -> None:
    """Sform always; qform too when a rotation can say the same."""
    header.set_qform(affine, code="scanner", strip_shears=True)
    header.set_sform(affine, code="scanner")
    if not np.allclose(header.get_qform(), affine, rtol=1e-4, atol=1e-4):
        header.set_qform(None)


def _write(path: Path, grid: Volume, data: NDArray[Any]) -> None:
    if stem(path) is None:
        raise OutputError(
            f"{path}: not the name of a NIfTI file", expected="a name that ends in .nii or .nii.gz"
        )
    values = grid.to_file_axes(data)
    header = _header_for(grid, values.dtype)
    stored = values.dtype.newbyteorder("<")
    with written_beside(path) as file:
        file.write(header.binaryblock)
        file.write(bytes(4))  # no extensions follow
        for index in range(values.shape[2]):
            file.write(values[:, :, index].astype(stored, copy=False).tobytes(order="F"))
