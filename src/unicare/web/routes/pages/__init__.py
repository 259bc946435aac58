"""Pages: what the API says, as people read it."""

from unicare.web.routes.pages.router import pages_router

__all__ = ["pages_router"]
