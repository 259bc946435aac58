"""A team's program that hands in by HTTP, and asks again whenever it gets no answer."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import httpx2
from bench.boxes import PHASE, TASK, predictions

from unicare.web.life.states import State

__all__ = ["SAID_YES", "hand_in"]

BLOCK_BYTES = 200
SAID_YES = "said_yes"


def hand_in(data_dir: str, given: dict[str, Any], token: str, wanted: int) -> None:
    """A team's own program: hands in by HTTP, and asks again whenever it got no answer, or 5xx."""
    data, waiting, known = predictions(), set[str](), set[str]()
    address = f"http://127.0.0.1:{given['port']}/api/v1/submissions"
    wanted_body = {"task": TASK, "phase": PHASE, "name": "boxes.zip", "total_bytes": len(data)}
    with (
        httpx2.Client(headers={"Authorization": f"Bearer {token}"}, timeout=60) as client,
        Path(data_dir, SAID_YES).open("a") as said_yes,
    ):
        while len(known) < wanted or waiting:
            try:
                waiting -= {one for one in waiting if send(client, f"{address}/{one}", data)}
                if len(known) < wanted:
                    new = str(answer(client.post(address, json=wanted_body))["id"])
                    print(new, file=said_yes, flush=True)
                    known.add(new)
                    waiting.add(new)
            except (httpx2.HTTPError, NoAnswerError) as error:
                print(f"team: {error!r}"[:200], file=sys.stderr, flush=True)
                time.sleep(0.1)
        forget_others(client, address, known)


class NoAnswerError(Exception):
    """The site said that it can't do it now."""


def answer(response: httpx2.Response) -> Any:
    if response.status_code >= 500:
        raise NoAnswerError(response.status_code)
    assert response.is_success, response.text
    return response.json()


def send(client: httpx2.Client, address: str, data: bytes) -> bool:
    """Goes on where an upload stands; whether all of it has been taken."""
    if answer(client.get(address))["state"] != State.UPLOADING:
        return True
    stands = client.get(f"{address}/upload")
    if stands.status_code == 409:  # it was whole; another request of ours took it
        return False
    for offset in range(answer(stands)["length"], len(data), BLOCK_BYTES):
        piece = data[offset : offset + BLOCK_BYTES]
        added = client.patch(f"{address}/upload", content=piece, headers={"Upload-Offset": str(offset)})
        if added.status_code == 409:  # it stands elsewhere, or another request of ours adds to it
            return False
        answer(added)
    ended = client.post(f"{address}/upload/end")
    return ended.status_code != 409 and bool(answer(ended))


def forget_others(client: httpx2.Client, address: str, known: set[str]) -> None:
    """Takes back what was begun without the team hearing so: it has begun that once more."""
    while True:
        try:
            for one in answer(client.get(address)):
                if str(one["id"]) not in known and one["state"] == State.UPLOADING:
                    answer(client.delete(f"{address}/{one['id']}"))
        except (httpx2.HTTPError, NoAnswerError):
            time.sleep(0.1)
        else:
            return
