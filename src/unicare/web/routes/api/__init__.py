"""The API, version 1: what programs ask; pages are made of the same."""

from unicare.web.routes.api.part import API_START

__all__ = ["API_START"]
