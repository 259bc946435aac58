"""Applications served as in earnest, on a port of their own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI
from tests.web.waiting import PATIENCE_S, until

__all__ = ["address_of", "listen", "served"]


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
        until(lambda: server.started or not thread.is_alive())
        assert server.started
        try:
            yield address_of(place)
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
        assert not thread.is_alive()
