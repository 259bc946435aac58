"""All routes of the site."""

from __future__ import annotations

from functools import cache

from fastapi import APIRouter

from unicare.web.routes import health
from unicare.web.routes.api import api_router
from unicare.web.routes.pages import pages_router

__all__ = ["site_router"]


@cache
def site_router() -> APIRouter:
    """All of them, made once a process.

    FastAPI takes half a second of processor to read their signatures. They know nothing of the application
    that they answer for, but look it up with each request: any number of applications may share them.
    """
    every = APIRouter()
    for router in (health.router, api_router(), pages_router()):
        every.include_router(router)
    return every
