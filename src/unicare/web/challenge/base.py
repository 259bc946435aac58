"""What all models of challenge.yaml have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

__all__ = ["Slug", "Strict", "Title", "Url"]


class Strict(BaseModel):
    """Unknown keys are refused, values aren't guessed, nothing changes once it is read."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("expected one line without control characters")
    return text


Title = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300), AfterValidator(_printable)]
"""One line of plain text; it is shown as it is, markup included."""

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9_-]{0,39}$")]
"""A short name for addresses and folders: small letters, digits, - and _."""

Url = Annotated[str, StringConstraints(pattern=r"^https?://[^\s<>\"]+$", max_length=500)]
"""An address on the web."""
