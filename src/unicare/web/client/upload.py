"""One file, uploaded in pieces, gone on with wherever it was broken off."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

from unicare.core.errors import SubmissionError
from unicare.web.client.connection import SiteConnection, SiteError
from unicare.web.client.pack import Packed

__all__ = ["Told", "hand_in", "sha256_of"]

Told = Callable[[int, int], None]
"""Told after some bytes: how many are done, of how many."""

_BLOCK_BYTES = 2**18
_END_S = 1800.0
_LONGEST_PAUSE_S = 30.0
_ELSEWHERE = frozenset({"offset", "locked"})


def sha256_of(path: Path, told: Told) -> str:
    """SHA-256 of a file, in hexadecimal."""
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(4 * _BLOCK_BYTES):
            digest.update(block)
            done += len(block)
            told(done, total)
    return digest.hexdigest()


def hand_in(
    site: SiteConnection, packed: Packed, sha256: str, *, task: str, phase: str, note: str, told: Told
) -> dict[str, Any]:
    """Hands a file in; goes on with an upload of the same file that was broken off, if there is one.

    Args:
        site: where to.
        packed: the file.
        sha256: of it.
        task: for which task.
        phase: in which phase.
        note: the team's own words.
        told: told of the progress.

    Returns:
        The submission, as the site tells it.

    Raises:
        SiteError: it is refused, or the connection stays broken for too long.
        SubmissionError: the file has changed meanwhile.
    """
    total = packed.path.stat().st_size
    number = _begun_before(site, sha256, total, task, phase)
    if number is None:
        about = {"task": task, "phase": phase, "name": packed.name[:255], "total_bytes": total}
        about |= {"sha256": sha256, "note": note}
        number = site.once("POST", "submissions", json=about)["id"]
    with packed.path.open("rb") as file:
        _send(site, number, file, total, told)
    return _end(site, number)


def _begun_before(site: SiteConnection, sha256: str, total: int, task: str, phase: str) -> int | None:
    for one in site.get("submissions"):
        if (one["state"], one["task"], one["phase"]) != ("uploading", task, phase):
            continue
        try:
            upload = site.get(f"submissions/{one['id']}/upload")
        except SiteError:
            continue
        if (upload["sha256"], upload["total_bytes"]) == (sha256, total):
            return int(one["id"])
    return None


def _send(site: SiteConnection, number: int, file: IO[bytes], total: int, told: Told) -> None:
    address = f"submissions/{number}/upload"
    state = site.get(address)
    at, chunk = state["length"], state["chunk_bytes"]
    until, pause_s = time.monotonic() + site.patience_s, 1.0
    told(at, total)
    while at < total:
        try:
            at = _send_piece(site, address, file, at, min(chunk, total - at), lambda done: told(done, total))
        except SiteError as error:
            if not (error.passing or error.reason in _ELSEWHERE) or time.monotonic() > until:
                raise
            site.sleep(max(pause_s, error.wait_s or 0.0) if error.reason != "offset" else 0.0)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
            at = site.get(address)["length"]
        else:
            until, pause_s = time.monotonic() + site.patience_s, 1.0
        told(at, total)


def _send_piece(
    site: SiteConnection, address: str, file: IO[bytes], at: int, size: int, told: Callable[[int], None]
) -> int:
    """Sends bytes from a place on; where the upload stands then."""
    file.seek(at)
    piece = memoryview(file.read(size))
    if len(piece) != size:
        raise SubmissionError("the file has become shorter while it was uploaded", mend="hand it in again")

    def blocks() -> Iterator[bytes]:
        for start in range(0, size, _BLOCK_BYTES):
            yield bytes(piece[start : start + _BLOCK_BYTES])
            told(at + min(start + _BLOCK_BYTES, size))

    headers = {
        "Upload-Offset": str(at),
        "Content-Type": "application/octet-stream",
        "Content-Length": str(size),
    }
    return int(site.once("PATCH", address, content=blocks(), headers=headers)["length"])


def _end(site: SiteConnection, number: int) -> dict[str, Any]:
    """Says that all has come; the site may take a while to compare hashes of gigabytes."""

    def end() -> Any:
        try:
            return site.once("POST", f"submissions/{number}/upload/end", timeout_s=_END_S)
        except SiteError as error:
            if error.reason == "locked":  # an earlier try is still at work there
                raise SiteError(str(error), 503) from None
            raise

    told: dict[str, Any] = site.patiently(end)
    return told
