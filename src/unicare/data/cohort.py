"""The manifest of a cohort: one row a case, in ``cohort.csv`` or ``cohort.parquet``."""

from __future__ import annotations

import csv
import math
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from unicare.core.case import SEQUENCES
from unicare.core.errors import OutputError, SettingsError
from unicare.core.structure import TASKS, structure_table
from unicare.data.cohort_table import read_cells

__all__ = [
    "MANIFEST_NAME",
    "MANIFEST_PARQUET",
    "CohortRow",
    "read_cohort",
    "subgroup_columns",
    "write_cohort",
]

MANIFEST_NAME = "cohort.csv"
"""What the manifest is called inside a cohort's folder."""

MANIFEST_PARQUET = "cohort.parquet"
"""What it is called there as Parquet."""

_SPLITS = ("training", "validation", "test")
_TASKS = (*TASKS, "custom")
_LIST_SEPARATOR = re.compile(r"[+;]")


@dataclass(frozen=True)
class CohortRow:
    """One case of a cohort.

    Attributes:
        case: opaque id, also the stem of its files.
        patient: opaque id; the same patient may have several cases.
        centre: where it was scanned.
        vendor: who made the scanner.
        task: one of the challenge's tasks, or ``custom``.
        split: ``training``, ``validation`` or ``test``.
        distribution: ``ID`` or ``OOD`` (a centre that training hasn't seen).
        sequences: names of the images there are.
        annotated: label values that the truth covers; others aren't absent, just not drawn.
        field_strength_t: of the magnet, None for CT.
        sex: ``F`` or ``M``.
        age_band: ten years, as in ``50-59``.
        subgroups: any further column of the manifest to its value, to group cases by.
    """

    case: str
    patient: str
    centre: str
    vendor: str
    task: str
    split: str
    distribution: Literal["ID", "OOD"]
    sequences: tuple[str, ...]
    annotated: tuple[int, ...]
    field_strength_t: float | None = None
    sex: str = ""
    age_band: str = ""
    subgroups: Mapping[str, str] = field(default_factory=dict, hash=False)

    def subgroup(self, column: str) -> str:
        """The case's group by a column such as ``sex``, ``centre`` or a further one; empty if not known."""
        if column in self.subgroups:
            return self.subgroups[column]
        value = getattr(self, column) if column in _COLUMNS else ""
        if isinstance(value, tuple):
            return _joined(value)
        return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


_COLUMNS = tuple(field.name for field in fields(CohortRow) if field.name != "subgroups")
_OPTIONAL = ("field_strength_t", "sex", "age_band")
_REQUIRED = tuple(name for name in _COLUMNS if name not in _OPTIONAL)
_NO_GROUPS = ("case", "patient", "task", "split", "distribution", "sequences", "annotated")


def subgroup_columns(rows: Iterable[CohortRow]) -> tuple[str, ...]:
    """The columns that cases can be grouped by: those in which at least one case has a value."""
    every = list(rows)
    named = [name for name in _COLUMNS if name not in _NO_GROUPS]
    further = dict.fromkeys(name for row in every for name in row.subgroups)
    return tuple(name for name in (*named, *further) if any(row.subgroup(name) for row in every))


def write_cohort(folder: str | os.PathLike[str], rows: Iterable[CohortRow]) -> Path:
    """Writes ``cohort.csv`` into a folder; it appears whole or not at all.

    Raises:
        OutputError: the place can't be written to.
    """
    path = Path(folder) / MANIFEST_NAME
    beside = path.with_name(f".{MANIFEST_NAME}.{os.getpid()}")
    every = list(rows)
    further = tuple(dict.fromkeys(name for row in every for name in row.subgroups))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow((*_COLUMNS, *further))
            writer.writerows(_cells(row, further) for row in every)
        os.replace(beside, path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise OutputError(
            f"{path}: can't write the manifest", found=error.strerror, mend="choose another folder"
        ) from None
    return path


def read_cohort(path: str | os.PathLike[str]) -> list[CohortRow]:
    """Reads a manifest.

    ``annotated`` and ``sequences`` are lists with + or ; between their items. What is annotated may be given
    as label values or as names of structures (or synonyms), which stand for their label in the row's task.
    ``field_strength_t``, ``sex`` and ``age_band`` may be missing. By any further column cases can be grouped.

    Args:
        path: a CSV or Parquet file, or the folder that holds ``cohort.csv`` or ``cohort.parquet``.

    Raises:
        SettingsError: the file is missing, lacks columns, or a field can't be understood; says which row.
    """
    file = Path(path)
    if file.is_dir():
        file = file / (MANIFEST_NAME if not (file / MANIFEST_PARQUET).exists() else _only_one(file))
    header, rows = read_cells(file)
    _check_header(file, header)
    parsed = [_parse(f"{file}, {where}", header, cells) for where, cells in rows]
    seen: set[tuple[str, str]] = set()
    for row in parsed:
        if (row.task, row.case) in seen:
            raise SettingsError(
                f"{file}: task {row.task} has the case {row.case} twice", expected="one row a case"
            )
        seen.add((row.task, row.case))
    return parsed


def _only_one(folder: Path) -> str:
    if (folder / MANIFEST_NAME).exists():
        raise SettingsError(
            f"{folder}: two manifests",
            found=f"{MANIFEST_NAME} and {MANIFEST_PARQUET}",
            expected="one",
            mend="name the file itself",
        )
    return MANIFEST_PARQUET


def _check_header(file: Path, header: Sequence[str]) -> None:
    lacking = [name for name in _REQUIRED if name not in header]
    if lacking:
        raise SettingsError(
            f"{file}: not the columns of a manifest",
            found=", ".join(header) or "nothing",
            expected=f"also {', '.join(lacking)}",
            mend=f"a manifest needs {', '.join(_REQUIRED)}; {', '.join(_OPTIONAL)} and any further column "
            "are for grouping cases",
        )
    twice = [name or "one without a name" for name in dict.fromkeys(header) if header.count(name) > 1]
    if twice or "" in header:
        raise SettingsError(
            f"{file}: columns that can't be told apart",
            found=", ".join(twice) or "one without a name",
            expected="a name of its own for each column",
        )


def _cells(row: CohortRow, further: Sequence[str]) -> list[str]:
    cells = []
    for name in _COLUMNS:
        value = getattr(row, name)
        if isinstance(value, tuple):
            cells.append(_joined(value))
        else:
            cells.append("" if value is None else str(value))
    return [*cells, *(row.subgroups.get(name, "") for name in further)]


def _joined(items: Iterable[object]) -> str:
    return "+".join(str(item) for item in items)


def _parse(where: str, header: Sequence[str], cells: Sequence[str]) -> CohortRow:
    if len(cells) != len(header):
        raise SettingsError(where, found=f"{len(cells)} fields", expected=f"{len(header)}")
    values = dict(zip(header, cells, strict=True))
    _one_of(where, "task", values["task"], _TASKS, "tasks of your own are called custom here")
    _one_of(where, "split", values["split"], _SPLITS)
    _one_of(where, "distribution", values["distribution"], ("ID", "OOD"))
    sequences = tuple(_LIST_SEPARATOR.split(values["sequences"]))
    for name in sequences:
        _one_of(where, "sequence", name, SEQUENCES)
    if not values["case"]:
        raise SettingsError(f"{where}: no case id", expected="the stem of the case's files")
    return CohortRow(
        case=values["case"],
        patient=values["patient"],
        centre=values["centre"],
        vendor=values["vendor"],
        task=values["task"],
        split=values["split"],
        distribution="OOD" if values["distribution"] == "OOD" else "ID",
        sequences=sequences,
        annotated=tuple(
            _label(where, text.strip(), values["task"])
            for text in _LIST_SEPARATOR.split(values["annotated"])
            if text.strip()
        ),
        field_strength_t=_field_strength_t(where, values.get("field_strength_t", "")),
        sex=values.get("sex", ""),
        age_band=values.get("age_band", ""),
        subgroups={name: values[name] for name in header if name not in _COLUMNS},
    )


def _label(where: str, text: str, task: str) -> int:
    """The label that an annotated structure has in a task, from its value or its name."""
    with suppress(ValueError):
        return int(text)
    structure = structure_table().by_name(text)
    if structure is None or task not in structure.labels:
        known = [one.name for one in structure_table().structures if task in one.labels]
        raise SettingsError(
            f"{where}: unknown annotated structure",
            found=text,
            expected=f"a label value, or one of {', '.join(known)}" if known else "a label value",
        )
    return structure.labels[task]


def _field_strength_t(where: str, text: str) -> float | None:
    if not text:
        return None
    try:
        strength = float(text)
    except ValueError:
        strength = math.nan
    if not math.isfinite(strength):
        raise SettingsError(f"{where}: field_strength_t is not a number", found=text, expected="tesla")
    return strength


def _one_of(where: str, what: str, value: str, allowed: Sequence[str], mend: str | None = None) -> None:
    if value not in allowed:
        expected = f"one of {', '.join(allowed)}"
        raise SettingsError(f"{where}: unknown {what}", found=value, expected=expected, mend=mend)
