"""The files inside an image archive, found by name; links in it lead to others of its files or nowhere."""

from __future__ import annotations

import io
import json
import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO

from unicare.core.errors import SubmissionError
from unicare.web.sandbox.tar_walk import TarEntry, walk_tar

__all__ = ["ARCHIVE", "ArchiveFiles", "Section"]

ARCHIVE = "the image archive"
"""What messages to a team call it: its name on this host is not for them."""

_MOST_ENTRIES = 20_000
_MOST_CHARACTERS = 2**22  # of all names together: they are kept
_LARGEST_JSON = 4 * 2**20
_MOST_LINKS = 8


class ArchiveFiles:
    """An index over an uncompressed tar file that is open.

    Args:
        file: the tar file, seekable.
        on_entry: called for each entry; what it raises ends it.

    Raises:
        SubmissionError: it is no tar file, damaged, or its entries lead out of it.
    """

    def __init__(self, file: BinaryIO, on_entry: Callable[[], object] = lambda: None) -> None:
        self._file = file
        self._size = file.seek(0, io.SEEK_END)
        self._entries: dict[str, TarEntry] = {}
        file.seek(0)
        characters = 0
        for entry in walk_tar(ARCHIVE, file.read, self._skip, _MOST_ENTRIES):
            on_entry()
            characters += len(entry.name) + len(entry.link)
            if characters > _MOST_CHARACTERS:
                raise SubmissionError(f"{ARCHIVE}: its entries' names are too long", mend="save it again")
            if entry.leaves:
                raise SubmissionError(
                    f"{ARCHIVE}: an entry leads out of it",
                    found=ascii(entry.name[:200]),
                    expected="plain names",
                )
            if entry.offset + entry.size > self._size:
                raise SubmissionError(f"{ARCHIVE}: cut off", mend="upload it again")
            if entry.name in self._entries and entry.kind != "folder":
                raise SubmissionError(f"{ARCHIVE}: two entries of one name", found=ascii(entry.name[:200]))
            self._entries[entry.name] = entry

    def __contains__(self, name: str) -> bool:
        return name in self._entries

    def open(self, name: str) -> Section:
        """A file's bytes.

        Raises:
            SubmissionError: there is none of that name.
        """
        asked = name
        for _ in range(_MOST_LINKS):
            entry = self._entries.get(posixpath.normpath(name))
            if entry is None:
                break
            if entry.is_file:
                return Section(self._file, entry.offset, entry.size)
            if entry.kind not in ("hard link", "symbolic link"):
                break
            beside = posixpath.dirname(entry.name) if entry.kind == "symbolic link" else ""
            name = posixpath.join(beside, entry.link)
        raise SubmissionError(f"{ARCHIVE}: a file is missing in it", found=f"no {asked[:200]!a}")

    def json(self, name: str) -> Any:
        """A file's JSON value.

        Raises:
            SubmissionError: there is none, or it is too large or no JSON.
        """
        section = self.open(name)
        if section.size > _LARGEST_JSON:
            raise SubmissionError(f"{ARCHIVE}: {name[:200]!a} is too large", found=f"{section.size} bytes")
        try:
            return json.loads(section.read(section.size))
        except (ValueError, RecursionError):
            raise SubmissionError(f"{ARCHIVE}: {name[:200]!a} is no JSON") from None

    def _skip(self, count: int) -> None:
        self._file.seek(count, io.SEEK_CUR)


@dataclass
class Section(io.RawIOBase):
    """A part of a file as a file."""

    file: BinaryIO
    start: int
    size: int
    at: int = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fills a buffer as far as there is anything left."""
        view = memoryview(buffer).cast("B")
        self.file.seek(self.start + self.at)
        chunk = self.file.read(min(len(view), self.size - self.at))
        view[: len(chunk)] = chunk
        self.at += len(chunk)
        return len(chunk)
