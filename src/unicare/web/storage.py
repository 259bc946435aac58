"""Where submissions and results lie: a folder, or whatever fsspec can open."""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Protocol
from urllib.parse import urlsplit

from unicare.core.errors import OutputError, SettingsError

__all__ = ["STORAGE_MARK", "FolderStorage", "ObjectStorage", "Storage", "open_storage"]

STORAGE_MARK = "site.json"
"""The key of a file that says that the storage is a site's; it belongs to no submission."""

_BESIDE = ".unicare-part-"
_NO_STORAGE = (OSError, ImportError, ValueError)


class Storage(Protocol):
    """Files by their keys: names with ``/`` between the parts. A file is there wholly or not at all."""

    def put(self, key: str, source: Path) -> None:
        """Takes a file in; one that is there already is replaced.

        Raises:
            OutputError: it can't be written.
        """

    def get(self, key: str, target: Path) -> None:
        """Gives a file out as one of this machine, for reading only.

        Raises:
            FileNotFoundError: there is none.
            OutputError: it can't be written.
        """

    def open(self, key: str) -> IO[bytes]:
        """A stream of a file's bytes.

        Raises:
            FileNotFoundError: there is none.
        """

    def exists(self, key: str) -> bool:
        """Whether there is a file of this key."""

    def keys(self, folder: str = "") -> list[str]:
        """The keys of all files below a folder, sorted; none if there is no such folder; all without one."""

    def written_at(self, key: str) -> datetime:
        """When a file was taken in, aware.

        Raises:
            FileNotFoundError: there is none.
        """

    def delete(self, key: str) -> None:
        """Removes a file, or a folder with all below it; no error if there is none."""

    def sweep(self, older_than: timedelta) -> None:
        """Removes what writers that died have left half written for so long."""


def open_storage(url: str) -> Storage:
    """The storage of a folder's path or of a URL such as ``s3://bucket/folder``.

    Raises:
        SettingsError: a URL of a kind that isn't known here.
    """
    scheme = urlsplit(url).scheme
    if scheme in ("", "file"):
        return FolderStorage(Path(url.removeprefix("file://")))
    try:
        return ObjectStorage(url)
    except _NO_STORAGE as error:
        raise SettingsError(  # the URL may hold a password: it isn't shown
            "the storage can't be opened",
            found=f"{scheme}:// ({type(error).__name__})",
            mend="check UNICARE_STORAGE_URL; s3:// needs the package s3fs",
        ) from None


class FolderStorage:
    """A folder of this machine, or one that several machines share."""

    def __init__(self, root: Path) -> None:
        self._root = Path(root).absolute()

    def put(self, key: str, source: Path) -> None:
        """Written beside and then moved; not copied where it lies on the same disk."""
        target = self._path(key)
        beside = target.with_name(f"{_BESIDE}{secrets.token_hex(8)}")
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            _link_or_copy(source, beside)
            _sync(beside)
            os.replace(beside, target)
            _sync(target.parent)
        except OSError as error:
            raise OutputError(
                "the storage can't be written to", found=error.strerror, mend="free some room there"
            ) from None
        finally:
            beside.unlink(missing_ok=True)

    def get(self, key: str, target: Path) -> None:
        """Not copied where it lies on the same disk."""
        source = self._path(key)
        if not source.is_file():
            raise FileNotFoundError(key)
        try:
            _link_or_copy(source, target)
        except FileNotFoundError:
            raise FileNotFoundError(key) from None
        except OSError as error:
            raise OutputError("a file of the storage can't be copied", found=error.strerror) from None

    def open(self, key: str) -> IO[bytes]:
        """The file itself."""
        try:
            return self._path(key).open("rb")
        except FileNotFoundError:
            raise FileNotFoundError(key) from None

    def exists(self, key: str) -> bool:
        """Whether there is a file of this key."""
        return self._path(key).is_file()

    def keys(self, folder: str = "") -> list[str]:
        """Files that are being written aren't among them."""
        root = self._path(folder) if folder else self._root
        return sorted(
            path.relative_to(self._root).as_posix()
            for path in root.rglob("*")
            if path.is_file() and not path.name.startswith(_BESIDE)
        )

    def written_at(self, key: str) -> datetime:
        """When it was linked or copied here; what it was linked from may be older."""
        try:
            return datetime.fromtimestamp(self._path(key).stat().st_ctime, UTC)
        except FileNotFoundError:
            raise FileNotFoundError(key) from None

    def delete(self, key: str) -> None:
        """Empty folders that are left stay."""
        path = self._path(key)
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)

    def sweep(self, older_than: timedelta) -> None:
        """By the time at which something was last written to them."""
        before = time.time() - older_than.total_seconds()
        for path in self._root.rglob(f"{_BESIDE}*"):
            with suppress(FileNotFoundError):
                if path.stat().st_ctime < before:
                    path.unlink()

    def _path(self, key: str) -> Path:
        return self._root.joinpath(*_parts(key))


class ObjectStorage:
    """What fsspec can open. Stores of objects show a file when all of it is there."""

    def __init__(self, url: str) -> None:
        import fsspec

        self._files: Any
        self._files, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")

    def put(self, key: str, source: Path) -> None:
        """Uploads it."""
        with _told_plainly():
            self._files.makedirs(self._place(key).rpartition("/")[0], exist_ok=True)
            self._files.put_file(str(source), self._place(key))

    def get(self, key: str, target: Path) -> None:
        """Downloads it."""
        if not self.exists(key):
            raise FileNotFoundError(key)
        beside = target.with_name(f"{_BESIDE}{secrets.token_hex(8)}")
        try:
            with _told_plainly():
                self._files.get_file(self._place(key), str(beside))
                os.replace(beside, target)
        finally:
            beside.unlink(missing_ok=True)

    def open(self, key: str) -> IO[bytes]:
        """Read in blocks, as they are asked for."""
        if not self.exists(key):
            raise FileNotFoundError(key)
        stream: IO[bytes] = self._files.open(self._place(key), "rb")
        return stream

    def exists(self, key: str) -> bool:
        """Whether there is a file of this key, asked anew."""
        self._files.invalidate_cache()
        return bool(self._files.isfile(self._place(key)))

    def keys(self, folder: str = "") -> list[str]:
        """As the store lists them."""
        self._files.invalidate_cache()
        found = self._files.find(self._place(folder) if folder else self._root)
        return sorted(str(path).removeprefix(f"{self._root}/") for path in found)

    def written_at(self, key: str) -> datetime:
        """As the store says it."""
        if not self.exists(key):
            raise FileNotFoundError(key)
        moment: datetime = self._files.modified(self._place(key))
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)

    def delete(self, key: str) -> None:
        """With all below it."""
        with suppress(FileNotFoundError), _told_plainly():
            self._files.rm(self._place(key), recursive=True)

    def sweep(self, older_than: timedelta) -> None:
        """Nothing is left in stores of objects that could be seen here; their own rules expire it."""

    def _place(self, key: str) -> str:
        return "/".join((self._root, *_parts(key)))


def _parts(key: str) -> tuple[str, ...]:
    """The parts of a key, none of which leads elsewhere."""
    parts = tuple(key.split("/"))
    if not key.isprintable() or "\\" in key or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"not a key: {key!r}")
    return parts


def _link_or_copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one without links
        with source.open("rb") as original, target.open("xb") as copy:
            shutil.copyfileobj(original, copy, 2**20)


def _sync(place: Path) -> None:
    """What a database says is there has to be there after a power cut, too."""
    handle = os.open(place, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told_plainly() -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        raise OutputError("the storage can't be used", found=type(error).__name__) from None
