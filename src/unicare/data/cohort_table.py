"""A table of text cells from CSV or Parquet, with the place of each row for messages."""

from __future__ import annotations

import csv
import io
import math
from pathlib import Path

from unicare.core.errors import SettingsError

__all__ = ["read_cells"]

Rows = list[tuple[str, list[str]]]
"""Where a row stands, and its cells."""


def read_cells(file: Path) -> tuple[list[str], Rows]:
    """The names of the columns and the rows of a manifest, Parquet if its name says so, else CSV.

    Lists in Parquet become one cell with + between their items; null and nan become blank.

    Raises:
        SettingsError: the file can't be read.
    """
    return _read_parquet(file) if file.suffix.lower() == ".parquet" else _read_csv(file)


def _read_csv(file: Path) -> tuple[list[str], Rows]:
    try:
        text = file.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"{file}: can't read the manifest", found=error, expected="a UTF-8 CSV file"
        ) from None
    reader = csv.reader(io.StringIO(text, newline=""))
    rows: Rows = []
    try:
        header = next(reader, [])
        for cells in reader:
            if cells:
                rows.append((f"line {reader.line_num}", cells))
    except csv.Error as error:
        raise SettingsError(f"{file}, line {reader.line_num}: not CSV", found=error) from None
    return [name.strip() for name in header], rows


def _read_parquet(file: Path) -> tuple[list[str], Rows]:
    from pyarrow import ArrowException, parquet

    try:
        with file.open("rb") as stream:
            table = parquet.read_table(stream)
    except (OSError, ArrowException) as error:
        raise SettingsError(
            f"{file}: can't read the manifest", found=error, expected="a Parquet file"
        ) from None
    columns = [[_text(value) for value in column.to_pylist()] for column in table.columns]
    rows = [
        (f"row {number}", list(cells)) for number, cells in enumerate(zip(*columns, strict=True), start=1)
    ]
    return list(table.column_names), rows


def _text(value: object) -> str:
    """A cell of a typed table as CSV would have it; blank where it is null or nan."""
    if isinstance(value, list):
        return "+".join(_text(item) for item in value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # whole numbers next to blanks are floats in many tables
    return str(value)
