"""A challenge from its folder: all of it, or everything that is wrong with its challenge.yaml."""

from __future__ import annotations

import copy
import difflib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from unicare.core.errors import SettingsError
from unicare.web.challenge.findings import Finding
from unicare.web.challenge.rules import broken_rules
from unicare.web.challenge.schema import Challenge
from unicare.web.challenge.source import Place, Source, read_source

__all__ = ["CHALLENGE_FILE", "Reading", "load_challenge", "read_challenge"]

CHALLENGE_FILE = "challenge.yaml"

_OWN_KEYS = ("folder",)  # of the model, not of the file
_UNSAID = {"name": "unnamed", "title": "untitled"}  # so that the rest can be looked at
_LONGEST_VALUE = 60
_MOST_TOLD = 20


@dataclass(frozen=True)
class Reading:
    """What challenge.yaml says.

    Attributes:
        challenge: without the parts that aren't right; None where too little is left.
        findings: what isn't right, in order of lines.
    """

    challenge: Challenge | None
    findings: tuple[Finding, ...]


def load_challenge(folder: str | os.PathLike[str]) -> Challenge:
    """The challenge of a folder.

    Only challenge.yaml and what it names are looked at; ``check_challenge`` looks at the rest as well.

    Raises:
        SettingsError: there is none, or something is wrong with it; tells all of it.
    """
    reading = read_challenge(folder)
    errors = [one for one in reading.findings if one.severity == "error"]
    if errors or reading.challenge is None:
        told = [f"{one.place}: {one.text}" for one in errors[:_MOST_TOLD]]
        more = [f"and {len(errors) - _MOST_TOLD} more"] if len(errors) > _MOST_TOLD else []
        raise SettingsError(
            f"{folder} isn't a challenge that can run",
            found="\n  ".join([f"{len(errors)} problem{'s' if len(errors) != 1 else ''}:", *told, *more]),
            mend=f"mend them; unicare challenge check {folder} lists them",
        )
    return reading.challenge


def read_challenge(folder: str | os.PathLike[str]) -> Reading:
    """Reads challenge.yaml, and as much of it as can be used if something is wrong.

    Raises:
        SettingsError: there is no such folder, or no challenge.yaml in it.
    """
    root = Path(folder).resolve()
    file = root / CHALLENGE_FILE
    if root.is_file():
        raise SettingsError(
            f"{folder}: not a challenge's folder",
            found="a file",
            mend=f"give the folder: {Path(folder).parent}",
        )
    if not file.is_file():
        raise SettingsError(
            f"{folder}: not a challenge's folder",
            found="no such folder" if not root.is_dir() else f"no {CHALLENGE_FILE} in it",
            expected=f"a folder with {CHALLENGE_FILE}; docs/challenge.md says what belongs into it",
        )
    source = read_source(file)
    if isinstance(source, Finding):
        return Reading(None, (source,))
    if not isinstance(source.data, dict):
        text = "isn't a challenge"
        return Reading(
            None,
            (Finding("error", CHALLENGE_FILE, text, expected="keys and values, such as title and tasks"),),
        )
    return _read(root, source)


def _read(root: Path, source: Source) -> Reading:
    findings = [
        Finding("error", CHALLENGE_FILE, f"key {name} is there twice", line, mend="leave one of them out")
        for name, line in source.twice
    ]
    data = {key: value for key, value in source.data.items() if key not in _OWN_KEYS}
    findings += [_unknown_key(source, (key,)) for key in _OWN_KEYS if key in source.data]
    challenge, errors = _validated(root, data)
    misspelt = {(*place[:-1], near) for error in errors if (near := _meant(place := _place(error), error))}
    turned = {_place(error) for error in errors if _is_turned_label(error)}
    findings += [
        _told(source, error)
        for error in errors
        if _place(error) not in misspelt and (_place(error) not in turned or _is_turned_label(error))
    ]
    if challenge is None:
        left = _without(data, [_place(error) for error in errors])
        challenge, _ = _validated(root, {**_UNSAID, **left})
    if challenge is not None:
        findings += broken_rules(challenge, source)
    return Reading(challenge, tuple(sorted(findings, key=lambda one: one.line or 0)))


def _validated(root: Path, data: Any) -> tuple[Challenge | None, Sequence[Any]]:
    try:
        return Challenge.model_validate({**data, "folder": root}, context={"folder": root}), ()
    except ValidationError as error:
        return None, error.errors(include_url=False)


def _place(error: Any) -> Place:
    return tuple(part for part in error["loc"] if part != "[key]")


def _without(data: Any, places: Iterable[Place]) -> Any:
    """The same without what is wrong: an unknown key, else the item of a list, else the value itself."""
    left = copy.deepcopy(data)
    doomed: dict[int, tuple[list[Any], set[int]]] = {}
    for place in places:
        first_number = next((at for at, part in enumerate(place) if isinstance(part, int)), None)
        cut = place[: first_number + 1] if first_number is not None else place[:1]
        holder = left
        for part in cut[:-1]:
            holder = holder.get(part) if isinstance(holder, dict) else None
        if isinstance(holder, dict):
            holder.pop(cut[-1], None)
        elif isinstance(holder, list) and isinstance(cut[-1], int):
            doomed.setdefault(id(holder), (holder, set()))[1].add(cut[-1])
    for holder, positions in doomed.values():
        holder[:] = [item for at, item in enumerate(holder) if at not in positions]
    return left


def _told(source: Source, error: Any) -> Finding:
    place = _place(error)
    if error["type"] == "extra_forbidden":
        return _unknown_key(source, place)
    key, line = _show(place, source.data), source.line(place)
    if error["type"] == "missing":
        return Finding("error", CHALLENGE_FILE, f"{key} is missing", line, mend="add it")
    if _is_turned_label(error):
        expected, where = "number: name, such as 1: spleen", _show(place[:-1], source.data)
        return Finding(
            "error", CHALLENGE_FILE, f"{where}: not a number", line, found=str(place[-1]), expected=expected
        )
    message = str(error["msg"]).removeprefix("Value error, ")
    if error["type"] == "value_error":
        return Finding("error", CHALLENGE_FILE, f"{key}: {message}", line)
    if error["type"] == "string_pattern_mismatch" and place[-1] == "url":
        message = "expected an address that begins with http:// or https://"
    elif error["type"] == "string_pattern_mismatch":
        message = "expected small letters, digits, - and _, at most 40"
    else:
        message = message.replace("Input should", "it should").replace("Value should", "it should")
    return Finding("error", CHALLENGE_FILE, f"{key}: {message}", line, found=_value(error["input"]))


def _is_turned_label(error: Any) -> bool:
    """Whether a label's key isn't its number; its value then is wrong as well, which needn't be told."""
    return bool(error["type"] == "int_parsing" and error["loc"][-1] == "[key]")


def _value(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"


def _show(place: Sequence[int | str], data: Any) -> str:
    """A place as people write it: ``phases[1].start``, counted from 1 as in the file."""
    text, holder = "", data
    for part in place:
        if isinstance(holder, list) and isinstance(part, int):
            text += f"[{part + 1}]"
            holder = holder[part] if part < len(holder) else None
        else:
            text += f".{part}" if text else str(part)
            holder = holder.get(part) if isinstance(holder, dict) else None
    return text or "the file"


def _unknown_key(source: Source, place: Place) -> Finding:
    near = _nearest(place)
    mend = f"did you mean {near}?" if near else f"known are {', '.join(_keys_beside(place))}"
    what = f"unknown key {_show(place, source.data)}"
    return Finding("error", CHALLENGE_FILE, what, source.line(place), mend=mend)


def _meant(place: Place, error: Any) -> str:
    """The key that an unknown one was meant to be, so that nobody is told that this one is missing."""
    return _nearest(place) if error["type"] == "extra_forbidden" else ""


def _nearest(place: Place) -> str:
    near = difflib.get_close_matches(str(place[-1]), _keys_beside(place), n=1, cutoff=0.5)
    return near[0] if near else ""


def _keys_beside(place: Place) -> list[str]:
    model: type[BaseModel] | None = Challenge
    for part in place[:-1]:
        if isinstance(part, str) and model is not None and part in model.model_fields:
            model = _model_in(model.model_fields[part].annotation)
    return [name for name in model.model_fields if name not in _OWN_KEYS] if model is not None else []


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model in an annotation such as ``tuple[Task, ...]``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((model for part in get_args(annotation) if (model := _model_in(part)) is not None), None)
