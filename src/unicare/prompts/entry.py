"""One case of prompts.json: how slices, labels, boxes and points may look, and what is said otherwise."""

from __future__ import annotations

import logging
import math
import re
from typing import Any

from unicare.core.errors import PromptError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.prompts.scan import JsonObject

__all__ = ["LARGEST_LABEL", "MAX_POINTS", "OVERHANG_VOXELS", "read_case", "show_name"]

MAX_POINTS = 5
"""Points of one label on one slice, at most."""

LARGEST_LABEL = 2**31 - 1
"""The largest label value: what an int32 NIfTI holds."""

OVERHANG_VOXELS = 2
"""How far a box may reach out of its slice; it is clipped then."""

_LARGEST_COORDINATE = 1_000_000
_LARGEST_SLICE = 1_000_000
_DEEPEST = 40
_NUMBER = r"[\s_]*(?:id)?[\s_]*([+-]?[0-9]+)(?:\.0*)?"
_KEYS = {
    "slice": (re.compile(r"(?:slice)?" + _NUMBER, re.IGNORECASE), 0, _LARGEST_SLICE),
    "label": (re.compile(r"(?:label)?" + _NUMBER, re.IGNORECASE), 1, LARGEST_LABEL),
}
"""What a key looks like, the least and the largest number in it."""

_ENTRY = "[box, points] or an object with box and points"

_log = logging.getLogger("unicare")


def show_name(name: str) -> str:
    """A name as it may stand in a message: escaped if it holds what can't be printed, shortened if long."""
    shown = name if name.isprintable() else ascii(name)
    return shown if len(shown) <= 200 else f"{shown[:200]}…"


def read_case(where: str, case: str, raw: Any) -> CasePrompts:
    """Turns the JSON value of one case into prompts.

    Args:
        where: file and case, for messages.
        case: its name.
        raw: JSON value, with ``JsonObject`` for objects.

    Raises:
        PromptError: names file, case, slice, label, field, what was found and what was expected.
    """
    if not case or case in (".", "..") or "/" in case or "\x00" in case:
        raise PromptError(
            f"{where}: impossible case name", found=ascii(case), expected="the name of an image"
        )
    slices: dict[int, dict[int, Prompt] | None] = {}
    for key, value in _object(where, raw, "an object {slice: null or {label: …}}").items():
        index = _whole_key(where, "slice", key)
        if index in slices:
            raise PromptError(f"{where}, slice {index}: listed twice", expected="every slice once")
        slices[index] = _read_slice(f"{where}, slice {index}", value)
    return CasePrompts(case=case, slices=slices)


def _read_slice(where: str, raw: Any) -> dict[int, Prompt] | None:
    prompts: dict[int, Prompt] = {}
    seen: set[int] = set()
    for key, value in _object(where, raw, "null or an object {label: [box, points]}").items():
        label = _whole_key(where, "label", key)
        if label in seen:
            raise PromptError(f"{where}, label {label}: listed twice", expected="every label once")
        seen.add(label)
        if value is not None:
            prompts[label] = _read_entry(f"{where}, label {label}", value)
    return prompts or None


def _object(where: str, raw: Any, expected: str) -> JsonObject:
    """A JSON object without repeated keys; null and an empty list are empty objects."""
    if raw is None or raw == []:
        return JsonObject()
    if not isinstance(raw, JsonObject):
        raise PromptError(where, found=_show(raw), expected=expected)
    if raw.repeated:
        raise PromptError(f"{where}: key {_show(raw.repeated[0])} comes twice", expected="every key once")
    return raw


def _whole_key(where: str, kind: str, key: str) -> int:
    """The number in the key of a slice or a label."""
    pattern, lowest, highest = _KEYS[kind]
    match = pattern.fullmatch(key.strip())
    number = int(match[1]) if match and len(match[1]) <= 20 else None
    if number is None or not lowest <= number <= highest:
        raise PromptError(
            f"{where}: not a {kind}", found=_show(key), expected=f"a whole number from {lowest} to {highest}"
        )
    return number


def _read_entry(where: str, raw: Any) -> Prompt:
    """``[box]``, ``[box, points]``, ``[box, points, {…}]`` or ``{"box": …, "points": …, …}``."""
    if isinstance(raw, list) and len(raw) <= 3:
        fields = dict(_object(where, raw[2], "an object behind box and points")) if len(raw) == 3 else {}
        for name, value in zip(("box", "points"), raw, strict=False):
            if name in fields:
                raise PromptError(f"{where}: {name} is given twice", found=_show(raw), expected=_ENTRY)
            fields[name] = value
    elif isinstance(raw, JsonObject):
        fields = dict(_object(where, raw, _ENTRY))
    else:
        raise PromptError(where, found=_show(raw), expected=_ENTRY)
    prompt = Prompt(
        box=_read_box(f"{where}: box", fields.pop("box", None)),
        points=_read_points(f"{where}: points", fields.pop("points", None), MAX_POINTS),
        negative_points=_read_points(f"{where}: negative_points", fields.pop("negative_points", None), None),
        text=_read_text(f"{where}: text", fields.pop("text", None)),
        mask=_read_text(f"{where}: mask", fields.pop("mask", None)),
        extra={key: _plain(f"{where}: {show_name(key)}", value, 0) for key, value in fields.items()},
    )
    if prompt.box is None and not prompt.points and prompt.mask is None:
        raise PromptError(
            f"{where}: neither box nor points", found=_show(raw), expected="at least one of them"
        )
    return prompt


def _read_box(where: str, raw: Any) -> Box | None:
    if raw is None or raw == []:
        return None
    if not isinstance(raw, list) or len(raw) != 4:
        raise PromptError(where, found=_show(raw), expected="[x, y, x+h, y+w]")
    x0, y0, x1, y1 = (_coordinate(where, value, raw, -OVERHANG_VOXELS) for value in raw)
    if x1 < x0 or y1 < y0:
        raise PromptError(
            f"{where}: reversed corners",
            found=_show(raw),
            expected="[x, y, x+h, y+w], the lower corner first and ends exclusive",
        )
    if x1 == x0 or y1 == y0:
        _log.warning("%s: no wider than nothing, %s; taken as one voxel wide", where, _show(raw))
    return Box(x0, y0, max(x1, x0 + 1), max(y1, y0 + 1))


def _read_points(where: str, raw: Any, most: int | None) -> tuple[Point, ...]:
    """A list of ``[x, y]``; a single ``[x, y]`` is a list of one."""
    if raw is None or raw == []:
        return ()
    if not isinstance(raw, list):
        raise PromptError(where, found=_show(raw), expected="[[x, y], …]")
    pairs = [raw] if len(raw) == 2 and not any(isinstance(value, list) for value in raw) else raw
    if most is not None and len(pairs) > most:
        raise PromptError(f"{where}: too many", found=len(pairs), expected=f"1 to {most}")
    points = []
    for pair in pairs:
        if not isinstance(pair, list) or len(pair) != 2:
            raise PromptError(where, found=_show(pair), expected="[[x, y], …]")
        points.append(Point(*(_coordinate(where, value, pair, 0) for value in pair)))
    return tuple(points)


def _coordinate(where: str, value: Any, whole: Any, lowest: int) -> int:
    """A whole number that an image could have; ``12.0`` is fine."""
    if type(value) is int:
        number = value
    elif type(value) is float and math.isfinite(value) and value.is_integer():
        number = int(value)
    else:
        raise PromptError(
            where, found=f"{_show(value)} in {_show(whole)}", expected="whole numbers, counted in voxels"
        )
    if not lowest <= number <= _LARGEST_COORDINATE:
        kind = "negative" if number < 0 else "huge"
        raise PromptError(
            f"{where}: {kind} coordinate", found=_show(whole), expected="voxels inside the image"
        )
    return number


def _read_text(where: str, raw: Any) -> str | None:
    if raw is None or raw == "":
        return None
    if not isinstance(raw, str):
        raise PromptError(where, found=_show(raw), expected="a string")
    return raw


def _plain(where: str, value: Any, depth: int) -> Any:
    """A further JSON value in plain dicts and lists, refused if it couldn't be written again."""
    if depth > _DEEPEST:
        raise PromptError(f"{where}: nested too deeply", expected=f"at most {_DEEPEST} levels")
    if isinstance(value, JsonObject):
        members = _object(where, value, "an object")
        return {key: _plain(where, inner, depth + 1) for key, inner in members.items()}
    if isinstance(value, list):
        return [_plain(where, inner, depth + 1) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        raise PromptError(where, found=_show(value), expected="finite numbers")
    return value


def _show(value: Any) -> str:
    """A JSON value as it may stand in a message: one line, short, printable."""
    if isinstance(value, JsonObject):
        return f"an object with {len(value)} keys"
    if isinstance(value, list):
        shown = ", ".join(_show(inner) if not isinstance(inner, list) else "[…]" for inner in value[:8])
        return f"[{shown}{', …' if len(value) > 8 else ''}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value) if abs(value) < 10**18 else "a number of over 18 digits"
    shown = ascii(value)
    return shown if len(shown) <= 60 else f"{shown[:60]}…"
