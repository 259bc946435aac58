"""The tidy table of an evaluation: one row a figure, and the means over it."""

from __future__ import annotations

import csv
import io
import math
import os
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path

from unicare.core.errors import ImageError, OutputError

__all__ = ["ERROR", "Mean", "Row", "read_rows", "summarise", "write_rows", "write_text"]

ERROR = "error"
"""Metric of the row of a case that couldn't be scored; its rule says why, it has no value."""


@dataclass(frozen=True)
class Row:
    """One figure of one structure in one case.

    Attributes:
        case: the case's id.
        centre: where it was scanned; empty if not known.
        distribution: ID or OOD; empty if not known.
        label: the structure's value in the label map; None in an error row.
        structure: its name, or its label where the table has none.
        metric: what was measured, its unit in its name.
        value: the figure; None in an error row.
        rule: which rule of docs/metrics.md it came from, or what went wrong.
    """

    case: str
    centre: str
    distribution: str
    label: int | None
    structure: str
    metric: str
    value: float | None
    rule: str


@dataclass(frozen=True)
class Mean:
    """One metric of one structure over all cases.

    Attributes:
        structure: its name.
        label: its value in the label maps.
        metric: what was measured.
        mean: over the cases scored.
        sd: sample standard deviation; None for a single case.
        median: over the cases scored.
        n: how many cases were scored.
        rules: rule to number of cases that it applied to.
    """

    structure: str
    label: int
    metric: str
    mean: float
    sd: float | None
    median: float
    n: int
    rules: Mapping[str, int]

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self)


def summarise(rows: Iterable[Row]) -> tuple[Mean, ...]:
    """Mean, sample standard deviation, median and n of each structure and metric, in order of appearance."""
    groups: dict[tuple[str, int, str], list[Row]] = {}
    for row in rows:
        if row.value is not None and row.label is not None:
            groups.setdefault((row.structure, row.label, row.metric), []).append(row)
    return tuple(_mean(key, members) for key, members in groups.items())


def _mean(key: tuple[str, int, str], members: Sequence[Row]) -> Mean:
    values = [row.value for row in members if row.value is not None]
    return Mean(
        structure=key[0],
        label=key[1],
        metric=key[2],
        mean=math.fsum(values) / len(values),
        sd=statistics.stdev(values) if len(values) > 1 else None,
        median=statistics.median(values),
        n=len(values),
        rules=dict(Counter(row.rule for row in members)),
    )


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes the table as CSV; values with all their digits, blank where there is none.

    Raises:
        OutputError: the place can't be written to.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows(["" if cell is None else cell for cell in astuple(row)] for row in rows)
    write_text(path, text.getvalue())


def read_rows(path: Path) -> tuple[Row, ...]:
    """Reads the table that ``write_rows`` wrote.

    Raises:
        ImageError: it can't be read, or isn't such a table.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as file:
            return tuple(_row(cells) for cells in csv.DictReader(file))
    except OSError as error:
        raise ImageError(f"{path}: can't be read", found=error.strerror or str(error)) from None
    except (KeyError, TypeError, ValueError, csv.Error) as error:
        raise ImageError(
            f"{path}: not a table of metrics",
            found=str(error),
            expected=f"columns {', '.join(field.name for field in fields(Row))}",
            mend="make it with: unicare evaluate PREDICTIONS TRUTH --out DIR",
        ) from None


def _row(cells: Mapping[str, str]) -> Row:
    return Row(
        case=cells["case"],
        centre=cells["centre"],
        distribution=cells["distribution"],
        label=int(cells["label"]) if cells["label"] else None,
        structure=cells["structure"],
        metric=cells["metric"],
        value=float(cells["value"]) if cells["value"] else None,
        rule=cells["rule"],
    )


def write_text(path: Path, text: str) -> None:
    """Writes a text file whole or not at all: beside its place, then renamed.

    Raises:
        OutputError: the place can't be written to.
    """
    with _told(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            beside.write_text(text, encoding="utf-8", newline="")
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise OutputError(
            f"{path}: can't be written",
            found=error.strerror or str(error),
            mend="choose a folder on a disk with room that you may write to",
        ) from None
