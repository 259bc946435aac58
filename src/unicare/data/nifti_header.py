"""What a NIfTI header says, checked before anybody believes it."""

from __future__ import annotations

import logging
import struct
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from nibabel.nifti1 import Nifti1Header, data_type_codes
from nibabel.nifti2 import Nifti2Header
from nibabel.spatialimages import HeaderDataError
from numpy.typing import NDArray

from unicare.core.errors import GeometryError, ImageError
from unicare.core.volume import check_affine, spacing_from_affine

__all__ = ["VoxelLayout", "check_transforms", "layout_of", "parse_header"]

_MM_PER_UNIT = {1: 1000.0, 2: 1.0, 3: 0.001}  # metre, millimetre, micron
_MAX_SPACING_MM = 1000.0
_DISAGREEMENT = 0.1  # of a voxel
_STORED_TYPES: dict[int, np.dtype[Any]] = {
    code: np.dtype(kind)
    for code, kind in {
        2: np.uint8,
        4: np.int16,
        8: np.int32,
        16: np.float32,
        64: np.float64,
        256: np.int8,
        512: np.uint16,
        768: np.uint32,
        1024: np.int64,
        1280: np.uint64,
    }.items()
}
_OTHER_KINDS = {
    b"PK\3\4": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x93NUM": "a NumPy array",
    b"\x89HDF": "an HDF5 file",
    b"NRRD": "an NRRD file",
}
"""First bytes of what is taken for a NIfTI file now and then."""
_log = logging.getLogger("unicare")


@dataclass(frozen=True, eq=False)
class VoxelLayout:
    """Where and how a file's voxels are stored.

    Attributes:
        header: as it stands in the file.
        shape: voxels along the file's three axes.
        dtype: of the stored values, with the file's byte order.
        scaling: slope and intercept, or None when values are to be taken as they are.
        offset: of the first voxel, in bytes.
        affine: (4, 4), file voxel index to RAS+ mm.
    """

    header: Nifti1Header
    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    scaling: tuple[float, float] | None
    offset: int
    affine: NDArray[np.float64]


def parse_header(path: Path, stream: BinaryIO) -> Nifti1Header:
    """Reads the header of a NIfTI-1 or NIfTI-2 file of either byte order.

    Raises:
        ImageError: it is no NIfTI file, or one whose voxels lie in another file.
    """
    start = stream.read(4)
    kinds: tuple[Any, ...] = (Nifti1Header, Nifti2Header)
    for kind in kinds:
        for order in "<>":
            if start != struct.pack(f"{order}i", kind.sizeof_hdr):
                continue
            block = start + stream.read(kind.sizeof_hdr - 4)
            if len(block) < kind.sizeof_hdr:
                raise ImageError(
                    f"{path}: the file is cut off within its header",
                    found=f"{len(block)} bytes",
                    expected=f"{kind.sizeof_hdr} bytes",
                    mend="copy or download the file again",
                )
            header: Nifti1Header = kind(block, endianness=order, check=False)
            _check_magic(path, header)
            return header
    raise ImageError(
        f"{path}: not a NIfTI file",
        found=_kind_of(start),
        expected="NIfTI-1 or NIfTI-2",
        mend="convert it, for example with dcm2niix or ITK-SNAP",
    )


def _check_magic(path: Path, header: Nifti1Header) -> None:
    magic = header["magic"].item()
    if magic == header.single_magic.rstrip(b"\0"):
        return
    if magic == header.pair_magic.rstrip(b"\0"):
        raise ImageError(
            f"{path}: the voxels lie in another file",
            found="a header of a .hdr/.img pair",
            expected="a single .nii or .nii.gz",
            mend="convert it, for example with nibabel.load and nibabel.save",
        )
    raise ImageError(
        f"{path}: not a NIfTI file, or a damaged one",
        found="another mark in its header" if magic else "no mark in its header",
        expected=header.single_magic.rstrip(b"\0").decode(),
    )


def _kind_of(start: bytes) -> str:
    """What a file seems to be, by its first bytes."""
    if not start:
        return "nothing in it"
    kind = next((kind for mark, kind in _OTHER_KINDS.items() if start.startswith(mark)), None)
    if kind is not None:
        return kind
    return "a text" if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in start) else "other bytes"


def layout_of(path: Path, header: Nifti1Header) -> VoxelLayout:
    """What the header says about voxels and geometry.

    Raises:
        ImageError: it describes no scalar 3D volume.
        GeometryError: it doesn't say how the volume lies in the patient, or says so impossibly.
    """
    return VoxelLayout(
        header=header,
        shape=_shape(path, header),
        dtype=_dtype(path, header),
        scaling=_scaling(path, header),
        offset=_offset(path, header),
        affine=_affine(path, header),
    )


def _shape(path: Path, header: Nifti1Header) -> tuple[int, int, int]:
    dim = [int(length) for length in header["dim"]]
    if not 1 <= dim[0] <= 7 or min(dim[1 : dim[0] + 1]) < 1:
        raise ImageError(
            f"{path}: the header's dimensions are impossible",
            found=f"dim = {dim}",
            expected="three positive lengths",
        )
    shape = dim[1 : dim[0] + 1]
    if len(shape) < 3 or max(shape[3:], default=1) > 1:
        raise ImageError(
            f"{path}: not a 3D volume",
            found=f"{len(shape)} axes {tuple(shape)}",
            expected="3 axes",
            mend="add a third axis of length 1 to a single slice"
            if len(shape) < 3
            else "write each time point or component to a file of its own",
        )
    return (shape[0], shape[1], shape[2])


def _dtype(path: Path, header: Nifti1Header) -> np.dtype[Any]:
    code = int(header["datatype"])
    dtype = _STORED_TYPES.get(code)
    if dtype is None:
        name = data_type_codes.niistring.get(code, "unknown")
        raise ImageError(
            f"{path}: the voxels aren't plain numbers",
            found=f"datatype {code} ({name})",
            expected="an integer type, float32 or float64",
            mend="save one number per voxel (grey values, or the magnitude)",
        )
    return dtype.newbyteorder(header.endianness)


def _scaling(path: Path, header: Nifti1Header) -> tuple[float, float] | None:
    slope, intercept = float(header["scl_slope"]), float(header["scl_inter"])
    if slope == 0 or not np.isfinite(slope):  # the standard's way of saying: no scaling
        return None
    if not np.isfinite(intercept):
        raise ImageError(
            f"{path}: the header's intensity scaling is impossible",
            found=f"scl_slope {slope:g}, scl_inter {intercept:g}",
            expected="two finite numbers",
        )
    return None if (slope, intercept) == (1.0, 0.0) else (slope, intercept)


def _offset(path: Path, header: Nifti1Header) -> int:
    offset = float(header["vox_offset"])
    if not header.sizeof_hdr + 4 <= offset < 2**40:
        raise ImageError(
            f"{path}: the header puts the voxels at an impossible place",
            found=f"vox_offset {offset:g}",
            expected=f"at least {header.sizeof_hdr + 4}",
        )
    return int(offset)


def _affine(path: Path, header: Nifti1Header) -> NDArray[np.float64]:
    """The sform when its code is positive, else the qform; in mm.

    Some converters (of ACDC and EMIDEC copies, for instance) write axes of exactly 1 into the sform and the
    voxel sizes into pixdim only; ITK reads those sizes from pixdim, and so do we.
    """
    if int(header["sform_code"]) > 0:
        affine = _sform(header)
        if _sizes_only_in_pixdim(header, affine):
            sizes = np.array(header["pixdim"][1:4], dtype=np.float64)
            affine[:3, :3] *= sizes
            _log.info("%s: the sform has axes of length 1; voxel sizes %s are pixdim's", path, sizes.tolist())
    elif int(header["qform_code"]) > 0:
        affine = _qform(path, header)
    else:
        raise GeometryError(
            f"{path}: the file doesn't say how it lies in the patient",
            found="sform_code 0 and qform_code 0",
            expected="one of them positive",
            mend="convert it again from DICOM, or set the affine with nibabel's set_sform(affine, code=1)",
        )
    affine[:3] *= _MM_PER_UNIT.get(int(header["xyzt_units"]) & 7, 1.0)
    try:
        check_affine(affine)
    except GeometryError as error:
        raise GeometryError(
            f"{path}: {error.what}",
            found=error.found,
            expected=error.expected,
            mend="set a right affine with nibabel's set_sform(affine, code=1)",
        ) from None
    spacing = spacing_from_affine(affine)
    if max(spacing) > _MAX_SPACING_MM:
        raise GeometryError(
            f"{path}: the voxel spacing is impossible",
            found=f"{spacing} mm",
            expected=f"at most {_MAX_SPACING_MM:g} mm",
        )
    return affine


def _sizes_only_in_pixdim(header: Nifti1Header, affine: NDArray[np.float64]) -> bool:
    """Whether the sform is a mere turn (all axes exactly 1 long) and pixdim says otherwise."""
    pixdim = np.array(header["pixdim"][1:4], dtype=np.float64)
    usable = bool(np.isfinite(pixdim).all() and (pixdim > 0).all())
    unit = np.allclose(spacing_from_affine(affine), 1.0, rtol=0, atol=1e-9)
    return usable and unit and not np.allclose(pixdim, 1.0, rtol=0.01, atol=0)


def _sform(header: Nifti1Header) -> NDArray[np.float64]:
    affine = np.eye(4)
    for row, field in enumerate(("srow_x", "srow_y", "srow_z")):
        affine[row] = header[field]
    return affine


def _qform(path: Path, header: Nifti1Header) -> NDArray[np.float64]:
    fixed = header.copy()
    if fixed["pixdim"][0] not in (-1, 1):  # the standard: 0 means 1
        fixed["pixdim"][0] = 1
    try:
        return np.array(fixed.get_qform(), dtype=np.float64)
    except (HeaderDataError, ValueError) as error:
        raise GeometryError(
            f"{path}: the qform is impossible",
            found=f"{error} (pixdim {np.round(header['pixdim'][1:4], 4).tolist()})",
            expected="a unit quaternion and three positive spacings",
            mend="set a right affine with nibabel's set_sform(affine, code=1)",
        ) from None


def check_transforms(path: Path, layout: VoxelLayout) -> None:
    """Warns when pixdim or qform say something else than the affine that is used."""
    header = layout.header
    if int(header["sform_code"]) <= 0:
        return
    spacing = np.array(spacing_from_affine(_sform(header)))
    pixdim = np.array(header["pixdim"][1:4], dtype=np.float64)
    if not np.allclose(pixdim, spacing, rtol=0.01, atol=0) and not _sizes_only_in_pixdim(
        header, _sform(header)
    ):
        _log.warning(
            "%s: pixdim says %s mm, the sform %s mm; the sform is used",
            path,
            np.round(pixdim, 4).tolist(),
            np.round(spacing, 4).tolist(),
        )
    if int(header["qform_code"]) <= 0:
        return
    try:
        difference = _qform(path, header) - _sform(header)
    except GeometryError as error:
        _log.warning("%s; the sform is used", error)
        return
    corners = np.array(list(product(*((0, length - 1) for length in layout.shape))), dtype=np.float64)
    apart_mm = np.linalg.norm(corners @ difference[:3, :3].T + difference[:3, 3], axis=1).max()
    if apart_mm > _DISAGREEMENT * spacing.min():
        _log.warning("%s: sform and qform lie up to %.3g mm apart; the sform is used", path, apart_mm)
