"""What a backup holds: the names of its members, and which files of the storage belong to its rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from dataclasses import asdict, dataclass
from typing import Any

from pydantic import TypeAdapter

__all__ = ["ABOUT", "FORMAT", "KEY", "About", "Rows", "is_name", "object_name", "rows_name"]

FORMAT = 1
ABOUT, KEY = "backup.json", "secret.key"
_OBJECTS, _ROWS = "objects/", "database/"
_TABLE = re.compile(r"database/[a-z][a-z0-9_]{0,62}\.jsonl")
_OWNED = re.compile(r"(submissions|evaluations)/(\d+)/")


@dataclass(frozen=True)
class About:
    """What a backup says of itself.

    Attributes:
        format: of the file.
        unicare: the version that made it.
        revision: of the database's tables.
        made_at: when, in UTC.
        tables: in the order in which they can be filled.
        files: how many of the storage there are.
        without_images: whether teams' container images were left out.
        missing: keys that rows name, and that weren't in the storage.
    """

    format: int
    unicare: str
    revision: str
    made_at: str
    tables: tuple[str, ...]
    files: int
    without_images: bool
    missing: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)

    @classmethod
    def read(cls, content: bytes) -> About:
        """Of JSON; ValueError if that isn't one."""
        return TypeAdapter(cls).validate_json(content, strict=True)


@dataclass(frozen=True)
class Rows:
    """What the rows of one moment say of the storage.

    Attributes:
        submissions: numbers of all.
        evaluations: the same.
        named: keys of files or folders that rows name.
        images: keys of teams' container images.
    """

    submissions: Set[int]
    evaluations: Set[int]
    named: Set[str]
    images: Set[str]

    def own(self, key: str) -> bool:
        """Whether a file belongs to these rows, and not to something that came later."""
        owner = _OWNED.match(key)
        if owner is None:
            return True
        return int(owner[2]) in (self.submissions if owner[1] == "submissions" else self.evaluations)

    def missing(self, keys: Iterable[str]) -> set[str]:
        """What rows name and isn't there, neither as a file nor as a folder."""
        there: set[str] = set()
        for key in keys:
            parts = key.split("/")
            there.update("/".join(parts[:count]) for count in range(1, len(parts) + 1))
        return {key for key in self.named if key not in there}


def rows_name(table: str) -> str:
    """The member with a table's rows."""
    return f"{_ROWS}{table}.jsonl"


def object_name(key: str) -> str:
    """The member with a file of the storage."""
    return f"{_OBJECTS}{key}"


def key_of(name: str) -> str | None:
    """The storage's key of a member; None if it is something else."""
    return name.removeprefix(_OBJECTS) if name.startswith(_OBJECTS) else None


def is_name(name: str) -> bool:
    """Whether a backup may have a member of that name: none leads elsewhere."""
    if name in (ABOUT, KEY) or _TABLE.fullmatch(name):
        return True
    key = key_of(name)
    return key is not None and all(
        part not in ("", ".", "..") and part.isprintable() and "\\" not in part for part in key.split("/")
    )
