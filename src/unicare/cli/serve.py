"""``unicare serve``: a challenge's site."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unicare.cli.failures import told_plainly
from unicare.cli.options import AsJson, Verbose
from unicare.cli.screen import show
from unicare.core.errors import SettingsError

if TYPE_CHECKING:
    import socket

    from unicare.web.settings import SiteSettings

__all__ = ["serve"]

_PATIENCE_S = 10


@told_plainly
def serve(
    challenge: Annotated[Path, typer.Option(metavar="DIR", help="Folder with challenge.yaml.")],
    data: Annotated[Path, typer.Option(metavar="DIR", help="Folder in which the site keeps its own data.")],
    host: Annotated[
        str | None, typer.Option(help="Address to listen on; 127.0.0.1 if not given.", show_default=False)
    ] = None,
    port: Annotated[
        int | None, typer.Option(help="Port to listen on; 8000 if not given.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    verbose: Verbose = 0,
) -> None:
    """Serve the public pages of a challenge and their API. Log-in and submissions aren't there yet."""
    try:
        import uvicorn

        from unicare.web.app import create_app
        from unicare.web.database import Database, upgrade
        from unicare.web.log import configure_logging
    except ModuleNotFoundError as error:
        raise SettingsError(
            "the site needs more than is installed",
            found=f"no {error.name}",
            mend="run pip install 'unicare[web]'",
        ) from None
    from unicare.web.challenge import load_challenge
    from unicare.web.settings import load_settings

    settings = load_settings(data, challenge_dir=challenge, host=host, port=port)
    content = load_challenge(challenge)
    listening = _listen(settings)
    database = Database.open(settings.database_url.get_secret_value())
    try:
        upgrade(database.engine)
        app = create_app(settings, content, database)
        configure_logging(level=logging.DEBUG if verbose else logging.INFO)
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            timeout_graceful_shutdown=_PATIENCE_S,
        )
        where = {"title": content.title, "url": settings.base_url, "data": str(settings.data_dir)}
        show(where, f"{content.title}: {settings.base_url} (Ctrl-C stops it)", as_json)
        with suppress(KeyboardInterrupt):  # raised again when all requests are answered
            uvicorn.Server(config).run(sockets=[listening])
    finally:
        database.close()
        listening.close()


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
