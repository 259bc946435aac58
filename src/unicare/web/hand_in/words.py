"""What may be written in words that are kept: nothing that a database or a terminal stumbles over."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, StringConstraints

__all__ = ["FileName", "Hash", "Note", "Short"]

_LONGEST_NAME = 255
_LONGEST_NOTE = 2000
_BREAKS = {"\n", "\t"}


def _one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected one line without control characters")
    return text


def _lines(text: str) -> str:
    plain = text.replace("\r\n", "\n").replace("\r", "\n").strip()
    if not all(one.isprintable() or one in _BREAKS for one in plain):
        raise ValueError("expected text without control characters")
    return plain


Short = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""A name as in challenge.yaml."""

FileName = Annotated[
    str, StringConstraints(min_length=1, max_length=_LONGEST_NAME), AfterValidator(_one_line)
]
"""What a team calls its file."""

Note = Annotated[str, StringConstraints(max_length=_LONGEST_NOTE), AfterValidator(_lines)]
"""A few lines of a team's own words."""

Hash = Annotated[str, StringConstraints(pattern=r"^[0-9A-Fa-f]{64}$")]
"""SHA-256 in hexadecimal."""
