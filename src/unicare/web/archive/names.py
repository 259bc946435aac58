"""Names of files that somebody else chose: which are refused, and how they are shown."""

from __future__ import annotations

import re
import unicodedata

__all__ = ["clean_sentence", "is_litter", "shown", "spelling", "split_path", "what_is_wrong"]

_SHOWN_LENGTH = 80
_NAME_BYTES = 200  # file systems take 255; some room is left for what the site puts before and after
_DRIVE = re.compile(r"^[A-Za-z]:")
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKUP = frozenset("<>&\"'`\\")
_LITTER = frozenset({"__macosx", "thumbs.db", "desktop.ini", "icon\r"})


def split_path(raw: str) -> tuple[str, ...]:
    """The parts of a path as it stands in an archive; Windows' backslashes count as slashes."""
    return tuple(raw.replace("\\", "/").split("/"))


def is_litter(raw: str) -> bool:
    """Whether a path is hidden, or one of those that file managers leave behind; such are passed over."""
    parts = [part for part in split_path(raw) if part not in (".", "..")]
    return any(part.startswith(".") or part.casefold() in _LITTER for part in parts)


def what_is_wrong(raw: str) -> str | None:
    """Why a path in an archive isn't used as a name, in half a sentence; None when it is fine."""
    raw = unicodedata.normalize("NFC", raw)  # as it would be written
    parts = split_path(raw.removesuffix("/"))
    reasons = (
        (not raw.strip("/\\ "), "there is no name"),
        (
            any(_is_invisible(character) for character in raw),
            "there are control characters, or invisible ones, in the name",
        ),
        (
            parts[0] == "" or bool(_DRIVE.match(raw)),
            "the name is that of a place on a disk (it begins with a slash or a drive's letter)",
        ),
        (".." in parts, "the name leads out of the folder (..)"),
        ("" in parts or "." in parts, "the name has an empty part (// or /./)"),
        (
            any(len(part.encode(errors="replace")) > _NAME_BYTES for part in parts),
            f"the name is longer than {_NAME_BYTES} bytes",
        ),
    )
    return next((reason for true, reason in reasons if true), None)


def spelling(name: str) -> str:
    """What two names have in common that differ only in case or in how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def shown(name: str, most: int = _SHOWN_LENGTH) -> str:
    """A name for people: not longer than ``most`` characters, and safe in HTML, logs and terminals.

    Control and invisible characters, quotes, and those that mean something in HTML stand as escapes.
    """
    if len(name) > most:
        name = name[: most * 2 // 3] + "…" + name[-(most // 3 - 1) :]
    return "".join(_escape(one) if one in _MARKUP or _is_odd(one) else one for one in name)


def clean_sentence(text: str, names: tuple[str, ...] = ()) -> str:
    """A sentence that may quote names and contents of files, made safe to show.

    Args:
        text: the sentence.
        names: names that may stand in it; they are shown as ``shown`` does.
    """
    for name in names:
        safe = shown(name)
        if safe != name:
            text = text.replace(name, safe)
    return "".join(_escape(one) if one in "<>" or _is_odd(one) else one for one in text.replace("\n", " "))


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE


def _is_odd(character: str) -> bool:
    return _is_invisible(character) or (character != " " and unicodedata.category(character) == "Zs")


def _escape(character: str) -> str:
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
