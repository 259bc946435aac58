"""The manifest of a cohort: one row a case, in ``cohort.csv``."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Literal

from unicare.core.case import SEQUENCES
from unicare.core.errors import OutputError, SettingsError
from unicare.core.structure import TASKS

__all__ = ["MANIFEST_NAME", "CohortRow", "read_cohort", "write_cohort"]

MANIFEST_NAME = "cohort.csv"
"""What the manifest is called inside a cohort's folder."""

_SPLITS = ("training", "validation", "test")
_TASKS = (*TASKS, "custom")


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


_COLUMNS = tuple(field.name for field in fields(CohortRow))


def write_cohort(folder: str | os.PathLike[str], rows: Iterable[CohortRow]) -> Path:
    """Writes ``cohort.csv`` into a folder; it appears whole or not at all.

    Raises:
        OutputError: the place can't be written to.
    """
    path = Path(folder) / MANIFEST_NAME
    beside = path.with_name(f".{MANIFEST_NAME}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with beside.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(_COLUMNS)
            writer.writerows(_cells(row) for row in rows)
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

    Args:
        path: ``cohort.csv`` or the folder that holds it.

    Raises:
        SettingsError: the file is missing, lacks columns, or a field can't be understood; says which row.
    """
    file = Path(path)
    if file.is_dir():
        file = file / MANIFEST_NAME
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file}: can't read the manifest", found=error, expected="a UTF-8 CSV file"
        ) from None
    rows = list(csv.reader(text.splitlines()))
    header = rows[0] if rows else []
    if set(header) != set(_COLUMNS):
        raise SettingsError(
            f"{file}: not the columns of a manifest", found=header, expected=", ".join(_COLUMNS)
        )
    parsed = [_parse(file, number, header, cells) for number, cells in enumerate(rows[1:], start=2) if cells]
    seen: set[tuple[str, str]] = set()
    for row in parsed:
        if (row.task, row.case) in seen:
            raise SettingsError(
                f"{file}: task {row.task} has the case {row.case} twice", expected="one row a case"
            )
        seen.add((row.task, row.case))
    return parsed


def _cells(row: CohortRow) -> list[str]:
    cells = []
    for name in _COLUMNS:
        value = getattr(row, name)
        if isinstance(value, tuple):
            cells.append("+".join(str(item) for item in value))
        else:
            cells.append("" if value is None else str(value))
    return cells


def _parse(file: Path, number: int, header: Sequence[str], cells: Sequence[str]) -> CohortRow:
    where = f"{file}, line {number}"
    if len(cells) != len(header):
        raise SettingsError(where, found=f"{len(cells)} fields", expected=f"{len(header)}")
    values = dict(zip(header, cells, strict=True))
    _one_of(where, "task", values["task"], _TASKS)
    _one_of(where, "split", values["split"], _SPLITS)
    _one_of(where, "distribution", values["distribution"], ("ID", "OOD"))
    sequences = tuple(values["sequences"].split("+"))
    for name in sequences:
        _one_of(where, "sequence", name, SEQUENCES)
    if not values["case"]:
        raise SettingsError(f"{where}: no case id", expected="the stem of the case's files")
    try:
        annotated = tuple(int(text) for text in values["annotated"].split("+") if text)
        field_strength = float(values["field_strength_t"]) if values["field_strength_t"] else None
    except ValueError as error:
        raise SettingsError(f"{where}: not a number", found=error) from None
    return CohortRow(
        case=values["case"],
        patient=values["patient"],
        centre=values["centre"],
        vendor=values["vendor"],
        task=values["task"],
        split=values["split"],
        distribution="OOD" if values["distribution"] == "OOD" else "ID",
        sequences=sequences,
        annotated=annotated,
        field_strength_t=field_strength,
        sex=values["sex"],
        age_band=values["age_band"],
    )


def _one_of(where: str, what: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise SettingsError(f"{where}: unknown {what}", found=value, expected=f"one of {', '.join(allowed)}")
