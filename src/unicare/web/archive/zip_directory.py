"""The directory at the end of a zip archive, measured before anything is made of it.

``zipfile`` reads the whole directory into objects as soon as an archive is opened. So its size, the number of
its entries and its place are checked here first, in constant memory, and everything that different programs
read differently (bytes before, between and behind, two ends, several disks) is refused. Format: PKWARE's
APPNOTE.TXT, version 6.3.10.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO
from zipfile import ZipInfo

from unicare.core.errors import SubmissionError

__all__ = ["ZipDirectory", "check_spans", "find_directory"]

_END = struct.Struct("<4s4H2LH")
_END_64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR_64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s24x3H12x")
_LOCAL = struct.Struct("<4s22x2H")
_MOST_COMMENT = 0xFFFF
_ENTRY_BYTES = 1024  # name, extra fields and comment; more than that on the average isn't needed
_MEND = "make the zip again with the zip program of your system, and upload that"
_OTHER_KINDS = (
    (257, b"ustar", "a tar archive"),
    (0, b"\x1f\x8b", "a gzip file (a .tar.gz, or a single .nii.gz)"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (0, b"Rar!", "a rar archive"),
    (0, b"BZh", "a bzip2 file"),
    (0, b"\xfd7zXZ", "an xz file"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd file"),
)


@dataclass(frozen=True)
class ZipDirectory:
    """Where an archive's directory lies.

    Attributes:
        entries: how many files and folders it lists.
        start: of the directory, in bytes.
        size: in bytes.
        end: of the directory, where the records of the archive's end begin.
    """

    entries: int
    start: int
    size: int
    end: int


def find_directory(file: BinaryIO, most_entries: int) -> ZipDirectory:
    """Finds and measures the directory of a zip archive.

    Args:
        file: the archive, open for reading at any place.
        most_entries: more are refused, before they are read.

    Raises:
        SubmissionError: it is no zip archive, cut off, has something before, between or behind, is in several
            parts, or lists too much.
    """
    size = file.seek(0, 2)
    directory = _locate(file, size)
    if directory.entries > most_entries:
        raise SubmissionError(
            "the archive lists too many files",
            found=directory.entries,
            expected=f"at most {most_entries}",
            mend="hand in one file a case, and nothing else",
        )
    if directory.size > _ENTRY_BYTES * (directory.entries + 1):
        raise SubmissionError(
            "the archive's directory is too long",
            found=f"{directory.size} bytes for {directory.entries} files",
            expected=f"at most {_ENTRY_BYTES} bytes a file",
            mend=_MEND,
        )
    if directory.start + directory.size != directory.end:
        raise SubmissionError(
            "the archive has something before it, or between its files and its directory",
            found=f"{directory.end - directory.start - directory.size} bytes",
            expected="a plain zip archive",
            mend=_MEND,
        )
    _count(file, directory)
    return directory


def check_spans(file: BinaryIO, directory: ZipDirectory, entries: Sequence[ZipInfo]) -> None:
    """Refuses archives whose files share bytes, as those do that unpack to far more than they hold.

    Such an archive is described in D. Fifield, "A better zip bomb", WOOT 2019.

    Raises:
        SubmissionError: two files overlap, one lies outside, or the archive begins with something else.
    """
    ordered = sorted(entries, key=lambda entry: entry.header_offset)
    if not ordered:
        return
    if ordered[0].header_offset != 0:
        raise SubmissionError(
            "the archive begins with something that belongs to no file",
            expected="a plain zip archive",
            mend=_MEND,
        )
    starts = [entry.header_offset for entry in ordered]
    for entry, start, following in zip(ordered, starts, [*starts[1:], directory.start], strict=True):
        if start + _LOCAL.size > directory.start:
            raise _damaged("a file of the archive isn't where its directory says")
        file.seek(start)
        head = file.read(_LOCAL.size)
        if not head.startswith(b"PK\3\4"):
            raise _damaged("a file of the archive isn't where its directory says")
        _, name_length, extra_length = _LOCAL.unpack(head)
        if start + _LOCAL.size + name_length + extra_length + entry.compress_size > following:
            raise SubmissionError(
                "files in the archive overlap", expected="each in a place of its own", mend=_MEND
            )


def _locate(file: BinaryIO, size: int) -> ZipDirectory:
    file.seek(max(0, size - _END.size - _MOST_COMMENT))
    tail = file.read()
    # zipfile's own search, so that both find the same place: first without a comment, then the last mark
    at = len(tail) - _END.size
    if at < 0 or not (tail.startswith(b"PK\5\6", at) and tail.endswith(b"\0\0")):
        at = tail.rfind(b"PK\5\6", 0, max(0, len(tail) - _END.size) + 4)
    if at < 0:
        raise _no_zip(file, size)
    end = size - len(tail) + at
    _, disk, first_disk, here, entries, length, start, comment = _END.unpack_from(tail, at)
    if end + _END.size + comment != size:
        raise _damaged("the archive goes on behind its end, or ends too early")
    single = {0, 0xFFFF}
    if disk not in single or first_disk not in single or here != entries:
        raise SubmissionError("the archive is one part of several", expected="a single zip file", mend=_MEND)
    plain = ZipDirectory(entries, start, length, end)
    if at < _LOCATOR_64.size or not tail.startswith(b"PK\6\7", at - _LOCATOR_64.size):
        return plain
    return _locate_64(file, plain)


def _locate_64(file: BinaryIO, plain: ZipDirectory) -> ZipDirectory:
    """The directory of an archive that says sizes and counts in 64 bits, in front of the usual end."""
    file.seek(plain.end - _LOCATOR_64.size)
    _, disk, place, disks = _LOCATOR_64.unpack(file.read(_LOCATOR_64.size))
    record = plain.end - _LOCATOR_64.size - _END_64.size
    if record < 0 or place != record or disk != 0 or disks > 1:
        raise _damaged("the archive's end contradicts itself")
    file.seek(record)
    mark, rest, *_, own_disk, first_disk, here, entries, length, start = _END_64.unpack(
        file.read(_END_64.size)
    )
    if mark != b"PK\6\6" or rest != _END_64.size - 12 or (own_disk, first_disk) != (0, 0) or here != entries:
        raise _damaged("the archive's end contradicts itself")
    told = (
        (plain.entries, 0xFFFF, entries),
        (plain.size, 2**32 - 1, length),
        (plain.start, 2**32 - 1, start),
    )
    if any(short not in (full, long) for short, full, long in told):
        raise _damaged("the archive's end contradicts itself")
    return ZipDirectory(entries, start, length, record)


def _count(file: BinaryIO, directory: ZipDirectory) -> None:
    """Walks through the directory as ``zipfile`` will, and counts."""
    file.seek(directory.start)
    block = file.read(directory.size)
    at = count = 0
    while at < len(block):
        if len(block) - at < _ENTRY.size or not block.startswith(b"PK\1\2", at):
            raise _damaged("the archive's directory is damaged")
        _, name_length, extra_length, comment_length = _ENTRY.unpack_from(block, at)
        at += _ENTRY.size + name_length + extra_length + comment_length
        count += 1
    if at != directory.size or count != directory.entries:
        raise _damaged("the archive's directory lists another number of files than the archive's end says")


def _no_zip(file: BinaryIO, size: int) -> SubmissionError:
    file.seek(0)
    start = file.read(512)
    if not size:
        return SubmissionError("the file is empty", expected="a zip archive")
    if start.startswith((b"PK\3\4", b"PK\7\x08")):
        return SubmissionError(
            "the zip archive is cut off",
            found="no directory at its end",
            mend="upload it again, or make it again",
        )
    kinds = (kind for place, mark, kind in _OTHER_KINDS if start.startswith(mark, place))
    return SubmissionError(
        "this is no zip archive",
        found=next(kinds, "an unknown kind of file"),
        expected="a zip with one prediction for every case",
        mend="name predictions as their cases with _pred.nii.gz, and put them into a zip",
    )


def _damaged(what: str) -> SubmissionError:
    return SubmissionError(what, expected="a whole zip archive", mend=_MEND)
