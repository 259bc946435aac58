"""Pieces of uploads, from the network to the disk in blocks, without holding up anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar

from anyio import CancelScope

from unicare.web.archive.uploads import Uploads, UploadWriter

__all__ = ["Receiver"]

T = TypeVar("T")

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
        # executors, as they belong to no event loop: applications of tests are asked from several
        self._writers = ThreadPoolExecutor(at_once, "upload")
        self._ends = ThreadPoolExecutor(ends_at_once, "end of upload")

    async def end(self, take: Callable[[], None]) -> None:
        """Takes an upload in that has come whole.

        Args:
            take: does it; its errors come through.
        """
        await _run(self._ends, take)

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
        writer = await _run(self._writers, writing.__enter__)
        try:
            await self._write_all(writer, blocks, patience_s)
        finally:
            await _run(self._writers, partial(writing.__exit__, None, None, None))

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
                    await _run(self._writers, partial(writer.write, full))
        finally:
            if waiting:
                await _run(self._writers, partial(writer.write, bytes(waiting)))


async def _run(threads: Executor, work: Callable[[], T]) -> T:
    """Does something in one of some threads, to its end: nobody may close a file that is written to."""
    running = asyncio.get_running_loop().run_in_executor(threads, copy_context().run, work)
    with CancelScope(shield=True):
        await asyncio.wait([running])
    return running.result()
