"""``unicare serve``: a challenge's site, with all that runs beside it."""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.failures import INTERRUPTED, told_plainly
from unicare.cli.options import AsJson, Verbose
from unicare.cli.screen import waiting
from unicare.cli.serve_banner import tell_what_runs
from unicare.core.errors import SettingsError

if TYPE_CHECKING:
    import socket
    from types import FrameType

    from fastapi import FastAPI

    from unicare.web.settings import SiteSettings

__all__ = ["ChallengeFolder", "DataFolder", "Ending", "log_to_terminal", "serve", "site_needs"]

_PATIENCE_S = 10

ChallengeFolder = Annotated[
    Path, typer.Option("--challenge", metavar="DIR", help="Folder with challenge.yaml.")
]
DataFolder = Annotated[
    Path, typer.Option("--data", metavar="DIR", help="Folder in which the site keeps its own data.")
]


@told_plainly
def serve(
    challenge: ChallengeFolder,
    data: DataFolder,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 if not given.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 8000 if not given.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=0, max=256, help="Processes that check and evaluate; 1 if not given.", show_default=False
        ),
    ] = None,
    no_workers: Annotated[
        bool, typer.Option("--no-workers", help="None here: unicare site worker runs them, also elsewhere.")
    ] = False,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Run the site of a challenge: pages, API, workers, mails. Ctrl-C ends it, a second one at once.

    The challenge's folder is read when the site starts; restart it to take up changes.
    """
    site_needs()
    from unicare.web.app import create_app
    from unicare.web.challenge import load_challenge
    from unicare.web.data_folder import keep_for, refuse_overlap
    from unicare.web.database import Database, upgrade
    from unicare.web.life.storage_mark import leave_mark
    from unicare.web.settings import load_settings
    from unicare.web.upkeep import look_at_machine

    wanted = 0 if no_workers else workers
    content = load_challenge(challenge)
    refuse_overlap(data, challenge)
    settings = load_settings(data, challenge_dir=challenge, host=host, port=port, workers=wanted)
    keep_for(data, content.name)
    listening = _listen(settings)
    database = Database.open(settings.database_url.get_secret_value())
    try:
        upgrade(database.engine)
        with waiting("looking for what runs containers"):
            machine = look_at_machine(settings, content)
        app = create_app(machine.settings, content, database)
        leave_mark(app.state.site.working)
        begin = log_to_terminal(verbose)
        begin()
        tell_what_runs(machine, content, database, as_json)
        _run(app, listening, machine.settings, begin)
    finally:
        database.close()
        listening.close()


def site_needs() -> None:
    """Says what to install where the site's packages are missing.

    Raises:
        SettingsError: one is.
    """
    try:
        import alembic  # noqa: F401
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401

        import unicare.web.upkeep  # noqa: F401
    except ModuleNotFoundError as error:
        raise SettingsError(
            "the site needs more than is installed",
            found=f"no {error.name}",
            mend="run pip install 'unicare[web]'",
        ) from None


def log_to_terminal(verbose: int) -> Callable[[], None]:
    """What sends the log of a process to standard error: for people at a terminal, as JSON elsewhere."""
    from unicare.web.log import configure_logging

    level = logging.DEBUG if verbose else logging.INFO
    return partial(configure_logging, level=level, readable=sys.stderr.isatty())


class Ending:
    """What Ctrl-C and SIGTERM do: the first time all ends in good order, the second time at once.

    At once is safe, too: leases of work that was under way run out, and it is done again. Workers end with
    this process.

    Args:
        ways: called the first time.
    """

    def __init__(self, *ways: Callable[[], None]) -> None:
        self._ways = ways
        self._asked = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """The handler of a signal."""
        if self._asked:
            os._exit(INTERRUPTED)
        self._asked = True
        if sys.stderr.isatty():
            print("\nending; work under way is handed back. Ctrl-C again ends at once", file=sys.stderr)
        for way in self._ways:
            way()

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Handles these signals meanwhile."""
        before = {one: signal.signal(one, self) for one in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for one, handler in before.items():
                signal.signal(one, handler)


def _run(
    app: FastAPI, listening: socket.socket, settings: SiteSettings, begin_worker: Callable[[], None]
) -> None:
    """Pages and all that runs beside them, until told to stop."""
    import uvicorn

    from unicare.web.upkeep import Upkeep, chores_of
    from unicare.web.upkeep.chores import mailer_here

    class Server(uvicorn.Server):
        def handle_exit(self, sig: int, frame: FrameType | None) -> None:
            ending(sig, frame)

    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        log_level=logging.WARNING if sys.stderr.isatty() else logging.INFO,
        lifespan="off",
        timeout_graceful_shutdown=_PATIENCE_S,
    )
    server = Server(config)
    upkeep = Upkeep(chores_of(app.state.site, mailer_here(settings)), settings, begin_worker)
    ending = Ending(upkeep.stop, partial(setattr, server, "should_exit", True))
    with ending.listening(), upkeep:
        server.run(sockets=[listening])


def _listen(settings: SiteSettings) -> socket.socket:
    """The socket, before anything is written: another site may be there already."""
    import socket

    try:
        places = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)
        family, _, _, _, address = places[0]
        return socket.create_server(address[:2], family=family, backlog=2048)
    except OSError as error:
        raise SettingsError(
            f"{settings.host}, port {settings.port}: can't be listened on",
            found=error.strerror,
            mend="choose another --port, or end what listens there",
        ) from None
