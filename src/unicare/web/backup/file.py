"""The file of a backup: a plain tar archive that ends with the SHA-256 of everything before.

Programs that everybody has can read and check it: ``tar xf FILE && sha256sum -c SHA256SUMS``.
"""

from __future__ import annotations

import hashlib
import io
import os
import re
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, BinaryIO, Self, cast

from unicare.core.errors import UnicareError

__all__ = ["SUMS", "BackupError", "BackupReader", "BackupWriter"]

SUMS = "SHA256SUMS"
_BLOCK_BYTES = 2**20
_LONGEST_SUMS_BYTES = 2**30
_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


class BackupError(UnicareError):
    """A backup that can't be made, or used."""


class BackupWriter:
    """Writes members one after the other. Only what was ended by ``finish`` is a backup.

    Args:
        file: where to.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._tar = tarfile.TarFile(fileobj=file, mode="w", format=tarfile.PAX_FORMAT)
        self._sums: dict[str, str] = {}

    def add(self, name: str, source: Path) -> None:
        """Adds a file.

        Raises:
            OSError: it can't be read, or the backup not be written.
        """
        with source.open("rb") as file:
            self._add(name, os.fstat(file.fileno()).st_size, file)

    def add_bytes(self, name: str, content: bytes) -> None:
        """Adds what isn't in a file."""
        self._add(name, len(content), io.BytesIO(content))

    def finish(self) -> None:
        """Writes the sums, by which the backup is complete."""
        lines = "".join(f"{digest}  {name}\n" for name, digest in self._sums.items())
        self.add_bytes(SUMS, lines.encode())
        self._tar.close()

    def _add(self, name: str, size: int, file: IO[bytes]) -> None:
        if name in self._sums:
            raise ValueError(f"{name!r} is in the backup already")
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = size, 0o600, int(time.time())
        hashed = _Hashed(file)
        self._tar.addfile(entry, cast(IO[bytes], hashed))  # it is only read
        self._sums[name] = hashed.digest()


class BackupReader:
    """Reads the members of a backup, in any order; only names that a backup can have are let in.

    Args:
        path: of the file.
        allowed: whether there may be a member of that name.

    Raises:
        BackupError: no backup, or a damaged one.
        OSError: the file can't be opened.
    """

    def __init__(self, path: Path, allowed: Callable[[str], bool]) -> None:
        self._path = path
        self._file = path.open("rb")
        try:
            self._tar = tarfile.TarFile(fileobj=self._file, mode="r")
            self._entries = self._find(allowed)
            self._sums = self._read_sums()
        except (tarfile.TarError, OSError, ValueError, EOFError):
            self._file.close()
            raise self._damaged("it can't be read to its end") from None
        except BackupError:
            self._file.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def names(self) -> list[str]:
        """Of all members, in their order."""
        return list(self._sums)

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> None:
        """Reads everything and holds it against the sums.

        Args:
            progress: told members done and in all.

        Raises:
            BackupError: something isn't what was written.
        """
        for done, name in enumerate(self._sums, 1):
            for _ in self.blocks(name):
                pass
            progress(done, len(self._sums))

    def blocks(self, name: str) -> Iterator[bytes]:
        """What a member holds; an error at its end if that isn't what was written.

        Raises:
            BackupError: there is no such member, or it is damaged.
        """
        if name not in self._sums:
            raise self._damaged(f"no {name}")
        digest = hashlib.sha256()
        try:
            file = self._tar.extractfile(self._entries[name])
            while block := file.read(_BLOCK_BYTES) if file is not None else b"":
                digest.update(block)
                yield block
        except (tarfile.TarError, OSError):
            raise self._damaged(f"{name} can't be read") from None
        if digest.hexdigest() != self._sums[name]:
            raise self._damaged(f"{name} isn't what was written")

    def content(self, name: str) -> bytes:
        """A small member as a whole; errors as for ``blocks``."""
        return b"".join(self.blocks(name))

    def _find(self, allowed: Callable[[str], bool]) -> dict[str, tarfile.TarInfo]:
        entries: dict[str, tarfile.TarInfo] = {}
        for entry in self._tar:
            plain = entry.type == tarfile.REGTYPE and entry.sparse is None
            if not plain or entry.name in entries or not (entry.name == SUMS or allowed(entry.name)):
                raise BackupError(
                    f"{self._path}: not a backup of unicare, or somebody changed it",
                    found=f"the entry {ascii(entry.name)[:200]}",
                )
            entries[entry.name] = entry
        return entries

    def _read_sums(self) -> dict[str, str]:
        entry = self._entries.get(SUMS)
        if entry is None or entry.size > _LONGEST_SUMS_BYTES:
            raise self._damaged(f"no {SUMS} at its end")
        file = self._tar.extractfile(entry)
        lines = (file.read() if file is not None else b"").decode().splitlines()
        matches = [_LINE.fullmatch(line) for line in lines]
        sums = {match[2]: match[1] for match in matches if match is not None}
        if len(sums) != len(lines) or sums.keys() != self._entries.keys() - {SUMS}:
            raise self._damaged(f"{SUMS} doesn't fit what is there")
        return sums

    def _damaged(self, found: str) -> BackupError:
        return BackupError(
            f"{self._path}: damaged, cut off, or not a backup of unicare",
            found=found,
            mend="nothing was restored; take another copy",
        )


class _Hashed:
    """A file that is hashed while it is read."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self._digest.update(block)
        return block

    def digest(self) -> str:
        return self._digest.hexdigest()
