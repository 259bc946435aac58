"""Settings of a training run, and the recipes (YAML files) that they are read from."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from unicare.core.errors import SettingsError

__all__ = ["LoopSettings", "Recipe", "load_recipe", "setting_changes", "validate_section"]

SECTIONS = ("loop", "model", "data")

Section = TypeVar("Section", bound=BaseModel)


class LoopSettings(BaseModel):
    """How a network is trained, whatever it is and whatever it learns."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    steps: int | None = Field(default=20_000, ge=1)
    """Optimiser steps; the schedule ends with them. None: planned from `max_minutes` by measured speed."""
    max_minutes: float | None = Field(default=None, gt=0)
    """Training time, resumed parts included, after which the run ends even if steps are left."""
    seed: int = Field(default=0, ge=0)
    """Everything random (first weights, batches, dropout) follows from this number and the step."""

    learning_rate: float = Field(default=1e-3, gt=0)
    """Highest learning rate, reached after the warm-up."""
    floor: float = Field(default=0.01, ge=0, le=1)
    """Learning rate at the last step, as a fraction of the highest."""
    warmup_steps: int = Field(default=200, ge=0)
    """Steps in which the learning rate rises linearly from zero."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Decay of AdamW, for weights of convolutions and linear layers only."""
    betas: tuple[float, float] = (0.9, 0.99)
    """Memory of AdamW for the gradient and for its square."""
    clip_norm: float | None = Field(default=1.0, gt=0)
    """Gradients longer than this are shortened to it; None: left as they are."""
    accumulate: int = Field(default=1, ge=1)
    """Batches whose gradients are averaged into one step."""
    ema_decay: float = Field(default=0.999, ge=0, lt=1)
    """Memory of the average of weights that is validated and exported; shorter in the first steps."""

    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    """Where to compute; auto takes a GPU if there is one."""
    precision: Literal["auto", "32-true", "bf16-mixed"] = "auto"
    """Arithmetic; auto takes bf16-mixed where the hardware multiplies bfloat16 quickly."""
    channels_last: bool = True
    """Keep weights of convolutions channels-last, which is quicker on CPUs and on recent GPUs."""

    log_every: int = Field(default=20, ge=1)
    """Steps between two TensorBoard entries."""
    validate_every: int | None = Field(default=1000, ge=1)
    """Steps between two validations; None: only at the end."""
    checkpoint_every: int = Field(default=1000, ge=1)
    """Steps between two checkpoints."""
    checkpoint_minutes: float = Field(default=10, gt=0)
    """Minutes after which a checkpoint is written even if its step hasn't come."""
    export_dtype: Literal["float16", "float32"] = "float32"
    """Number format of the exported weights."""

    @model_validator(mode="after")
    def _planned_or_given(self) -> LoopSettings:
        if self.steps is None and self.max_minutes is None:
            raise ValueError("steps is null, which needs max_minutes to plan them from")
        return self


@dataclass(frozen=True)
class Recipe:
    """One training run as written down: the loop's settings, and sections that their owners validate.

    Attributes:
        loop: settings of the loop, validated.
        model: settings of the network, as read.
        data: settings of the data, as read.
        source: the file, for messages.
    """

    loop: LoopSettings
    model: dict[str, Any]
    data: dict[str, Any]
    source: str


def load_recipe(path: str | Path, overrides: Iterable[str] = ()) -> Recipe:
    """Read a recipe, a YAML file with the sections `loop`, `model` and `data`, each of which may be missing.

    Args:
        path: the file.
        overrides: texts like ``loop.steps=100``, applied in order; values are read as YAML.

    Raises:
        SettingsError: the file can't be read or isn't a recipe, a key is unknown, or a value impossible.
    """
    source = str(path)
    sections = _read_sections(Path(path))
    for override in overrides:
        _apply_override(sections, override)
    return Recipe(
        loop=validate_section(LoopSettings, sections["loop"], "loop", source),
        model=sections["model"],
        data=sections["data"],
        source=source,
    )


def validate_section(
    settings: type[Section], values: Mapping[str, Any], section: str, source: str = "settings"
) -> Section:
    """Turn a recipe's section into its settings, refusing unknown keys with the nearest known one.

    Args:
        settings: the pydantic model of the section, with ``extra="forbid"``.
        values: what the recipe says.
        section: name of the section, for messages.
        source: file that the values come from, for messages.

    Raises:
        SettingsError: names the file, the key, and what was expected.
    """
    try:
        return settings.model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = [str(part) for part in first["loc"]]
        key = ".".join([section, *place])
        if first["type"] == "extra_forbidden":
            raise _unknown_key(source, key, _keys_at(settings, place[:-1])) from None
        message = str(first["msg"]).removeprefix("Value error, ")
        if not place:
            raise SettingsError(f"{source}: section {section}: {message}") from None
        raise SettingsError(f"{source}: {key}: {message}", found=repr(first["input"])) from None


def setting_changes(before: Any, now: Any, place: str = "") -> list[str]:
    """Changed values of two nested settings, as ``loop.steps 100 → 200``."""
    if isinstance(before, dict) and isinstance(now, dict):
        changes = []
        for key in {**before, **now}:
            inner = f"{place}.{key}" if place else str(key)
            changes += setting_changes(before.get(key), now.get(key), inner)
        return changes
    same = json.dumps(before, default=str) == json.dumps(now, default=str)
    return [] if same else [f"{place} {before} → {now}"]


def _read_sections(path: Path) -> dict[str, dict[str, Any]]:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "not UTF-8 text"
        raise SettingsError(f"{path}: can't be read as a recipe ({reason})", mend="check the path") from None
    except yaml.YAMLError as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"{path}: isn't YAML ({reason})", expected="a recipe") from None
    content = {} if content is None else content
    if not isinstance(content, dict):
        raise SettingsError(f"{path}: isn't a recipe", expected=f"the sections {', '.join(SECTIONS)}")
    for key in content:
        if key not in SECTIONS:
            raise _unknown_key(str(path), str(key), SECTIONS)
    sections = {}
    for name in SECTIONS:
        section = content.get(name) or {}
        if not isinstance(section, dict):
            raise SettingsError(f"{path}: section {name}", found=repr(section), expected="keys and values")
        sections[name] = {str(key): value for key, value in section.items()}
    return sections


def _apply_override(sections: dict[str, dict[str, Any]], override: str) -> None:
    name, equals, text = override.partition("=")
    section, *keys = name.strip().split(".")
    if not equals or not keys or not all(keys):
        raise SettingsError(
            f"--set {override}: can't be read", expected="section.key=value, for example loop.steps=100"
        )
    if section not in SECTIONS:
        raise _unknown_key("--set", section, SECTIONS)
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError:
        raise SettingsError(f"--set {override}: the value isn't YAML", found=repr(text)) from None
    place = sections[section]
    for key in keys[:-1]:
        place = place.setdefault(key, {})
        if not isinstance(place, dict):
            raise SettingsError(f"--set {override}: {key} holds a value", expected="a section with keys")
    place[keys[-1]] = value


def _unknown_key(source: str, key: str, known: Iterable[str]) -> SettingsError:
    parent, _, last = key.rpartition(".")
    known = sorted(known)
    near = difflib.get_close_matches(last, known, n=1, cutoff=0.5)
    mend: str | None
    if near:
        mend = f"did you mean {parent + '.' if parent else ''}{near[0]}?"
    else:
        mend = f"known are {', '.join(known)}" if known else None
    return SettingsError(f"{source}: unknown key {key}", mend=mend)


def _keys_at(settings: type[BaseModel], place: list[str]) -> list[str]:
    for part in place:
        field = settings.model_fields.get(part)
        if field is None:
            continue  # an index into a list, or the tag of a union
        kinds = [field.annotation, *get_args(field.annotation)]
        nested = [kind for kind in kinds if isinstance(kind, type) and issubclass(kind, BaseModel)]
        if not nested:
            return []
        settings = nested[0]
    return list(settings.model_fields)
