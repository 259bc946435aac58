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

__all__ = [
    "ERROR",
    "METRICS_FILE",
    "PARQUET_FILE",
    "WHOLE_CASE",
    "Mean",
    "Row",
    "plain",
    "read_rows",
    "summarise",
    "write_rows",
    "write_text",
]

METRICS_FILE = "metrics.csv"
PARQUET_FILE = "metrics.parquet"

ERROR = "error"
"""Metric of the row of a case that couldn't be scored; its rule says why, it has no value."""

WHOLE_CASE = "all"
"""Structure of figures of all structures of a case together; they have no label."""


@dataclass(frozen=True)
class Row:
    """One figure of one structure in one case.

    Attributes:
        case: the case's id.
        centre: where it was scanned; empty if not known.
        distribution: ID or OOD; empty if not known.
        label: the structure's value in the label map; None in an error row and for a case as a whole.
        structure: its name, or its label where the table has none; ``all`` for a case as a whole.
        metric: what was measured, its unit in its name.
        value: the figure; None in an error row. nan or infinite only where another library's definition
            says so.
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
    """One metric of one structure over cases.

    Attributes:
        structure: its name.
        label: its value in the label maps; None for cases as a whole.
        metric: what was measured.
        mean: over the cases with a figure; nan if there is none.
        sd: sample standard deviation; None for fewer than two cases, or where a figure is infinite.
        median: over the cases with a figure.
        n: how many cases have a figure.
        rules: rule to number of cases that it applied to.
        undefined: cases whose figure is nan, by another library's definition; they are in no mean.
    """

    structure: str
    label: int | None
    metric: str
    mean: float
    sd: float | None
    median: float
    n: int
    rules: Mapping[str, int]
    undefined: int = 0

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON: None where a figure is nan or infinite."""
        return {name: plain(value) for name, value in asdict(self).items()}


def plain(value: object) -> object:
    """The value, or None where it is a number that JSON can't hold."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def summarise(rows: Iterable[Row]) -> tuple[Mean, ...]:
    """Mean, sample standard deviation, median and n of each structure and metric, in order of appearance."""
    groups: dict[tuple[str, int | None, str], list[Row]] = {}
    for row in rows:
        if row.value is not None:
            groups.setdefault((row.structure, row.label, row.metric), []).append(row)
    return tuple(_mean(key, members) for key, members in groups.items())


def _mean(key: tuple[str, int | None, str], members: Sequence[Row]) -> Mean:
    every = [row.value for row in members if row.value is not None]
    values = [value for value in every if not math.isnan(value)]
    finite = all(math.isfinite(value) for value in values)
    return Mean(
        structure=key[0],
        label=key[1],
        metric=key[2],
        # infinite figures make an infinite mean; fsum knows no sum of both infinities
        mean=(math.fsum(values) if finite else sum(values)) / len(values) if values else math.nan,
        sd=statistics.stdev(values) if len(values) > 1 and finite else None,
        median=statistics.median(values) if values else math.nan,
        n=len(values),
        rules=dict(Counter(row.rule for row in members)),
        undefined=len(every) - len(values),
    )


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Writes the table whole or not at all: Parquet if the name says so, else CSV.

    In CSV, values have all their digits and are blank where there is none.

    Raises:
        OutputError: the place can't be written to.
    """
    if path.suffix.lower() == ".parquet":
        _write_parquet(path, rows)
        return
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(field.name for field in fields(Row))
    writer.writerows(["" if cell is None else cell for cell in astuple(row)] for row in rows)
    write_text(path, text.getvalue())


def _write_parquet(path: Path, rows: Iterable[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    kinds = {"label": pa.int64(), "value": pa.float64()}
    schema = pa.schema([(field.name, kinds.get(field.name, pa.string())) for field in fields(Row)])
    table = pa.Table.from_pylist([asdict(row) for row in rows], schema=schema)
    with _written_beside(path) as beside:
        parquet.write_table(table, beside)


def read_rows(path: Path) -> tuple[Row, ...]:
    """Reads the table that ``write_rows`` wrote.

    Args:
        path: a CSV or Parquet file, or the folder that holds metrics.csv or metrics.parquet.

    Raises:
        ImageError: it can't be read, or isn't such a table.
    """
    path = Path(path)
    if path.is_dir():
        path = path / (PARQUET_FILE if not (path / METRICS_FILE).exists() else METRICS_FILE)
    try:
        if path.suffix.lower() == ".parquet":
            return _read_parquet(path)
        with path.open(encoding="utf-8", newline="") as file:
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


def _read_parquet(path: Path) -> tuple[Row, ...]:
    from pyarrow import parquet

    names = [field.name for field in fields(Row)]
    with path.open("rb") as file:
        table = parquet.read_table(file, columns=names)
    if set(table.column_names) != set(names):
        raise KeyError(f"columns {', '.join(table.column_names)}")
    return tuple(Row(**cells) for cells in table.to_pylist())


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
    with _written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="")


@contextmanager
def _written_beside(path: Path) -> Iterator[Path]:
    """A place beside a file that takes the file's place when it is complete."""
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            os.replace(beside, path)
        finally:
            beside.unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"{path}: can't be written",
            found=error.strerror or str(error),
            mend="choose a folder on a disk with room that you may write to",
        ) from None
