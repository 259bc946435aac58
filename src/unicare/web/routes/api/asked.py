"""What programs send."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path
from pydantic import BaseModel, ConfigDict, Field, SecretStr

__all__ = ["Asked", "Email", "Line", "Number", "NumberOf", "Password", "Token"]

_LARGEST_NUMBER = 2**31 - 1


class Asked(BaseModel):
    """What programs send: nothing but what is asked for; what they wrote is in no message."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


Email = Annotated[str, Field(max_length=320, description="An e-mail address.")]
Line = Annotated[str, Field(max_length=500, description="One line of plain text.")]
Password = Annotated[SecretStr, Field(max_length=1000, description="A password.")]
Token = Annotated[SecretStr, Field(max_length=200, description="Of the link in a mail.")]
Number = Annotated[int, Path(ge=1, le=_LARGEST_NUMBER, description="Its number.")]
NumberOf = Annotated[int, Field(ge=1, le=_LARGEST_NUMBER, description="Its number.")]
