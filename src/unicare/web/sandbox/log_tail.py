"""The end of what a container prints; everything before it is read and dropped."""

from __future__ import annotations

import os
import threading
from typing import IO

__all__ = ["LogTail"]

_CHUNK_BYTES = 2**16


class LogTail:
    """Reads a stream to its end, in a thread of its own, and keeps its last bytes.

    Args:
        stream: what a process prints.
        keep_bytes: how much of its end is kept.
    """

    def __init__(self, stream: IO[bytes], keep_bytes: int) -> None:
        self._stream = stream
        self._keep_bytes = keep_bytes
        self._kept = bytearray()
        self._total = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def total_bytes(self) -> int:
        """How much was printed so far."""
        with self._lock:
            return self._total

    def finish(self, wait_seconds: float = 10.0) -> str:
        """The kept end as text, once the stream has ended or a while has passed."""
        self._thread.join(wait_seconds)
        with self._lock:
            kept, cut = bytes(self._kept[-self._keep_bytes :]), self._total > self._keep_bytes
        if self._keep_bytes == 0:
            return ""
        text = kept.decode("utf-8", "replace")
        return text.partition("\n")[2] or text if cut else text  # the first line may be half a one

    def _read(self) -> None:
        descriptor = self._stream.fileno()
        while True:
            try:
                chunk = os.read(descriptor, _CHUNK_BYTES)
            except OSError:
                return
            if not chunk:
                return
            with self._lock:
                self._total += len(chunk)
                self._kept += chunk
                if len(self._kept) > 2 * self._keep_bytes + _CHUNK_BYTES:
                    del self._kept[: -self._keep_bytes or None]
