"""A team's image archive: checked, loaded under a name of our own, removed when it is done with."""

from __future__ import annotations

import gzip
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from unicare.core.errors import ContainerError, SubmissionError
from unicare.web.interrupt import Interrupted, check_wanted, never
from unicare.web.sandbox.archive_files import ARCHIVE
from unicare.web.sandbox.archive_writer import IMAGE_PREFIX, ArchiveWriter
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.images import ImageLimits, read_source
from unicare.web.sandbox.layers import check_layer
from unicare.web.sandbox.places import RESERVE_BYTES, run_folder

__all__ = ["ImageFacts", "check_archive", "loaded_image"]

_CHUNK_BYTES = 2**20
_LOOK_BYTES = 64 * 1024**2


@dataclass(frozen=True)
class ImageFacts:
    """What an archive holds.

    Attributes:
        layers: how many.
        unpacked_bytes: of all layers.
        entries: files, folders and links of all layers.
    """

    layers: int
    unpacked_bytes: int
    entries: int


def check_archive(archive: Path, *, scratch: Path, limits: ImageLimits | None = None) -> ImageFacts:
    """Reads an archive from end to end, without loading it.

    Args:
        archive: of ``podman save`` or ``docker save``; the whole may be compressed with gzip.
        scratch: a folder on this host for unpacking it.
        limits: what it may be.

    Raises:
        SubmissionError: it can't be used; says why, and what to do.
        ContainerError: the host has no room for it.
    """
    with run_folder(scratch) as folder:
        return _take_apart(archive, folder, limits or ImageLimits(), None, "", never)


@contextmanager
def loaded_image(
    engine: ContainerEngine,
    archive: Path,
    *,
    scratch: Path,
    limits: ImageLimits | None = None,
    interrupted: Interrupted = never,
) -> Iterator[str]:
    """Checks an archive and loads its image; gives the name to run it by, and removes it afterwards.

    Args:
        engine: as ``find_engine`` gives it.
        archive: as for ``check_archive``.
        scratch: a folder on this host for unpacking it.
        limits: what it may be.
        interrupted: asked from time to time until it is loaded.

    Raises:
        InterruptedWorkError: it said yes; nothing is left of the image.
        SubmissionError: the archive can't be used; says why, and what to do.
        ContainerError: the engine fails, or the host has no room.
    """
    image = ""
    try:
        with run_folder(scratch) as folder:
            image = f"{IMAGE_PREFIX}{folder.name}:run"
            anew = folder / "anew.tar"
            with ArchiveWriter(anew) as writer:
                facts = _take_apart(archive, folder, limits or ImageLimits(), writer, image, interrupted)
            if engine.free_bytes() < facts.unpacked_bytes + RESERVE_BYTES:
                raise _no_room(facts.unpacked_bytes)
            engine.load(anew, image, interrupted)
        yield image
    finally:
        if image:
            engine.remove_image(image)


def _take_apart(
    archive: Path,
    folder: Path,
    limits: ImageLimits,
    writer: ArchiveWriter | None,
    image: str,
    interrupted: Interrupted,
) -> ImageFacts:
    """Reads an archive to its end; writes what it holds anew, if there is a writer."""

    def keep(chunk: bytes) -> None:
        check_wanted(interrupted)
        if writer is not None:
            writer.write(chunk)

    with _uncompressed(archive, folder, limits, interrupted) as file:
        source = read_source(file, limits, lambda: check_wanted(interrupted))
        total, entries = 0, 0
        for layer in source.layers:
            if writer is not None:
                writer.begin_layer()
            size, count = check_layer(layer, limits.unpacked_bytes - total, limits.entries - entries, keep)
            total, entries = total + size, entries + count
            if writer is not None:
                writer.end_layer()
        if writer is not None:
            writer.finish(image, source.configuration)
    return ImageFacts(len(source.layers), total, entries)


@contextmanager
def _uncompressed(
    archive: Path, folder: Path, limits: ImageLimits, interrupted: Interrupted
) -> Iterator[BinaryIO]:
    """The archive as a tar file that can be read here and there."""
    try:
        size = archive.stat().st_size
        file = archive.open("rb")
    except OSError as error:
        raise ContainerError("an uploaded archive can't be read", found=error.strerror) from None
    with file:
        if size > limits.archive_bytes:
            raise _too_large(limits)
        if file.read(2) != b"\x1f\x8b":
            yield file
            return
        file.seek(0)
        with (folder / "archive.tar").open("w+b") as plain:
            _unzip(file, plain, folder, limits, interrupted)
            yield plain


def _unzip(
    file: BinaryIO, plain: BinaryIO, folder: Path, limits: ImageLimits, interrupted: Interrupted
) -> None:
    looked = total = 0
    try:
        with gzip.GzipFile(fileobj=file) as stream:
            while chunk := stream.read(_CHUNK_BYTES):
                check_wanted(interrupted)
                plain.write(chunk)
                total += len(chunk)
                if total > limits.unpacked_bytes:
                    raise _too_large(limits)
                if total - looked > _LOOK_BYTES:
                    looked = total
                    if shutil.disk_usage(folder).free < RESERVE_BYTES:
                        raise _no_room(total)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise SubmissionError(f"{ARCHIVE}: its gzip stream is damaged", mend="upload it again") from None


def _too_large(limits: ImageLimits) -> SubmissionError:
    return SubmissionError(
        f"{ARCHIVE}: too large",
        expected=f"at most {limits.archive_bytes / 1e9:.3g} GB, "
        f"{limits.unpacked_bytes / 1e9:.3g} GB unpacked",
        mend="leave out what isn't needed to predict: data sets, package caches, further weights",
    )


def _no_room(size: int) -> ContainerError:
    return ContainerError(
        "no room for an image",
        expected=f"{(size + RESERVE_BYTES) / 1e9:.1f} GB free",
        mend="free some room where images and the scratch folder lie",
    )
