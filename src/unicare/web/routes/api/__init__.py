"""The API, version 1: what programs ask; pages are made of the same."""

from unicare.web.routes.api.router import API_START, api_router

__all__ = ["API_START", "api_router"]
