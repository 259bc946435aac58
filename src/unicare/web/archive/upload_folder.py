"""One upload's folder: its files, its lock, and how they stay on the disk."""

from __future__ import annotations

import fcntl
import hashlib
import json
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from unicare.core.errors import OutputError
from unicare.web.archive.upload_rules import About, Reason, UploadRefusedError, unknown_upload

__all__ = [
    "DATA",
    "LOCK",
    "WHOLE",
    "check_hash",
    "held",
    "length_of",
    "make_folder",
    "read_about",
    "sync_folder",
    "told_plainly",
    "touched",
]

_log = logging.getLogger("unicare")
_ABOUT, DATA, LOCK, WHOLE = "about.json", "data", "lock", "whole"


def make_folder(folder: Path, about: About) -> None:
    """Makes an upload's folder: what was announced, and no data yet; renamed when all is written."""
    beside = folder.with_name(f".{folder.name}.new")
    beside.mkdir()
    (beside / LOCK).touch()
    (beside / DATA).touch()
    with (beside / _ABOUT).open("w", encoding="utf-8") as file:
        json.dump(asdict(about), file)
        file.flush()
        os.fsync(file.fileno())
    sync_folder(beside)
    os.rename(beside, folder)
    sync_folder(folder.parent)


@contextmanager
def held(lock: Path, *, wait: bool = False) -> Iterator[None]:
    """Keeps everybody else out; the lock goes with the process that holds it.

    Args:
        lock: a file that is there for this alone.
        wait: until it is free, and make the file; else be refused.

    Raises:
        UploadRefusedError: somebody else holds it, or it is gone.
    """
    flags = os.O_RDWR | os.O_CLOEXEC | (os.O_CREAT if wait else 0)
    try:
        number = os.open(lock, flags, 0o600)
    except FileNotFoundError:
        raise unknown_upload() from None
    try:
        _lock(number, wait)
        if not _is_same(number, lock):  # removed while we came
            raise unknown_upload()
        yield
    finally:
        os.close(number)


def _lock(number: int, wait: bool) -> None:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        raise UploadRefusedError(
            Reason.LOCKED,
            "this upload is being written to by another connection",
            mend="wait until that one has ended, ask how far it has come, and go on there",
        ) from None


def _is_same(number: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(number), path.stat())
    except FileNotFoundError:
        return False


def check_hash(path: Path, announced: str) -> None:
    """Empties a file that isn't what was announced, in constant memory.

    Raises:
        UploadRefusedError: its SHA-256 is another.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    if digest != announced:
        os.truncate(path, 0)
        raise UploadRefusedError(
            Reason.HASH,
            "what came isn't what was announced",
            found=f"SHA-256 {digest}",
            expected=announced,
            mend="upload it again from its first byte",
            length=0,
        )


def read_about(folder: Path) -> About:
    """What was announced of an upload; UploadRefusedError when it is gone, or can't be read."""
    try:
        return About(**json.loads((folder / _ABOUT).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise unknown_upload() from None
    except (ValueError, TypeError, OSError) as error:  # one upload must not hold up all others
        _log.warning("upload %s can't be read: %s", folder.name, type(error).__name__)
        raise unknown_upload() from None


def length_of(folder: Path) -> int:
    """How much of an upload has come, in bytes; UploadRefusedError when it is gone."""
    for name in (DATA, WHOLE, DATA):  # it may be renamed between two looks
        with suppress(FileNotFoundError):
            return (folder / name).stat().st_size
    raise unknown_upload()


def touched(folder: Path) -> float:
    """When something was last added, in seconds; now when it is gone."""
    for place in (folder / DATA, folder / WHOLE, folder):
        with suppress(FileNotFoundError):
            return place.stat().st_mtime
    return time.time()


def sync_folder(folder: Path) -> None:
    """Makes sure that the names in a folder outlast a power cut."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


@contextmanager
def told_plainly() -> Iterator[None]:
    """Makes errors of the disk sentences without its paths."""
    try:
        yield
    except OSError as error:
        raise OutputError(
            "the upload can't be kept",
            found=error.strerror or type(error).__name__,
            mend="try again later, or tell the organisers",
        ) from None
