"""What a container wrote, taken over: regular files of expected names, and nothing else."""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from unicare.core.errors import OutputError
from unicare.web.sandbox.limits import Limits

__all__ = ["Collected", "collect_output"]

_CHUNK_BYTES = 2**20
_KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
}


@dataclass(frozen=True)
class Collected:
    """What was taken over.

    Attributes:
        names: of the files that were copied, in order.
        refused: name to what it is instead of a plain file, for expected names.
        others: how many further entries there were, which nobody looked at.
    """

    names: tuple[str, ...]
    refused: dict[str, str]
    others: int


def collect_output(place: Path, expected: Collection[str], destination: Path, limits: Limits) -> Collected:
    """Copies files out of a place that a container wrote to. No link in it is followed, no pipe waited for.

    Args:
        place: the folder; nothing writes to it any more.
        expected: names of files (no folders in them) that are taken.
        destination: a folder; each file appears there whole or not at all.
        limits: output_bytes is the most that is copied, output_files the most entries that are looked at.

    Raises:
        OutputError: the destination can't be written to.
    """
    names, refused = [], {}
    left = limits.output_bytes
    folder = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        for name in sorted(expected):
            try:
                size = _copy(folder, name, Path(destination), left)
            except _RefusedError as refusal:
                refused[name] = str(refusal)
                continue
            if size is not None:
                names.append(name)
                left -= size
        others = _count_others(folder, expected, limits.output_files)
    finally:
        os.close(folder)
    return Collected(tuple(names), refused, others)


class _RefusedError(Exception):
    """Why a file isn't taken."""


def _copy(folder: int, name: str, destination: Path, most_bytes: int) -> int | None:
    """Copies one file; its size, or None if there is none of that name."""
    if "/" in name or name in ("", ".", ".."):
        raise ValueError(f"{name!r} is no file's name")
    try:
        _refuse_unless_plain(os.stat(name, dir_fd=folder, follow_symlinks=False))
        # NONBLOCK, should it have become a pipe since
        source = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _RefusedError(f"a file that can't be read ({error.strerror})") from None
    try:
        status = os.fstat(source)
        _refuse_unless_plain(status)
        if status.st_size > most_bytes:
            raise _RefusedError(f"a file of {status.st_size / 1e6:.1f} MB, which is over the limit")
        _write_beside(source, destination / name, status.st_size)
        return status.st_size
    finally:
        os.close(source)


def _refuse_unless_plain(status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _RefusedError(_KINDS.get(stat.S_IFMT(status.st_mode), "no plain file"))
    if status.st_nlink != 1:
        raise _RefusedError("a file with several names (hard links)")


def _write_beside(source: int, target: Path, size: int) -> None:
    """Copies ``size`` bytes, whatever the source does meanwhile."""
    beside = target.with_name(f".unicare-{os.getpid()}-{threading.get_ident()}.part")
    try:
        with beside.open("wb") as file:
            while size > 0:
                chunk = os.read(source, min(size, _CHUNK_BYTES))
                if not chunk:
                    raise _RefusedError("a file that shrank while it was read")
                file.write(chunk)
                size -= len(chunk)
        os.replace(beside, target)
    except OSError as error:
        raise OutputError(
            f"{target.parent}: can't be written to", found=error.strerror, mend="free some room there"
        ) from None
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def _count_others(folder: int, expected: Collection[str], most: int) -> int:
    count = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            count += entry.name not in expected
            if count > most:
                break
    return count
