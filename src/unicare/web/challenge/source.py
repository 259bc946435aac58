"""YAML with the line of every key, read safely: no objects, no dates made up, no key twice."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import yaml

from unicare.web.challenge.findings import Finding

__all__ = ["LARGEST_BYTES", "Source", "read_source"]

LARGEST_BYTES = 1_000_000
"""More isn't read; a challenge.yaml has a few thousand."""

Place = tuple[int | str, ...]
"""The keys and positions that lead to a value, as pydantic names them."""

_MENDS = (
    ("'\\t'", "a tab stands there; use spaces"),
    (
        "mapping values are not allowed",
        'put a text with a colon in quotes, such as "Spleens: of two"; if there is none, '
        "set the line in as far as those beside it",
    ),
    ("cannot start any token", "put the text in quotes"),
)


@dataclass(frozen=True)
class Source:
    """What a YAML file says.

    Attributes:
        data: plain values; dates stay text.
        lines: place to line, counted from 1.
        twice: keys that stand twice in one mapping, with the line of the second.
    """

    data: Any
    lines: Mapping[Place, int]
    twice: Sequence[tuple[str, int]]

    def line(self, place: Sequence[int | str]) -> int | None:
        """The line of a place, or of the nearest thing around it that has one."""
        keys = tuple(place)
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """The safe loader without dates: a moment without time zone must be seen as it was written."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {
        first: [(tag, form) for tag, form in resolvers if tag != "tag:yaml.org,2002:timestamp"]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def read_source(path: Path) -> Source | Finding:
    """Reads a YAML file of the challenge's folder; what is wrong if it is too large, or no YAML in UTF-8."""

    def unusable(what: str, line: int | None = None, found: str = "", mend: str = "") -> Finding:
        return Finding("error", path.name, what, line, found=found, mend=mend)

    loader: _Loader | None = None
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_BYTES + 1)
        if len(raw) > LARGEST_BYTES:
            return unusable(f"the file is larger than {LARGEST_BYTES // 1000} kB")
        loader = _Loader(_decoded(raw))
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        twice: list[tuple[str, int]] = []
        if node is not None:
            _walk(node, (), lines, twice, set())
        return Source(loader.construct_document(node) if node is not None else None, lines, twice)
    except OSError as error:
        return unusable(f"can't be read ({error.strerror})")
    except UnicodeDecodeError as error:
        return unusable(*_not_utf8(raw, error.start))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        problem = str(error.problem or error.context)
        line = None if mark is None else mark.line + 1
        return unusable(f"isn't YAML ({problem})", line, mend=_mend(problem))
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        return unusable(f"isn't YAML ({' '.join(str(error).split())[:200]})")
    finally:
        if loader is not None:
            loader.dispose()


def _decoded(raw: bytes) -> str:
    if b"\0" in raw:
        at = raw.index(b"\0")
        raise UnicodeDecodeError("utf-8", raw, at, at + 1, "no text has it")
    return raw.decode("utf-8-sig")


def _not_utf8(raw: bytes, at: int) -> tuple[str, int, str, str]:
    """What an editor must have saved in another encoding; every other byte of English in UTF-16 is 0."""
    utf16 = raw.startswith((b"\xff\xfe", b"\xfe\xff")) or b"\0" in raw
    found = "UTF-16" if utf16 else f"byte 0x{raw[at]:02x}, as in Latin-1"
    line = 1 if utf16 else raw[:at].count(b"\n") + 1
    return "isn't UTF-8 text", line, found, "save it as UTF-8"


def _mend(problem: str) -> str:
    """What to do about a problem of YAML's; empty where its own words say it."""
    return next((mend for words, mend in _MENDS if words in problem), "")


def _walk(
    node: yaml.Node, place: Place, lines: dict[Place, int], twice: list[tuple[str, int]], seen: set[int]
) -> None:
    """Notes the line of everything in a node; what an alias points to is walked once."""
    lines.setdefault(place, node.start_mark.line + 1)
    if id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            _walk(item, (*place, index), lines, twice, seen)
    elif isinstance(node, yaml.MappingNode):
        keys: set[Hashable] = set()
        for key, value in node.value:
            name = _key(key)
            if name in keys:
                twice.append((str(name), key.start_mark.line + 1))
            keys.add(name)
            lines[(*place, name)] = key.start_mark.line + 1
            _walk(value, (*place, name), lines, twice, seen)


def _key(node: yaml.Node) -> int | str:
    text = str(node.value)
    return int(text) if node.tag == "tag:yaml.org,2002:int" and text.isdecimal() else text
