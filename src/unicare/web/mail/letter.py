"""What a mail says."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TOKEN", "Letter"]

TOKEN = "\ue000"
"""Where the token of a link belongs: a character that no text of people has, as it isn't printable."""


@dataclass(frozen=True)
class Letter:
    """What a mail says.

    Attributes:
        subject: one line.
        body: plain text; ``TOKEN`` stands where the token of a link belongs.
    """

    subject: str
    body: str
