"""Layers of an image: read to the end, counted, hashed; what was read can be kept."""

from __future__ import annotations

import gzip
import hashlib
import io
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, cast

from unicare.core.errors import SubmissionError
from unicare.web.sandbox.archive_files import ARCHIVE, Section
from unicare.web.sandbox.tar_walk import walk_tar

__all__ = ["Layer", "check_layer"]

_CHUNK_BYTES = 2**20
_ZSTD = b"\x28\xb5\x2f\xfd"
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True)
class Layer:
    """One layer: where its bytes lie, and the SHA-256 that its unpacked bytes should have."""

    section: Section
    digest: str

    def open(self) -> BinaryIO:
        """Its tar stream, unpacked as it is read.

        Raises:
            SubmissionError: it is compressed in a way that isn't read.
        """
        start = self.section.file
        start.seek(self.section.start)
        magic = start.read(4)
        plain = io.BufferedReader(
            Section(self.section.file, self.section.start, self.section.size), _CHUNK_BYTES
        )
        if magic == _ZSTD:
            raise SubmissionError(
                f"{ARCHIVE}: a layer is compressed with zstd",
                expected="gzip, or no compression",
                mend="save it with: podman save --format docker-archive, or docker save",
            )
        return cast(BinaryIO, gzip.GzipFile(fileobj=plain)) if magic[:2] == _GZIP else cast(BinaryIO, plain)


def check_layer(
    layer: Layer, most_bytes: int, most_entries: int, keep: Callable[[bytes], object] | None
) -> tuple[int, int]:
    """Reads a layer to its end: its entries, its size, its SHA-256.

    Args:
        layer: what to read.
        most_bytes: unpacked, at most.
        most_entries: at most.
        keep: called with the unpacked bytes, piece by piece; or None.

    Returns:
        Bytes and entries.

    Raises:
        SubmissionError: it is damaged, too large, or its entries lead out of it.
    """
    reader = _Reader(layer.open(), most_bytes, keep)
    entries = 0
    try:
        for entry in walk_tar(f"{ARCHIVE}: a layer", reader.read, reader.skip, most_entries):
            entries += 1
            if entry.leaves:
                raise SubmissionError(
                    f"{ARCHIVE}: a layer's entry leads out of it", found=ascii(entry.name[:200])
                )
        reader.finish()
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SubmissionError(
            f"{ARCHIVE}: a layer's gzip stream is damaged", mend="upload it again"
        ) from None
    if reader.digest() != layer.digest:
        raise SubmissionError(
            f"{ARCHIVE}: a layer is damaged",
            found="another SHA-256 than is written down",
            mend="upload it again",
        )
    return reader.total, entries


class _Reader:
    """Reads a stream, counts and hashes what it gives, and stops it where it gets too long."""

    def __init__(self, stream: BinaryIO, most_bytes: int, keep: Callable[[bytes], object] | None) -> None:
        self.total = 0
        self._stream = stream
        self._most_bytes = most_bytes
        self._keep = keep
        self._hash = hashlib.sha256()

    def read(self, count: int) -> bytes:
        chunk = self._stream.read(count)
        self.total += len(chunk)
        if self.total > self._most_bytes:
            raise SubmissionError(
                f"{ARCHIVE}: the image is too large",
                found=f"more than {self._most_bytes / 1e9:.3g} GB left for this layer",
                expected="less, unpacked",
                mend="leave out what isn't needed to predict: data sets, package caches, further weights",
            )
        self._hash.update(chunk)
        if self._keep is not None:
            self._keep(chunk)
        return chunk

    def skip(self, count: int) -> None:
        while count > 0:
            got = len(self.read(min(count, _CHUNK_BYTES)))
            if not got:
                raise SubmissionError(f"{ARCHIVE}: a layer is cut off", mend="upload it again")
            count -= got

    def finish(self) -> None:
        while self.read(_CHUNK_BYTES):
            pass

    def digest(self) -> str:
        return f"sha256:{self._hash.hexdigest()}"
