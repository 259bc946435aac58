"""What of a container's words a team gets to see: all of a smoke run's, next to nothing of a hidden run's."""

from __future__ import annotations

import builtins
import re

__all__ = ["readable_log", "scrubbed_last_line"]

_LONGEST_LINE = 160
_MOST_WORDS = 16
_GAP = "…"
_ENGINE_LINE = re.compile(r'time="[^"]*" level=\w+ msg=')
_COLOUR = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_PART = re.compile(r"[A-Za-z_]+(?:\.[A-Za-z_]+)*|\S")
_JOINING = frozenset(":,.")

_EXCEPTIONS = frozenset(
    name
    for name, value in vars(builtins).items()
    if isinstance(value, type) and issubclass(value, BaseException)
) | {"OutOfMemoryError", "UnpicklingError", "JSONDecodeError", "ImageFileError", "HeaderDataError"}

_TOLD = """
a an and any are argument arguments array as at attribute attributes available be been by call called can
cannot channel channels check checkpoint class convert could cpu crop cuda data decode decoded defined
device devices dictionary did different dimension dimensions directory disk division does driver dtype
element elements empty error exceeded exist exists expected failed failure fault file files filter float
for format found from function got gpu greater has have header image images import in index indices
initialize input inputs instance int integer invalid is it items iterable json kernel key keys keyword
killed label labels launch layer length less library like limit list load loading lock longer many mask
match matching matrix maximum memory mismatch missing mode model module more must name named negative
network nifti no non none not number numpy object of on only open operation operator option or out output
outputs overflow parameter parameters path permission permitted point pointer points positional positive
process prompt prompts python range read recursion required reshape resource run running runtime same
scalar segmentation sequence shape shapes shared should size sizes slice slices small space spacing state
step stopped storage str string subscriptable such support supported system tensor tensors terminated than
that the thread threads time to too torch tuple type types unable unexpected unknown unpack unsupported
usage use used valid value values variable version volume was weight weights were when while with within
without write wrong zero
"""
_WORDS = frozenset(_TOLD.split())
"""Words that errors are told with. Others could spell out what was seen in hidden images."""


def readable_log(log: str, most_characters: int = 64 * 1024) -> str:
    """A log as it may stand on a page: lines of printable characters, the end of it if it is long.

    Args:
        log: what was printed.
        most_characters: the rest, at its beginning, is left out.
    """
    lines = [line for line in log.splitlines() if not _ENGINE_LINE.match(line)]
    plain = (_COLOUR.sub("", line) for line in lines)
    text = "\n".join("".join(c if c.isprintable() else " " for c in line).rstrip() for line in plain)
    return text[-most_characters:] if most_characters > 0 else ""


def scrubbed_last_line(log: str) -> str:
    """The last line that was printed, of which only words remain that errors are told with.

    Numbers, paths, names and all other words become "…", so that no name of a case is in it. A container that
    chooses its words by what it sees can tell some twenty bytes of it at most.

    Args:
        log: what was printed.

    Returns:
        At most 160 printable characters and 16 words; empty where nothing remains.
    """
    lines = [line.strip() for line in readable_log(log).splitlines() if line.strip()]
    if not lines:
        return ""
    kept: list[str] = []
    words = 0
    for part in _PART.findall(lines[-1][:2000]):
        told = _told(part)
        if told in _JOINING and not (kept and kept[-1].isalpha()):
            continue  # rows of marks could tell something, too
        words += told[0].isalpha()
        if words > _MOST_WORDS:
            break
        if told != _GAP or kept[-1:] != [_GAP]:
            kept.append(told)
    if not words:
        return ""
    return _joined(kept)[:_LONGEST_LINE]


def _told(part: str) -> str:
    """A word that may be told, or a mark, or a gap."""
    word = part.rpartition(".")[2]
    if word in _EXCEPTIONS:
        return word
    if part.lower() in _WORDS:
        return part.lower()
    return part if part in _JOINING else _GAP


def _joined(parts: list[str]) -> str:
    return re.sub(r" ([:,.])", r"\1", " ".join(parts))
