"""The JSON text of prompts.json, decoded and taken apart case by case: large files cost little memory."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unicare.core.errors import PromptError

__all__ = ["LARGEST_FILE_BYTES", "JsonObject", "decode_text", "scan_members"]

LARGEST_FILE_BYTES = 256 * 1024**2
"""Larger files are refused: no cohort needs them, and they would fill the memory."""

_BLANK = re.compile(r"[ \t\n\r]*")
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff")


class JsonObject(dict[str, Any]):
    """A JSON object that remembers which keys came more than once."""

    repeated: tuple[str, ...] = ()

    @classmethod
    def from_pairs(cls, pairs: list[tuple[str, Any]]) -> JsonObject:
        """For ``json``'s ``object_pairs_hook``."""
        made = cls(pairs)
        if len(made) < len(pairs):
            counts = Counter(key for key, _ in pairs)
            made.repeated = tuple(key for key, count in counts.items() if count > 1)
        return made


def decode_text(path: Path) -> str:
    """The text of a JSON file.

    Raises:
        PromptError: it can't be read, is empty, too large, or isn't UTF-8.
    """
    try:
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise PromptError(
                f"{path}: too large",
                found=f"{size / 1e6:.0f} MB",
                expected=f"at most {LARGEST_FILE_BYTES / 1e6:.0f} MB",
                mend="split it into several inputs",
            )
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise PromptError(f"{path}: no such file", expected="prompts.json") from error
    except OSError as error:
        raise PromptError(f"{path}: can't be read", found=error.strerror or str(error)) from error
    except ValueError as error:
        raise PromptError("impossible file name", found=ascii(str(path)), expected="a path") from error
    if not raw.strip():
        raise PromptError(f"{path}: the file is empty", expected="a JSON object {case: {slice: …}}")
    if raw.startswith(_WIDE_MARKS) or b"\x00" in raw[:4]:
        raise PromptError(f"{path}: wrong encoding", found="UTF-16 or UTF-32", expected="UTF-8")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise PromptError(
            f"{path}: wrong encoding",
            found=f"byte 0x{raw[error.start]:02x} in line {line}, which isn't UTF-8",
            expected="UTF-8",
        ) from error


def scan_members(name: str, text: str) -> Iterator[tuple[str, Any]]:
    """Takes the members of the outermost JSON object one by one; inner objects become ``JsonObject``.

    Args:
        name: of the file, for messages.
        text: the whole text.

    Raises:
        PromptError: not JSON (says line and column), or its outermost value isn't an object.
    """
    try:
        yield from _members(name, text)
    except json.JSONDecodeError as error:
        raise PromptError(
            f"{name}: not JSON",
            found=f"{error.msg} in line {error.lineno}, column {error.colno}",
            expected="a JSON object {case: {slice: …}}",
        ) from error
    except RecursionError as error:
        raise PromptError(
            f"{name}: nested too deeply", expected="case, slice, label, box and points"
        ) from error


def _members(name: str, text: str) -> Iterator[tuple[str, Any]]:
    at = _skip_blanks(text, 0)
    if text[at : at + 1] != "{":
        value, _ = _decode(text, at)
        raise PromptError(
            f"{name}: not an object", found=type(value).__name__, expected="a JSON object {case: {slice: …}}"
        )
    at = _skip_blanks(text, at + 1)
    while text[at : at + 1] != "}":
        if text[at : at + 1] != '"':
            raise json.JSONDecodeError("a name in double quotes is missing", text, at)
        key, at = _decode(text, at)
        at = _skip_blanks(text, at)
        if text[at : at + 1] != ":":
            raise json.JSONDecodeError("a colon is missing", text, at)
        value, at = _decode(text, _skip_blanks(text, at + 1))
        yield key, value
        at = _skip_blanks(text, at)
        if text[at : at + 1] == ",":
            at = _skip_blanks(text, at + 1)
        elif text[at : at + 1] != "}":
            raise json.JSONDecodeError("a comma or closing brace is missing", text, at)
    at = _skip_blanks(text, at + 1)
    if at < len(text):
        raise json.JSONDecodeError("something follows the closing brace", text, at)


def _skip_blanks(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _decode(text: str, at: int) -> tuple[Any, int]:
    """One JSON value and where it ends."""
    try:
        return _QUICK.raw_decode(text, at)
    except json.JSONDecodeError:
        raise
    except ValueError:
        # Python refuses to make an integer of thousands of digits; as a float it is merely too large.
        return _PATIENT.raw_decode(text, at)


def _any_integer(digits: str) -> int | float:
    return int(digits) if len(digits) < 1000 else float(digits)


_QUICK = json.JSONDecoder(object_pairs_hook=JsonObject.from_pairs)
_PATIENT = json.JSONDecoder(object_pairs_hook=JsonObject.from_pairs, parse_int=_any_integer)
