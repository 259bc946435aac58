"""What all answers have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Facts"]


class Facts(BaseModel):
    """Nothing in an answer changes once it is made, and every key is always there."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, json_schema_serialization_defaults_required=True, allow_inf_nan=False
    )
