"""What a page says after a form did what it was asked for; addresses name it by its key."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["NOTICES"]

NOTICES: Mapping[str, str] = {
    "logged-in": "You are logged in.",
    "logged-out": "You are logged out.",
}
"""Key to sentence."""
