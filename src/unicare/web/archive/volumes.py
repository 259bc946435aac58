"""Whether a NIfTI file holds what its header says, and no more, before anybody loads it."""

from __future__ import annotations

import gzip
import zlib
from math import prod
from pathlib import Path
from typing import BinaryIO, cast

from unicare.core.errors import ImageError
from unicare.data.nifti_header import layout_of, parse_header

__all__ = ["check_volume"]

_BLOCK_BYTES = 2**20
_SLACK_BYTES = 4096  # what some writers pad a file with
_DEFLATE_MAX_RATIO = 1032  # zlib's documentation: no stream of deflate expands by more


def check_volume(path: Path, name: str, most_bytes: int) -> None:
    """Refuses what isn't a scalar 3D NIfTI file of a bearable size, in constant memory.

    A compressed file is unpacked to its end, but nothing is kept, and no more is unpacked than its header
    tells of.

    Args:
        path: the file.
        name: how it is called in messages.
        most_bytes: what header and voxels may take once they are unpacked.

    Raises:
        ImageError: damaged, cut off, too big, longer than its header says, or no scalar 3D volume.
        GeometryError: the header doesn't say how the volume lies in the patient.
    """
    size = path.stat().st_size
    if size == 0:
        raise ImageError(f"{name}: the file is empty", found="0 bytes", expected="a NIfTI file")
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        if not zipped:
            claimed = _claimed_bytes(file, name, size, most_bytes)
            _check_length(name, size, claimed)
            return
        try:
            with gzip.GzipFile(fileobj=file) as stream:
                unpacked = cast(BinaryIO, stream)
                claimed = _claimed_bytes(unpacked, name, size * _DEFLATE_MAX_RATIO, most_bytes)
                _check_length(name, _length(unpacked, claimed + _SLACK_BYTES), claimed)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise ImageError(
                f"{name}: the gzip stream is cut off or damaged",
                found=str(error).rstrip("."),
                expected="a complete .nii.gz",
                mend="write the file again",
            ) from None


def _claimed_bytes(stream: BinaryIO, name: str, room_bytes: int, most_bytes: int) -> int:
    """How long the file is by its header."""
    layout = layout_of(Path(name), parse_header(Path(name), stream))
    claimed = layout.offset + prod(layout.shape) * layout.dtype.itemsize
    if claimed > most_bytes:
        raise ImageError(
            f"{name}: the header claims a volume that is too big",
            found=f"{layout.shape} voxels of {layout.dtype.name}, {claimed / 1e9:.4g} GB",
            expected=f"at most {most_bytes / 1e9:.4g} GB",
            mend="write the prediction on the grid of its image, in a small integer type",
        )
    if claimed > room_bytes:
        _check_length(name, room_bytes, claimed)
    return claimed


def _length(stream: BinaryIO, most: int) -> int:
    """How much of a stream there is, counted to a bit beyond ``most``."""
    length = stream.tell()
    while length <= most:
        try:
            block = stream.read(_BLOCK_BYTES)
        except gzip.BadGzipFile as error:
            if "Not a gzipped file" in str(error):  # bytes behind the end of the stream, as every reader here
                break
            raise
        if not block:
            break
        length += len(block)
    return length


def _check_length(name: str, length: int, claimed: int) -> None:
    if length < claimed:
        raise ImageError(
            f"{name}: the file is cut off",
            found=f"at most {length} bytes",
            expected=f"{claimed} bytes, as its header says",
            mend="write the file again",
        )
    if length > claimed + _SLACK_BYTES:
        raise ImageError(
            f"{name}: the file goes on behind its voxels",
            found=f"at least {length} bytes",
            expected=f"{claimed} bytes, as its header says",
            mend="write the file again",
        )
