"""All routes of the site, one after the other."""

from __future__ import annotations

from starlette.routing import BaseRoute

from unicare.web.routes import health
from unicare.web.routes.api.parts import PARTS as API
from unicare.web.routes.pages.parts import PARTS as PAGES

__all__ = ["ROUTES"]

ROUTES: tuple[BaseRoute, ...] = tuple(
    route for part in (health.router, *API, *PAGES) for route in part.routes
)
"""Read once a process, as that takes its time: routes know nothing of the application that they answer for,
but look it up with each request, so any number of applications may share them. They lie in one row: routers
within routers are looked through several times for each request."""
