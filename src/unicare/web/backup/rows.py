"""All rows of a database as lines of JSON, and back into the tables of the same revision, of either database.

Tables are taken as the database describes them, not as this version's models do: a backup may be older than
the models.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from sqlalchemy import (
    JSON,
    BindParameter,
    Cast,
    Column,
    Connection,
    DateTime,
    MetaData,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    select,
    text,
)
from sqlalchemy.exc import SAWarning

__all__ = ["has_rows", "insert_rows", "table_names", "tables_of", "write_rows"]

_BATCH = 500
_REVISION = "alembic_version"


def tables_of(connection: Connection) -> list[Table]:
    """The tables as they are in a database, each after those that it names."""
    found = MetaData()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SAWarning)  # of indexes that it can't describe; rows don't need them
        found.reflect(connection)
    return [table for table in found.sorted_tables if table.name != _REVISION]


def table_names(connection: Connection) -> list[str]:
    """Their names."""
    return [table.name for table in tables_of(connection)]


def has_rows(connection: Connection) -> bool:
    """Whether any table has a row."""
    return any(
        connection.execute(select(text("1")).select_from(table).limit(1)).first() is not None
        for table in tables_of(connection)
    )


def write_rows(connection: Connection, table: Table, path: Path) -> None:
    """Writes a table: a line with the names of its columns, then one for each row, by its primary key.

    Moments are written in UTC. What a JSON column holds is written as the database has it, as text, since
    there is a difference between no value and ``null``.
    """
    columns = list(table.columns)
    wanted = [cast(one, Text) if _is_json(one) else one for one in columns]
    rows = connection.execute(
        select(*wanted).order_by(*table.primary_key).execution_options(yield_per=_BATCH)
    )
    with path.open("x", encoding="utf-8") as file:
        for line in chain(
            [[one.name for one in columns]], ([_written(value) for value in row] for row in rows)
        ):
            file.write(json.dumps(line, ensure_ascii=False, allow_nan=False) + "\n")


def insert_rows(connection: Connection, table: Table, lines: Iterable[str]) -> int:
    """Inserts what ``write_rows`` wrote; how many rows that were.

    Raises:
        ValueError: the lines don't fit the table.
        sqlalchemy.exc.DBAPIError: the database refuses them.
    """
    given = iter(lines)
    names = json.loads(next(given, "null"))
    if not isinstance(names, list) or sorted(map(str, names)) != sorted(one.name for one in table.columns):
        raise ValueError(f"{table.name}: other columns than those of its revision")
    columns = [table.columns[name] for name in names]
    statement = insert(table).values({one.name: _bound(one, connection) for one in columns})
    count = 0
    rows = _rows(given, columns)
    while some := list(islice(rows, _BATCH)):
        connection.execute(statement, some)
        count += len(some)
    _set_counter(connection, table)
    return count


def _rows(lines: Iterator[str], columns: list[Column[Any]]) -> Iterator[dict[str, Any]]:
    for line in lines:
        values = json.loads(line)
        if not isinstance(values, list) or len(values) != len(columns):
            raise ValueError("a row of another length than its head")
        yield {
            _parameter(column): _read(value, column) for column, value in zip(columns, values, strict=True)
        }


def _is_json(column: Column[Any]) -> bool:
    return isinstance(column.type, JSON)


def _parameter(column: Column[Any]) -> str:
    return f"given_{column.name}"


def _bound(column: Column[Any], connection: Connection) -> BindParameter[Any] | Cast[Any]:
    if not _is_json(column):
        return bindparam(_parameter(column), type_=column.type)
    given = bindparam(_parameter(column), type_=Text())
    return given if connection.dialect.name == "sqlite" else cast(given, column.type)


def _written(value: Any) -> Any:
    if isinstance(value, datetime):  # SQLite keeps UTC, without saying so
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
    return value


def _read(value: Any, column: Column[Any]) -> Any:
    if value is None or not isinstance(column.type, DateTime):
        return value
    moment = datetime.fromisoformat(value)
    return moment if column.type.timezone else moment.replace(tzinfo=None)


def _set_counter(connection: Connection, table: Table) -> None:
    """PostgreSQL counts new rows apart from what is in the table."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key:
        counter = connection.scalar(select(func.pg_get_serial_sequence(table.name, column.name)))
        last = connection.scalar(select(func.max(column)))
        if counter is not None and last is not None:
            connection.execute(select(func.setval(counter, last)))
