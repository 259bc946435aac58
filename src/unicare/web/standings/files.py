"""What files hold, as digests; a file that looks untouched isn't read again."""

from __future__ import annotations

import hashlib
from pathlib import Path

__all__ = ["FileDigests"]

_BLOCK_BYTES = 2**20
_Look = tuple[int, int, int]


class FileDigests:
    """Digests of files, remembered as long as their length and times stay."""

    def __init__(self) -> None:
        self._known: dict[Path, tuple[_Look, str]] = {}

    def of_file(self, path: Path | None) -> str:
        """SHA-256 of a file's bytes; empty for None.

        Raises:
            OSError: it can't be read.
        """
        if path is None:
            return ""
        found = path.stat()
        look = (found.st_size, found.st_mtime_ns, found.st_ino)
        known = self._known.get(path)
        if known is None or known[0] != look:
            hashed = hashlib.sha256()
            with path.open("rb") as file:
                while block := file.read(_BLOCK_BYTES):
                    hashed.update(block)
            known = self._known[path] = (look, hashed.hexdigest())
        return known[1]

    def of_folder(self, folder: Path) -> list[tuple[str, str]]:
        """Name and digest of every file in a folder, hidden ones left out.

        Raises:
            OSError: one can't be read.
        """
        files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[:1] != ".")
        return [(path.name, self.of_file(path)) for path in files]
