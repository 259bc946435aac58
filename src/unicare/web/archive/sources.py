"""What a team handed in, as a list of entries: those of a zip archive, or the files of a folder."""

from __future__ import annotations

import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from unicare.core.errors import SubmissionError
from unicare.web.archive.findings import UploadKind
from unicare.web.archive.zip_directory import check_spans, find_directory

__all__ = ["READ_ERRORS", "Entry", "Source", "open_source"]

Source = Path | Mapping[str, Path]
"""A zip archive, a folder, or files that came one by one: names, not to be trusted, and places."""

READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    RuntimeError,  # zipfile's word for an encrypted entry
    ValueError,
    OverflowError,
)
"""What reading a damaged archive may raise."""

_DEEPEST = 3
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
_METHOD_NAMES = {9: "deflate64", 12: "bzip2", 14: "lzma", 93: "zstd", 95: "xz", 98: "ppmd", 99: "a password"}
_ENCRYPTED_FLAGS = 0x1 | 0x40 | 0x2000
_SPECIAL = {
    stat.S_IFLNK: (UploadKind.LINK, "a link; hand in the file that it points to"),
    stat.S_IFBLK: (UploadKind.LINK, "a device, not a file"),
    stat.S_IFCHR: (UploadKind.LINK, "a device, not a file"),
    stat.S_IFIFO: (UploadKind.LINK, "a pipe, not a file"),
    stat.S_IFSOCK: (UploadKind.LINK, "a socket, not a file"),
}


@dataclass(frozen=True)
class Entry:
    """One file of a source.

    Attributes:
        raw: its path as the source says it; not to be trusted.
        size: what it says to hold once it is read, in bytes.
        packed: what it takes in the archive, in bytes; None for a file of a folder.
        open: gives a stream of its bytes; may raise ``READ_ERRORS`` and OSError, also while it is read.
        fault: why it can't be read at all; kind and half a sentence.
    """

    raw: str
    size: int
    packed: int | None
    open: Callable[[], AbstractContextManager[IO[bytes]]]
    fault: tuple[UploadKind, str] | None = None


@contextmanager
def open_source(source: Source, most_entries: int) -> Iterator[list[Entry]]:
    """The entries of a source; those of an archive can be read while it is open.

    Args:
        source: archive, folder, or files.
        most_entries: more are refused.

    Raises:
        SubmissionError: it is neither, is damaged as a whole, or holds too many.
    """
    if not isinstance(source, Path):
        if len(source) > most_entries:
            raise _too_many("there are", most_entries)
        yield [_file_entry(path, raw, path.stat(follow_symlinks=False)) for raw, path in source.items()]
    elif source.is_dir():
        yield list(_folder_entries(source, most_entries))
    else:
        with _open_archive(source, most_entries) as entries:
            yield entries


@contextmanager
def _open_archive(source: Path, most_entries: int) -> Iterator[list[Entry]]:
    with source.open("rb") as file:
        directory = find_directory(file, most_entries)
        try:
            archive = zipfile.ZipFile(file)
        except READ_ERRORS:
            raise SubmissionError(
                "the archive's directory is damaged",
                expected="a whole zip archive",
                mend="make the zip again, and upload that",
            ) from None
        with archive:
            check_spans(file, directory, archive.infolist())
            entries = [_zip_entry(archive, info) for info in archive.infolist()]
            yield [entry for entry in entries if not entry.raw.endswith("/")]  # folders


def _zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Entry:
    # the name as it stands in the archive: zipfile's own ends at the first NUL
    raw = info.orig_filename
    return Entry(raw, info.file_size, info.compress_size, partial(archive.open, info), _zip_fault(info))


def _zip_fault(info: zipfile.ZipInfo) -> tuple[UploadKind, str] | None:
    kind = stat.S_IFMT(info.external_attr >> 16)
    if kind in _SPECIAL:
        return _SPECIAL[kind]
    if info.flag_bits & _ENCRYPTED_FLAGS:
        return UploadKind.ENCRYPTED, "encrypted; make the zip without a password"
    if info.compress_type not in _METHODS:
        name = _METHOD_NAMES.get(info.compress_type, f"method {info.compress_type}")
        return (
            UploadKind.COMPRESSION,
            f"compressed with {name}; only deflate (the usual one) and none are read",
        )
    return None


def _folder_entries(folder: Path, most: int) -> Iterator[Entry]:
    """The files of a folder, links not followed; a folder deeper than submissions have is one entry."""
    count = 0
    waiting: list[tuple[Path, str, int]] = [(folder, "", 0)]
    while waiting:
        place, before, depth = waiting.pop()
        with os.scandir(place) as found:
            for one in found:
                count += 1
                if count > most:
                    raise SubmissionError(
                        "the folder holds too many files",
                        found=f"more than {most}",
                        expected=f"at most {most}",
                    )
                raw = before + one.name
                if one.is_dir(follow_symlinks=False) and depth < _DEEPEST:
                    waiting.append((Path(one.path), f"{raw}/", depth + 1))
                else:
                    yield _file_entry(Path(one.path), raw, one.stat(follow_symlinks=False))


def _too_many(what: str, most: int) -> SubmissionError:
    return SubmissionError(f"{what} too many files", found=f"more than {most}", expected=f"at most {most}")


def _file_entry(path: Path, raw: str, about: os.stat_result) -> Entry:
    fault = _SPECIAL.get(stat.S_IFMT(about.st_mode))
    if stat.S_ISDIR(about.st_mode):
        fault = (UploadKind.FOLDERS, "a folder in folders; put all files into one")
    return Entry(raw, about.st_size, None, partial(_open_plain, path), fault)


def _open_plain(path: Path) -> IO[bytes]:
    """Opens a file that must be a plain one at this very moment, without waiting for a pipe's other end."""
    number = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise ValueError("no plain file")
    return os.fdopen(number, "rb")
