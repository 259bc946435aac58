"""Where a container may write: a file system of its own in memory, or else a folder that is watched."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

from unicare.core.errors import ContainerError
from unicare.web.sandbox.engine import CONTAINER_USER
from unicare.web.sandbox.limits import Limits
from unicare.web.sandbox.owner import new_name

__all__ = ["RESERVE_BYTES", "Places", "open_places", "remove_tree", "run_folder"]

RESERVE_BYTES = 1024**3
"""What stays free on the host's disk, whatever a container writes."""

_LONGEST_PATH = 2048


class Places(Protocol):
    """The folders of one run that a container writes to.

    Attributes:
        output: becomes /output.
        tmp: becomes /tmp; None where the engine makes one in memory.
    """

    output: Path
    tmp: Path | None

    def overfull(self) -> str | None:
        """Why the run has to end: what has grown over its limit, in words for the team; or None."""

    def filled(self) -> list[str]:
        """What was full at the end, in words for the team."""


@contextmanager
def run_folder(scratch: Path) -> Iterator[Path]:
    """A folder of one run, that nobody else looks into, and that is gone afterwards."""
    folder = Path(scratch) / new_name()
    try:
        folder.mkdir(mode=0o700)
    except OSError as error:
        raise ContainerError(
            f"{scratch}: no folder can be made there", found=error.strerror, mend="make it, or free some room"
        ) from None
    try:
        yield folder
    finally:
        remove_tree(folder)


@contextmanager
def open_places(folder: Path, limits: Limits) -> Iterator[Places]:
    """Makes the places in a folder: in memory where this process may mount, else on disk and watched.

    Raises:
        ContainerError: the disk has no room for what the container may write.
    """
    output, tmp = folder / "output", folder / "tmp"
    output.mkdir()
    mounted = []
    try:
        # a folder counts as a file, and so does the place itself
        if _mount(output, limits.output_bytes, limits.output_files + 1, "noexec"):
            mounted.append(output)
            tmp.mkdir()
            if _mount(tmp, limits.tmp_bytes, max(4096, limits.tmp_bytes // 4096)):
                mounted.append(tmp)
            yield MountedPlaces(output, tmp if tmp in mounted else None, limits)
        else:
            output.chmod(0o777)  # its folder lets nobody through; the engine binds it where all may
            yield WatchedPlaces(output, limits)
    finally:
        for place in reversed(mounted):
            _unmount(place)


class MountedPlaces:
    """File systems in memory, of a fixed size and number of files: the kernel holds them."""

    def __init__(self, output: Path, tmp: Path | None, limits: Limits) -> None:
        self.output = output
        self.tmp = tmp
        self._limits = limits

    def overfull(self) -> str | None:
        """Never: what goes over is refused, and the program may well cope with that."""
        return None

    def filled(self) -> list[str]:
        """See ``Places``."""
        full = []
        for name, place, size in (
            ("/output", self.output, self._limits.output_bytes),
            ("/tmp", self.tmp, self._limits.tmp_bytes),
        ):
            if place is None:
                continue
            left = os.statvfs(place)
            if left.f_bfree == 0:
                full.append(f"it filled {name} ({size / 1e6:.6g} MB)")
            if left.f_ffree == 0:
                full.append(f"it made as many files as {name} takes ({left.f_files - 1})")
        return full


class WatchedPlaces:
    """A folder on disk, walked over again and again; between two walks the disk's own speed is the limit.

    Raises:
        ContainerError: the disk has no room for what the container may write.
    """

    def __init__(self, output: Path, limits: Limits) -> None:
        self.output = output
        self.tmp: Path | None = None
        self._limits = limits
        free = shutil.disk_usage(output).free
        if free < limits.output_bytes + RESERVE_BYTES:
            raise ContainerError(
                "no room for the container's output",
                found=f"{free / 1e9:.1f} GB free",
                expected=f"{(limits.output_bytes + RESERVE_BYTES) / 1e9:.1f} GB",
                mend="free some room, or set output_bytes lower",
            )

    def overfull(self) -> str | None:
        """See ``Places``."""
        if shutil.disk_usage(self.output).free < RESERVE_BYTES:
            return "it filled the disk"  # with files that it has deleted and holds open, for instance
        size = 0
        for count, entry in enumerate(_entries(self.output), 1):
            if len(entry.path) > _LONGEST_PATH:  # below it, nothing could be counted any more
                return "it made folders within folders without end in /output"
            with suppress(OSError):  # gone again
                size += entry.stat(follow_symlinks=False).st_blocks * 512
            if size > self._limits.output_bytes:
                return f"it wrote more than {self._limits.output_bytes / 1e6:.6g} MB to /output"
            if count > self._limits.output_files:
                return f"it made more than {self._limits.output_files} files and folders in /output"
        return None

    def filled(self) -> list[str]:
        """See ``Places``."""
        full = self.overfull()
        return [full] if full else []


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder, links not followed, as deep as it may go."""
    waiting = [str(folder)]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as found:
            for entry in found:
                yield entry
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)


def _mount(place: Path, size_bytes: int, files: int, *more: str) -> bool:
    """Whether a file system in memory could be put there."""
    if os.geteuid() != 0:
        return False
    options = ["nosuid", "nodev", *more, f"size={size_bytes}", f"nr_inodes={files}", "mode=0700"]
    owner = [f"uid={CONTAINER_USER}", f"gid={CONTAINER_USER}"]
    command = ["mount", "-t", "tmpfs", "-o", ",".join(options + owner), "unicare", str(place)]
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def _unmount(place: Path) -> None:
    for attempt in range(20):
        if subprocess.run(["umount", str(place)], capture_output=True, check=False).returncode == 0:
            return
        if not place.is_mount():
            return
        time.sleep(0.05 * attempt)  # the engine may be about to let it go
    # out of sight at once, and gone when its last user is
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=False)


def remove_tree(folder: Path) -> None:
    """Removes a run's folder, what is mounted in it, and files that belong to a container's user.

    Raises:
        ContainerError: it can't be removed.
    """
    for place in (folder / "output", folder / "tmp"):
        if place.is_mount():
            _unmount(place)
    # rm goes as deep as folders go; Python's own way ends at its limit of recursion
    subprocess.run(["rm", "-rf", "--", str(folder)], capture_output=True, check=False)
    if folder.exists() and shutil.which("podman"):  # without root, only podman may touch its users' files
        command = ["podman", "unshare", "rm", "-rf", "--", str(folder)]
        subprocess.run(command, capture_output=True, check=False)
    if folder.exists():
        raise ContainerError(f"{folder}: can't be removed", mend="remove it by hand")
