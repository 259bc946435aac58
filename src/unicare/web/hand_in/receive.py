"""Pieces of uploads, from the network to the disk in blocks, without holding up anybody else."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextvars import copy_context
from functools import partial
from typing import TypeVar, get_args

from anyio import CancelScope

from unicare.web.archive.uploads import Uploads, UploadWriter
from unicare.web.database.tables import SubmissionKind

__all__ = ["Receiver"]

T = TypeVar("T")

_BLOCK_BYTES = 2**19
"""Large enough that handing it to a thread costs next to nothing, small enough for many uploads at once."""


class Receiver:
    """Takes pieces of many uploads at once.

    Few of them are written at the same moment, by threads that pages don't wait for; the others' networks
    are held back meanwhile. Those whose last byte has come are taken in one after the other, as the disk
    takes its time; containers apart from predictions, which would wait for minutes behind gigabytes.

    Args:
        uploads: where they lie.
        at_once: how many are written at the same moment.
    """

    def __init__(self, uploads: Uploads, at_once: int = 2) -> None:
        self._uploads = uploads
        # executors, as they belong to no event loop: applications of tests are asked from several
        self._writers = ThreadPoolExecutor(at_once, "upload")
        self._ends: Mapping[SubmissionKind, Executor] = {
            kind: ThreadPoolExecutor(1, f"end of upload, {kind}") for kind in get_args(SubmissionKind)
        }

    async def end(self, kind: SubmissionKind, take: Callable[[], None]) -> None:
        """Takes an upload in that has come whole.

        Args:
            kind: what it is.
            take: does it; its errors come through.
        """
        await _run(self._ends[kind], take)

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
