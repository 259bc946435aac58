"""Waiting for what other threads and processes do, and for no longer than they need."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

__all__ = ["PATIENCE_S", "alive", "until"]

PATIENCE_S = 300
"""A busy machine holds processes up for long: whoever waits in vain is told late, but never by chance."""

T = TypeVar("T")


def until(found: Callable[[], T], every_s: float = 0.02) -> T:
    """Waits until something is true, and gives it.

    Args:
        found: asked again and again.
        every_s: seconds from one time to the next.
    """
    end = time.monotonic() + PATIENCE_S
    while not (it := found()):
        assert time.monotonic() < end, "it never came"
        time.sleep(every_s)
    return it


def alive(process: int) -> bool:
    """Whether a process is there and hasn't ended, its parent told of it or not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(") ")[2][0] not in "ZX"
    except (FileNotFoundError, ProcessLookupError):
        return False
