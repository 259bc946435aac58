"""Answers whose address may have a token in it."""

from __future__ import annotations

from typing import TypeVar

from fastapi import Response

__all__ = ["quiet"]

R = TypeVar("R", bound=Response)


def quiet(response: R) -> R:
    """The same, kept by no cache, and its address told to no other page."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    return response
