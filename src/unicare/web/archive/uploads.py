"""Uploads in pieces that can be resumed, kept in a folder, whole only when length and hash are right.

Each upload is a folder of its own: ``about.json`` (what was announced), ``data`` (what has come so far),
``lock`` (held by whoever writes), and in the end ``whole`` (``data``, renamed). These files are all there is
to know: a process may be killed at any moment, and the next one goes on from the bytes that lie there.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from unicare.web.archive.upload_folder import (
    DATA,
    LOCK,
    WHOLE,
    check_hash,
    held,
    length_of,
    make_folder,
    read_about,
    sync_folder,
    told_plainly,
    touched,
)
from unicare.web.archive.upload_room import UploadState, check_room
from unicare.web.archive.upload_rules import (
    About,
    Reason,
    UploadLimits,
    UploadRefusedError,
    check_announced,
    unknown_upload,
)
from unicare.web.archive.upload_writer import UploadWriter

__all__ = ["Reason", "UploadLimits", "UploadRefusedError", "UploadState", "UploadWriter", "Uploads"]

_BLOCK_BYTES = 2**18
_ID = re.compile(r"[0-9a-f]{32}")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


class Uploads:
    """The uploads that lie in a folder, under way or whole.

    Several processes of one machine may use the same folder.
    """

    def __init__(self, root: Path, limits: UploadLimits | None = None) -> None:
        self._root = Path(root)
        self._limits = limits or UploadLimits()

    def begin(
        self,
        name: str,
        total_bytes: int,
        sha256: str | None = None,
        *,
        team: str = "",
        most_bytes: int | None = None,
    ) -> str:
        """Announces an upload.

        Args:
            name: of the file, as the team calls it; only kept, never used as a path.
            total_bytes: its length.
            sha256: of the whole, in hexadecimal; checked at the end where it is given.
            team: whose upload it is; limits hold for each team.
            most_bytes: of this one, if that is less than any upload may have.

        Returns:
            The upload's id.

        Raises:
            UploadRefusedError: too long, too many, no room, or something impossible is announced.
            OutputError: the folder can't be written to.
        """
        about = About(name, team, total_bytes, sha256.lower() if sha256 is not None else None)
        check_announced(about)
        limits = self._limits
        if most_bytes is not None:
            limits = replace(limits, upload_bytes=min(limits.upload_bytes, most_bytes))
        with told_plainly():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with held(self._root / LOCK, wait=True):
                check_room(about, limits, self.every(), shutil.disk_usage(self._root).free)
                upload_id = secrets.token_hex(16)
                make_folder(self._root / upload_id, about)
                return upload_id

    def append(self, upload_id: str, offset: int, stream: _Readable) -> UploadState:
        """Adds what a stream gives, in small blocks, until it ends or all that was announced is there.

        Nothing is read beyond that. If the stream breaks off with an error, what came is kept.

        Args:
            upload_id: the upload.
            offset: what has come before, in bytes.
            stream: read in blocks.

        Raises:
            UploadRefusedError: unknown, another place to go on at (``length`` says which), or another upload
                writes at this moment.
            OutputError: the disk is full or broken.
        """
        with self.writing(upload_id, offset) as writer:
            while writer.left and (block := stream.read(min(_BLOCK_BYTES, writer.left))):
                writer.write(block)
        return self.state(upload_id)

    @contextmanager
    def writing(self, upload_id: str, offset: int) -> Iterator[UploadWriter]:
        """Adds blocks as they come, for callers that can't hand over a stream; errors as for ``append``.

        What was written is on the disk when the block ends, however it ends.
        """
        with self._held(upload_id) as folder:
            about, length = read_about(folder), length_of(folder)
            _check_offset(offset, length, finished=(folder / WHOLE).exists())
            with told_plainly():
                file = cast(BinaryIO, (folder / DATA).open("ab", buffering=0))
            try:
                yield UploadWriter(file, length, about.total_bytes)
            finally:
                with told_plainly(), file:
                    os.fsync(file.fileno())

    def state(self, upload_id: str) -> UploadState:
        """How far an upload has come.

        Raises:
            UploadRefusedError: there is no such upload.
        """
        return self._state(self._folder(upload_id))

    def idle(self, upload_id: str) -> timedelta:
        """For how long nothing has been added to an upload.

        Raises:
            UploadRefusedError: there is no such upload.
        """
        return timedelta(seconds=max(0.0, time.time() - touched(self._folder(upload_id))))

    def complete_at(self, upload_id: str) -> datetime | None:
        """When the last byte came; None as long as bytes are missing.

        Raises:
            UploadRefusedError: there is no such upload.
        """
        folder = self._folder(upload_id)
        if length_of(folder) != read_about(folder).total_bytes:
            return None
        return datetime.fromtimestamp(touched(folder), UTC)

    def finish(self, upload_id: str) -> Path:
        """Checks length and hash, and gives the file; the same again when it was finished before.

        The caller moves the file to where it is to stay, and then calls ``abandon``.

        Raises:
            UploadRefusedError: not all of it has come; the hash is another (then the upload begins again at
                byte 0); unknown; or written to at this moment.
            OutputError: the disk is broken.
        """
        with self._held(upload_id) as folder, told_plainly():
            whole = folder / WHOLE
            if whole.exists():
                return whole
            about, length = read_about(folder), length_of(folder)
            if length != about.total_bytes:
                raise UploadRefusedError(
                    Reason.INCOMPLETE,
                    "the upload isn't complete",
                    found=f"{length} bytes",
                    expected=f"{about.total_bytes} bytes",
                    mend=f"go on at byte {length}",
                    length=length,
                )
            if about.sha256 is not None:
                check_hash(folder / DATA, about.sha256)
            os.replace(folder / DATA, whole)
            sync_folder(folder)
            return whole

    def abandon(self, upload_id: str) -> None:
        """Forgets an upload and what has come of it, finished or not; no error if that is done already.

        Raises:
            UploadRefusedError: it is written to at this moment.
        """
        try:
            with self._held(upload_id) as folder:
                self._remove(folder)
        except UploadRefusedError as error:
            if error.reason is not Reason.UNKNOWN:
                raise

    def sweep(self, older_than: timedelta) -> list[str]:
        """Forgets uploads, finished or not, that nothing has been added to for some time.

        Returns:
            Their ids. One that is written to at this moment stays.
        """
        before = time.time() - older_than.total_seconds()
        swept: list[str] = []
        for folder in self._folders(hidden=True):
            if touched(folder) >= before:
                continue
            if folder.name.startswith("."):  # left by a process that was killed while it made or removed one
                shutil.rmtree(folder, ignore_errors=True)
                continue
            with suppress(UploadRefusedError), self._held(folder.name):
                if touched(folder) < before:  # still, now that nobody can add to it
                    self._remove(folder)
                    swept.append(folder.name)
        return swept

    def untouched(self, for_long: timedelta) -> list[str]:
        """The ids of uploads that nothing has been added to for some time, or at all."""
        before = time.time() - for_long.total_seconds()
        return [folder.name for folder in sorted(self._folders()) if touched(folder) < before]

    def every(self, team: str | None = None) -> list[UploadState]:
        """The uploads that lie here, of one team or of all, by id."""
        states = []
        for folder in sorted(self._folders()):
            with suppress(UploadRefusedError):  # forgotten meanwhile
                states.append(self._state(folder))
        return [state for state in states if team is None or state.team == team]

    def _remove(self, folder: Path) -> None:
        gone = self._root / f".{folder.name}.gone"
        with suppress(FileNotFoundError):
            os.rename(folder, gone)  # at once, so that nobody sees half of it
        shutil.rmtree(gone, ignore_errors=True)

    def _folders(self, *, hidden: bool = False) -> list[Path]:
        try:
            found = [path for path in self._root.iterdir() if path.is_dir()]
        except FileNotFoundError:
            return []
        return [path for path in found if hidden or _ID.fullmatch(path.name)]

    def _folder(self, upload_id: str) -> Path:
        if not _ID.fullmatch(upload_id) or not (self._root / upload_id).is_dir():
            raise unknown_upload()
        return self._root / upload_id

    def _state(self, folder: Path) -> UploadState:
        about = read_about(folder)
        length, whole = length_of(folder), (folder / WHOLE).exists()
        return UploadState(
            folder.name, about.name, about.team, about.total_bytes, about.sha256, length, whole
        )

    @contextmanager
    def _held(self, upload_id: str) -> Iterator[Path]:
        """The folder of an upload, while nobody else can write to it."""
        folder = self._folder(upload_id)
        with held(folder / LOCK):
            yield folder


def _check_offset(offset: int, length: int, *, finished: bool) -> None:
    if finished:
        raise UploadRefusedError(
            Reason.FINISHED, "the upload is finished; nothing can be added to it", length=length
        )
    if offset != length:
        raise UploadRefusedError(
            Reason.OFFSET,
            "the upload stands at another place",
            found=f"byte {offset}",
            expected=f"byte {length}",
            mend=f"go on at byte {length}",
            length=length,
        )
