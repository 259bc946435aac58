"""A zip archive that is sent while it is made: neither memory nor disk holds the whole of it."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

__all__ = ["Member", "stream_zip"]

_PIECE_BYTES = 2**16


@dataclass(frozen=True)
class Member:
    """A file in the archive.

    Attributes:
        name: its path there.
        blocks: its bytes, made when they are asked for.
        packed: whether it is compressed; what is so already needn't be.
    """

    name: str
    blocks: Iterable[bytes]
    packed: bool = True


class _Outlet:
    """What the archive is written to; nobody can go back in it."""

    def __init__(self) -> None:
        self._written = bytearray()

    def write(self, block: bytes) -> int:
        self._written += block
        return len(block)

    def flush(self) -> None:
        """Nothing is held back."""

    def take(self, at_least: int = 1) -> Iterator[bytes]:
        """What was written since, if it is enough to be sent."""
        if len(self._written) >= at_least:
            piece = bytes(self._written)
            self._written.clear()
            yield piece


def stream_zip(members: Iterable[Member], now: datetime) -> Iterator[bytes]:
    """Pieces of an archive.

    Args:
        members: its files; one that raises cuts the archive off, so that nobody takes it for whole.
        now: the time that its files have, in UTC.
    """
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w") as archive:  # type: ignore[call-overload]
        for member in members:
            about = zipfile.ZipInfo(member.name, now.timetuple()[:6])
            about.compress_type = zipfile.ZIP_DEFLATED if member.packed else zipfile.ZIP_STORED
            about.external_attr = 0o644 << 16
            with archive.open(about, "w") as file:
                for block in member.blocks:
                    file.write(block)
                    yield from outlet.take(_PIECE_BYTES)
    yield from outlet.take()
