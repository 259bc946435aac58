"""Applications served as in earnest, on a port of their own."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

__all__ = ["address_of", "listen", "served"]

_PATIENCE_S = 60


def listen() -> socket.socket:
    """A socket that nobody else has, on this machine only."""
    return socket.create_server(("127.0.0.1", 0))


def address_of(listening: socket.socket) -> str:
    """What browsers call it."""
    return f"http://127.0.0.1:{listening.getsockname()[1]}"


@contextmanager
def served(app: FastAPI, listening: socket.socket | None = None) -> Iterator[str]:
    """The application, answering in a thread; its address.

    Args:
        app: what answers.
        listening: where, if the address had to be known before.
    """
    with listening or listen() as place:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [place]}, daemon=True)
        thread.start()
        until = time.monotonic() + _PATIENCE_S
        while not server.started and time.monotonic() < until:
            time.sleep(0.01)
        assert server.started
        try:
            yield address_of(place)
        finally:
            server.should_exit = True
            thread.join(_PATIENCE_S)
