"""The site as one application."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from unicare import __version__
from unicare.web.boards import Boards, ScoreSource
from unicare.web.challenge import Challenge
from unicare.web.database import Database, utc_now
from unicare.web.facts.texts import Texts
from unicare.web.hand_in.receive import Receiver
from unicare.web.instruments import Instruments
from unicare.web.life import Wake, open_wake, working_site
from unicare.web.life.clock import Clock, database_time
from unicare.web.pages.render import Pages
from unicare.web.routes.api import API_START
from unicare.web.routes.problems import API, Failures, Problem, Refusal, handle_errors
from unicare.web.routes.requests import HeadAsGet, RequestLog
from unicare.web.routes.table import ROUTES
from unicare.web.security.bodies import BodyLimit
from unicare.web.security.headers import SecurityHeaders
from unicare.web.security.hosts import HostCheck, site_hosts
from unicare.web.security.rates import PIECES, MemoryRates, RateLimit
from unicare.web.settings import SiteSettings
from unicare.web.site import Site, open_door
from unicare.web.standings import StoredScores

__all__ = ["OPENAPI", "create_app"]

OPENAPI = f"{API_START}/openapi.json"

_WHATEVER_HOST = frozenset({"/healthz", "/metrics"})


def create_app(
    settings: SiteSettings,
    challenge: Challenge,
    database: Database,
    *,
    scores: ScoreSource | None = None,
    wake: Wake | None = None,
    clock: Callable[[], datetime] = utc_now,
    seconds: Callable[[], float] = time.monotonic,
) -> FastAPI:
    """The application that serves a challenge.

    Args:
        settings: of ``load_settings``.
        challenge: of ``load_challenge``.
        database: with all its tables.
        scores: what teams' runs gave; what workers have left in the database if not given.
        wake: rung when there is something to do for workers; what the settings say if not given.
        clock: says what time it is, with a time zone.
        seconds: never going back: what requests to the API are counted by.

    Raises:
        SettingsError: a text or a published table of the challenge can't be shown.
    """
    texts = Texts(challenge)
    working = working_site(settings, challenge, database, _own_clock(clock))
    site = Site(
        settings=settings,
        challenge=challenge,
        texts=texts,
        boards=Boards(challenge, scores or StoredScores(database, challenge)),
        pages=Pages({"challenge": challenge, "texts": texts, "openapi": OPENAPI}),
        instruments=Instruments(),
        database=database,
        door=open_door(settings, challenge, database, clock),
        working=working,
        receiver=Receiver(working.uploads),
        wake=wake or open_wake(settings.wake_url.get_secret_value()),
        clock=clock,
    )
    app = FastAPI(
        title=f"{challenge.title}: API",
        version="1",
        description=f"Version 1 of the API of this challenge’s site, made by unicare {__version__}.",
        openapi_url=OPENAPI,
        docs_url=None,  # their pages fetch scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,
    )
    app.router.routes.extend(ROUTES)
    app.state.site = site
    app.openapi = _described(app)  # type: ignore[method-assign]
    _wrap(app, site, seconds)
    return app


def _wrap(app: FastAPI, site: Site, seconds: Callable[[], float]) -> None:
    """Puts around an application what every request goes through."""
    refuse = Refusal(site)
    handle_errors(app, refuse)
    per_minute = site.settings.api_requests_per_minute
    # The last to be added is the first that a request comes to.
    app.add_middleware(HeadAsGet)
    app.add_middleware(
        RateLimit,
        store=MemoryRates(per_minute, clock=seconds),
        limit=per_minute,
        start=API,
        refuse=refuse,
        pieces=MemoryRates(PIECES * per_minute, clock=seconds),
    )
    chunks = {f"{API_START}/submissions/": site.settings.upload_chunk_mb * 2**20}
    app.add_middleware(BodyLimit, refuse=refuse, elsewhere=chunks)
    app.add_middleware(HostCheck, hosts=site_hosts(site.settings), everywhere=_WHATEVER_HOST, refuse=refuse)
    app.add_middleware(Failures, refuse=refuse)
    app.add_middleware(RequestLog, instruments=site.instruments)
    app.add_middleware(SecurityHeaders, secure=site.settings.secure)


def _own_clock(clock: Callable[[], datetime]) -> Clock:
    """What submissions are timed by: the database's clock, or the one that was given."""
    return database_time if clock is utc_now else lambda session: clock()


def _described(app: FastAPI) -> Callable[[], dict[str, Any]]:
    """The OpenAPI document, with the errors that all routes have in common."""

    def describe() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = get_openapi(
                title=app.title, version=app.version, description=app.description, routes=app.routes
            )
            schemas = document.setdefault("components", {}).setdefault("schemas", {})
            schemas[Problem.__name__] = Problem.model_json_schema()
            app.openapi_schema = document
        return app.openapi_schema

    return describe
