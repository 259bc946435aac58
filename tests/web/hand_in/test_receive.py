"""Who waits for whom when uploads come to their ends."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from unicare.web.archive.uploads import Uploads
from unicare.web.hand_in.receive import Receiver

PATIENCE_S = 30


def test_predictions_dont_wait_for_a_container_that_takes_its_time(tmp_path: Path) -> None:
    receiver, over, taken = Receiver(Uploads(tmp_path)), threading.Event(), []

    async def play() -> None:
        image = asyncio.create_task(receiver.end("container", lambda: over.wait(PATIENCE_S) and None))
        await asyncio.wait_for(receiver.end("predictions", lambda: taken.append("labels")), PATIENCE_S)
        assert not image.done()
        over.set()
        await image

    asyncio.run(play())
    assert taken == ["labels"]


def test_those_of_one_kind_come_one_after_the_other(tmp_path: Path) -> None:
    receiver, at_work, most = Receiver(Uploads(tmp_path)), [], []

    def take() -> None:
        at_work.append(1)
        threading.Event().wait(0.01)
        most.append(len(at_work))
        at_work.pop()

    async def play() -> None:
        await asyncio.gather(*(receiver.end("predictions", take) for _ in range(5)))

    asyncio.run(play())
    assert most == [1] * 5


def test_what_goes_wrong_comes_through(tmp_path: Path) -> None:
    def fail() -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        asyncio.run(Receiver(Uploads(tmp_path)).end("predictions", fail))
