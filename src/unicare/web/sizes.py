"""Sizes as people read them, in decimal units: GB means the same in every message and on every page."""

from __future__ import annotations

__all__ = ["size_words"]

_UNITS = ((10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def size_words(count: int) -> str:
    """4.2 GB; three digits, and all of them where there are more before the point."""
    for unit, name in _UNITS:
        if count >= unit:
            value = count / unit
            return f"{value:.3g} {name}" if value < 999.5 else f"{value:.0f} {name}"
    return f"{count} byte{'' if count == 1 else 's'}"
