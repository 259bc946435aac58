"""The one table of structures: names, synonyms, parents, compact ids, CARE label values."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

__all__ = ["TASKS", "UNKNOWN", "Structure", "StructureTable", "structure_table"]

TASKS: tuple[str, ...] = ("la", "la_scar", "whs", "myops", "liver")
"""The challenge's tasks; each has its own column of label values."""

UNKNOWN = "unknown"
"""The structure of a label that is in no table."""


@dataclass(frozen=True)
class Structure:
    """Something that can be asked for.

    Attributes:
        id: compact id, consecutive; what models use inside.
        name: full English name.
        parent: name of the structure that it is a part of; it wins over its parent where both claim a voxel.
        lesion: whether it is a finding that comes in any number of pieces, each of which counts.
        labels: task to the label value that the challenge writes.
        snomed: SNOMED CT code, empty where none is given.
        synonyms: other names, matched without regard to case.
    """

    id: int
    name: str
    parent: str
    lesion: bool
    labels: Mapping[str, int]
    snomed: str
    synonyms: tuple[str, ...]

    @property
    def sentence(self) -> str:
        """The sentence that a text encoder is given."""
        part = f", part of the {self.parent}" if self.parent else ""
        return f"the {self.name}{part}"


@dataclass(frozen=True)
class StructureTable:
    """All structures, in the order of their compact ids."""

    structures: tuple[Structure, ...]

    def __len__(self) -> int:
        return len(self.structures)

    def by_id(self, identifier: int) -> Structure:
        """The structure with a compact id."""
        return self.structures[identifier]

    def by_name(self, text: str) -> Structure | None:
        """The structure that a name or synonym means, or None."""
        wanted = text.strip().casefold()
        for structure in self.structures:
            names = (structure.name, *structure.synonyms)
            if any(wanted == name.casefold() for name in names):
                return structure
        return None

    def by_label(self, label: int, task: str | None = None) -> Structure | None:
        """The structure that a CARE label value stands for (in one task, or in any), or None."""
        for structure in self.structures:
            values = structure.labels
            if (values.get(task) if task else None) == label or (not task and label in values.values()):
                return structure
        return None

    def is_part_of(self, child: Structure, ancestor: Structure) -> bool:
        """Whether a structure lies inside another by definition, at any depth (scar in myocardium)."""
        parent = self.by_name(child.parent) if child.parent else None
        return parent is not None and (parent.id == ancestor.id or self.is_part_of(parent, ancestor))


@cache
def structure_table() -> StructureTable:
    """Reads the table that ships with the package."""
    text = resources.files("unicare.core").joinpath("structures.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return StructureTable(tuple(_structure(row) for row in rows))


def _structure(row: dict[str, str]) -> Structure:
    return Structure(
        id=int(row["id"]),
        name=row["structure"],
        parent=row["parent"],
        lesion=row["lesion"] == "1",
        labels={task: int(row[task]) for task in TASKS if row[task]},
        snomed=row["snomed"],
        synonyms=tuple(word for word in row["synonyms"].split(";") if word),
    )
