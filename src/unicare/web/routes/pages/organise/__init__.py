"""Organisers' pages, made of what their API says."""

from unicare.web.routes.pages.organise.parts import router

__all__ = ["router"]
