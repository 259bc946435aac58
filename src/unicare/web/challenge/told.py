"""Findings about challenge.yaml, each with the line of what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from unicare.web.challenge.findings import Finding, Severity
from unicare.web.challenge.source import Source

__all__ = ["Told", "check_references", "raw_names", "raw_value"]


class Told:
    """Findings, each with the line of what it is about."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Finding] = []

    def add(
        self,
        place: Sequence[int | str],
        what: str,
        *,
        found: str = "",
        expected: str = "",
        mend: str = "",
        severity: Severity = "error",
    ) -> None:
        """Notes something that is wrong at a place."""
        line = self.source.line(place)
        self.findings.append(Finding(severity, "challenge.yaml", what, line, found, expected, mend))

    def at(self, key: str, name: str, field: str = "", by: str = "name") -> tuple[int | str, ...]:
        """The place of the item of a list that has a name (or a field of it); the first if there are two."""
        return next(iter(self.every(key, name, field, by)), (key,))

    def every(self, key: str, name: str, field: str = "", by: str = "name") -> list[tuple[int | str, ...]]:
        """The places of all items of a list that have a name."""
        items = self.source.data.get(key)
        return [
            (key, index, field) if field in item else (key, index)
            for index, item in enumerate(items if isinstance(items, list) else ())
            if isinstance(item, dict) and str(item.get(by)) == name
        ]


def raw_names(source: Source, key: str) -> list[str]:
    """The names that a list (or mapping) of the file gives, also of what could not be read."""
    items = source.data.get(key)
    if isinstance(items, dict):
        return [str(name) for name in items]
    if not isinstance(items, list):
        return []
    return [str(item.get("name")) for item in items if isinstance(item, dict)]


def raw_value(source: Source, *keys: str) -> Any:
    """What the file has at a place, right or not; None where there is nothing."""
    value = source.data
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def check_references(told: Told, key: str, name: str, tasks: Sequence[str]) -> None:
    """Tasks that a phase or board names must be there."""
    known = raw_names(told.source, "tasks")
    for task in tasks:
        if task not in known:
            told.add(
                told.at(key, name, "tasks"),
                f"{key.removesuffix('s')} {name} refers to a task that isn't there",
                found=task,
                expected=f"one of {', '.join(known)}",
            )
