"""Teams' programs that upload side by side, over a network that they share."""

from __future__ import annotations

import http.client
import json
import random
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

CHUNK_BYTES = 16 * 2**20
BLOCK_BYTES = 2**18


class Program:
    """One team's program, over one connection.

    Args:
        port: of the site.
        token: of the team.
    """

    def __init__(self, port: int, token: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=600)
        self._token = token

    def ask(self, method: str, address: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """What the API answers."""
        every = {"Authorization": f"Bearer {self._token}", **headers}
        self._connection.request(method, f"/api/v1{address}", body, every)
        answer = self._connection.getresponse()
        text = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {address}: {answer.status} {text[:300]!r}")
        found: dict[str, Any] = json.loads(text) if text else {}
        return found


def announce(port: int, token: str, names: dict[str, str], size: int) -> int:
    """Begins an upload; the submission's number."""
    about = {
        "task": names["task"],
        "phase": names["phase"],
        "name": "load.zip",
        "total_bytes": size,
        "note": "",
    }
    body = json.dumps(about)
    headers = {"Content-Type": "application/json"}
    return int(Program(port, token).ask("POST", "/submissions", body, **headers)["id"])


def upload(port: int, token: str, submission: int, size: int, bytes_per_second: float) -> float:
    """One team's upload, not quicker than its share of the network; its seconds."""
    began = time.perf_counter()
    program = Program(port, token)
    block = random.Random(submission).randbytes(BLOCK_BYTES)
    for offset in range(0, size, CHUNK_BYTES):
        length = min(CHUNK_BYTES, size - offset)
        blocks = paced(block, offset, length, began, bytes_per_second)
        headers = {"Upload-Offset": str(offset), "Content-Length": str(length)}
        program.ask("PATCH", f"/submissions/{submission}/upload", blocks, **headers)
    program.ask("POST", f"/submissions/{submission}/upload/end")
    return time.perf_counter() - began


def paced(block: bytes, offset: int, length: int, began: float, bytes_per_second: float) -> Iterator[bytes]:
    """A piece in blocks, each as soon as the network would have brought it."""
    for at in range(0, length, len(block)):
        early = (offset + at) / bytes_per_second - (time.perf_counter() - began)
        if early > 0:
            time.sleep(early)
        yield block[: min(len(block), length - at)]


def upload_all(port: int, submissions: Mapping[int, str], size: int, network_mbit: float) -> list[float]:
    """All uploads side by side, of submissions by their teams' tokens; the seconds of each."""
    share = network_mbit * 1e6 / 8 / max(1, len(submissions))
    with ThreadPoolExecutor(max(1, len(submissions))) as pool:
        jobs = [
            pool.submit(upload, port, token, submission, size, share)
            for submission, token in submissions.items()
        ]
        return [job.result() for job in jobs]
