"""Writing to one upload, a block at a time, and no more than was announced."""

from __future__ import annotations

from typing import BinaryIO

from unicare.web.archive.upload_folder import told_plainly
from unicare.web.archive.upload_rules import Reason, UploadRefusedError

__all__ = ["UploadWriter"]


class UploadWriter:
    """Writes blocks to the end of one upload, while nobody else can."""

    def __init__(self, file: BinaryIO, length: int, total_bytes: int) -> None:
        self._file = file
        self._total_bytes = total_bytes
        self.length = length

    @property
    def left(self) -> int:
        """How much is still to come, in bytes."""
        return self._total_bytes - self.length

    def write(self, block: bytes) -> None:
        """Adds a block.

        Raises:
            UploadRefusedError: more came than was announced; nothing of the block is kept.
            OutputError: the disk is full or broken; what came before is kept.
        """
        if len(block) > self.left:
            raise UploadRefusedError(
                Reason.TOO_BIG,
                "more comes than was announced",
                found=f"at least {self.length + len(block)} bytes",
                expected=f"{self._total_bytes} bytes",
                mend="begin a new upload with the right length",
                length=self.length,
            )
        view = memoryview(block)
        while view:  # an unbuffered file may take a part of it
            with told_plainly():
                written = self._file.write(view)
            self.length += written
            view = view[written:]
