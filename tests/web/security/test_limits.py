"""How much and how often one may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import Request
from tests.web.sites import asking, made_app

from unicare.web.security.bodies import LARGEST_BODY_BYTES
from unicare.web.security.rates import PIECES, MemoryRates, asker


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def pieces(size: int) -> Iterator[bytes]:
    """A body that doesn't say how long it is."""
    for _ in range(size // 1024):
        yield b"x" * 1024


@pytest.mark.parametrize("reader", ["body", "stream"])
def test_bodies_that_are_too_large_are_refused_however_they_come(tmp_path: Path, reader: str) -> None:
    app = made_app(tmp_path)
    got: list[int] = []

    @app.post("/take")
    async def take(request: Request) -> int:
        if reader == "body":
            size = len(await request.body())
        else:
            size = 0
            async for piece in request.stream():
                size += len(piece)
                got.append(len(piece))
        return size

    client = asking(app)
    assert client.post("/take", content=b"x" * LARGEST_BODY_BYTES).json() == LARGEST_BODY_BYTES
    assert client.post("/take", content=pieces(LARGEST_BODY_BYTES)).json() == LARGEST_BODY_BYTES
    got.clear()
    for content in (b"x" * (LARGEST_BODY_BYTES + 1), pieces(64 * LARGEST_BODY_BYTES)):
        answer = client.post("/take", content=content)
        assert answer.status_code == 413
        assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert sum(got) <= LARGEST_BODY_BYTES


@pytest.mark.parametrize("length", ["-1", "1e9", "x", "9" * 400])
def test_a_length_that_is_none_is_refused(tmp_path: Path, length: str) -> None:
    answer = asking(made_app(tmp_path)).get("/", headers={"Content-Length": length})
    assert answer.status_code in (400, 413)


def test_a_bucket_fills_up_evenly() -> None:
    clock = Clock()
    rates = MemoryRates(60, clock=clock)
    assert [rates.take("me").allowed for _ in range(61)] == [True] * 60 + [False]
    assert rates.take("you").allowed
    assert rates.take("me").wait_s == pytest.approx(1.0)
    clock.now += 1.0
    assert [rates.take("me").allowed for _ in range(2)] == [True, False]
    clock.now += 3600
    assert sum(rates.take("me").allowed for _ in range(100)) == 60


def test_those_not_seen_for_long_are_forgotten_first() -> None:
    rates = MemoryRates(1, most=2, clock=Clock())
    assert rates.take("a").allowed
    assert rates.take("b").allowed
    assert not rates.take("a").allowed
    assert rates.take("c").allowed  # b is forgotten, a was seen later
    assert not rates.take("a").allowed
    assert rates.take("b").allowed


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("::ffff:10.0.0.1", "10.0.0.1", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
    ],
)
def test_one_household_is_one_asker(one: str, other: str, same: bool) -> None:
    keys = [asker({"type": "http", "client": (host, 1)}) for host in (one, other)]
    assert (keys[0] == keys[1]) == same


def test_pieces_of_uploads_are_counted_apart(tmp_path: Path) -> None:
    clock = Clock()
    client = asking(made_app(tmp_path, seconds=clock, settings={"api_requests_per_minute": 1}))
    told = [client.patch("/api/v1/submissions/1/upload").status_code for _ in range(PIECES + 1)]
    assert told == [*[401] * PIECES, 429] or told == [*[403] * PIECES, 429]
    assert [client.get("/api/v1/tasks").status_code for _ in range(2)] == [200, 429]
    assert client.get("/api/v1/submissions/1/upload").status_code == 429
    clock.now += 60 / PIECES  # one more piece, and a part of another request
    again = [client.patch("/api/v1/submissions/1/upload").status_code for _ in range(2)]
    assert again == [told[0], 429]
    assert client.get("/api/v1/tasks").status_code == 429
