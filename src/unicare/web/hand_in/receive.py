"""Pieces of uploads, from the network to the disk in blocks, without holding up anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

from anyio import CancelScope, CapacityLimiter, to_thread

from unicare.web.archive.uploads import Uploads, UploadWriter

__all__ = ["Receiver"]

_BLOCK_BYTES = 2**19
"""Large enough that handing it to a thread costs next to nothing, small enough for many uploads at once."""


class Receiver:
    """Takes pieces of many uploads at once.

    Few of them are written at the same moment, by threads that pages don't wait for; the others' networks
    are held back meanwhile. So it is with uploads whose last byte has come: the disk takes its time.

    Args:
        uploads: where they lie.
        at_once: how many are written at the same moment.
        ends_at_once: how many are taken in at the same moment.
    """

    def __init__(self, uploads: Uploads, at_once: int = 2, ends_at_once: int = 1) -> None:
        self._uploads = uploads
        self._threads = CapacityLimiter(at_once)
        self._ends = CapacityLimiter(ends_at_once)

    async def end(self, take: Callable[[], None]) -> None:
        """Takes an upload in that has come whole.

        Args:
            take: does it; its errors come through.
        """
        await to_thread.run_sync(take, limiter=self._ends)

    async def receive(
        self, upload_id: str, offset: int, blocks: AsyncIterator[bytes], patience_s: float
    ) -> None:
        """Adds what comes to an upload. What has come is kept, however it ends.

        Args:
            upload_id: which one.
            offset: what has come before, in bytes.
            blocks: as the network brings them.
            patience_s: for how long the network may be silent; whoever went away without a word must not
                keep the upload from being gone on with.

        Raises:
            UploadRefusedError: as for ``Uploads.writing``.
            OutputError: the disk is full or broken.
            TimeoutError: nothing came for too long.
        """
        writing = self._uploads.writing(upload_id, offset)
        writer = await to_thread.run_sync(writing.__enter__, limiter=self._threads)
        try:
            await self._write_all(writer, blocks, patience_s)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(writing.__exit__, None, None, None, limiter=self._threads)

    async def _write_all(self, writer: UploadWriter, blocks: AsyncIterator[bytes], patience_s: float) -> None:
        waiting = bytearray()
        try:
            while True:
                async with asyncio.timeout(patience_s):
                    block = await anext(blocks, None)
                if block is None:
                    return
                waiting += block
                if len(waiting) >= _BLOCK_BYTES:
                    full, waiting = bytes(waiting), bytearray()
                    await to_thread.run_sync(writer.write, full, limiter=self._threads)
        finally:
            if waiting:
                with CancelScope(shield=True):
                    await to_thread.run_sync(writer.write, bytes(waiting), limiter=self._threads)
