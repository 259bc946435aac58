"""The bytes of NIfTI files: read no more than is there, write all or nothing."""

from __future__ import annotations

import gzip
import logging
import os
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import ImageError, OutputError
from unicare.data.nifti_header import VoxelLayout, layout_of, parse_header

__all__ = ["read_values", "written_beside"]

_CHUNK_BYTES = 2**22
_DEFLATE_MAX_RATIO = 1032  # zlib's documentation: no stream of deflate expands by more
_GZIP_LEVEL = 3
_log = logging.getLogger("unicare")


def read_values(path: Path, max_bytes: int) -> tuple[VoxelLayout, NDArray[Any]]:
    """Reads the stored values, flat, first file axis fastest, without scaling.

    Raises:
        ImageError: the file is missing, damaged, too big, or no scalar 3D volume.
        GeometryError: the header doesn't say how the volume lies in the patient.
    """
    try:
        if not path.is_file():
            raise ImageError(
                f"{path}: no image file",
                found="a folder" if path.is_dir() else "nothing there",
                expected="a .nii or .nii.gz file",
            )
        size = path.stat().st_size
        if size == 0:
            raise ImageError(f"{path}: the file is empty", found="0 bytes", expected="a NIfTI file")
        with path.open("rb") as file:
            zipped = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            if not zipped:
                return _read_stream(path, file, size, "file", max_bytes)
            with gzip.GzipFile(fileobj=file) as stream:
                room_bytes = size * _DEFLATE_MAX_RATIO
                return _read_stream(path, cast(BinaryIO, stream), room_bytes, "gzip file", max_bytes)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ImageError(
            f"{path}: the gzip stream is cut off or damaged",
            found=str(error).rstrip("."),
            expected="a complete .nii.gz",
            mend="copy or download the file again",
        ) from None
    except OSError as error:
        raise ImageError(f"{path}: can't be read", found=error.strerror or str(error)) from None
    except MemoryError:
        raise ImageError(
            f"{path}: too big for this machine's memory",
            found=f"a file of {size / 1e9:.1f} GB",
            mend="crop or resample the image",
        ) from None
    except ValueError as error:  # a path with a zero byte in it
        raise ImageError(f"{path}: can't be read", found=str(error)) from None


def _read_stream(
    path: Path, stream: BinaryIO, room_bytes: int, kind: str, max_bytes: int
) -> tuple[VoxelLayout, NDArray[Any]]:
    """Reads header and voxels; ``room_bytes`` is the most that the file can hold once it is unpacked."""
    layout = layout_of(path, parse_header(path, stream))
    claimed = prod(layout.shape) * layout.dtype.itemsize
    if claimed > max_bytes:
        raise ImageError(
            f"{path}: the header claims a volume that is too big",
            found=f"{layout.shape} voxels of {layout.dtype.name}, {claimed / 1e9:.1f} GB",
            expected=f"at most {max_bytes / 1e9:.1f} GB",
            mend="crop or resample the image, unless its header is damaged",
        )
    if layout.offset + claimed > room_bytes:
        raise _cut_off(path, layout, f"a {kind} that holds at most {room_bytes} bytes", claimed)
    stream.seek(layout.offset)
    values = np.empty(prod(layout.shape), dtype=layout.dtype)
    view = values.view(np.uint8).data
    filled = 0
    while filled < claimed:
        count = stream.readinto(view[filled : filled + _CHUNK_BYTES])  # type: ignore[attr-defined]
        if not count:
            raise _cut_off(path, layout, f"{filled} bytes of voxels", claimed)
        filled += count
    _check_end(path, stream)
    return layout, values


def _check_end(path: Path, stream: BinaryIO) -> None:
    """Reads on to the end of a gzip stream, where its checksum is."""
    try:
        stream.read(_CHUNK_BYTES)
    except gzip.BadGzipFile as error:
        if "Not a gzipped file" not in str(error):
            raise
        _log.warning("%s: bytes after the end of the gzip stream are ignored", path)


def _cut_off(path: Path, layout: VoxelLayout, found: str, claimed: int) -> ImageError:
    return ImageError(
        f"{path}: the file is cut off",
        found=found,
        expected=f"{claimed} bytes for {layout.shape} voxels of {layout.dtype.name}",
        mend="copy or download the file again",
    )


@contextmanager
def written_beside(path: Path) -> Iterator[BinaryIO]:
    """A file to write to that takes its place only when it is complete; compressed when the name ends in .gz.

    Raises:
        OutputError: the place can't be written to.
    """
    beside = path.with_name(f".unicare-{os.getpid()}-{threading.get_ident()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("wb") as file:
            if path.name.lower().endswith(".gz"):
                # without name and time the same labels give the same bytes
                with gzip.GzipFile("", "wb", _GZIP_LEVEL, file, mtime=0) as zipped:
                    yield cast(BinaryIO, zipped)
            else:
                yield file
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(
            f"{path}: can't be written",
            found=error.strerror or str(error),
            mend="choose a folder on a disk with room that you may write to",
        ) from None
    finally:
        with suppress(OSError):  # the folder may be the very thing that is missing
            beside.unlink(missing_ok=True)
