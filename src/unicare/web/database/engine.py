"""Connections to the site's database: SQLite for one machine, PostgreSQL in earnest."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from unicare.core.errors import OutputError, SettingsError
from unicare.web.data_folder import hide_file

__all__ = ["open_engine", "reading_engine", "writing_engine"]

_READING = "unicare_reading"
_FIND_DEAD = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}
"""libpq's: seconds, the last one milliseconds. Without them a machine that is gone is waited for hours."""
_KEPT_OPEN = 40
"""Connections of a process to SQLite: one for each thread for requests, so that none is opened under load."""
_EXAMPLES = "sqlite:////path/site.sqlite or postgresql://user:password@host/database"


def open_engine(url: str, *, busy_s: float = 10.0) -> Engine:
    """An engine whose transactions are set up as the site needs them; it connects when it is first used.

    SQLite: write-ahead log, foreign keys, and ``BEGIN IMMEDIATE``, so that a transaction that reads and then
    writes is never overtaken. PostgreSQL: psycopg 3, dead connections found, also those to machines that
    answer no more; what the URL says of this (``?connect_timeout=…``) counts.

    Args:
        url: of the database.
        busy_s: for how long a transaction of SQLite waits for another to end.

    Raises:
        SettingsError: the URL is none, or of another kind of database.
        OutputError: the folder of the SQLite file can't be made.
    """
    address = _address(url)
    if address.get_backend_name() == "sqlite":
        return _open_sqlite(address, busy_s)
    given = {name: value for name, value in _FIND_DEAD.items() if name not in address.query}
    return create_engine(address, pool_pre_ping=True, pool_size=20, max_overflow=20, connect_args=given)


def writing_engine(engine: Engine) -> Engine:
    """The same engine for transactions that are as good as one after another."""
    if engine.dialect.name == "sqlite":
        return engine
    return engine.execution_options(isolation_level="SERIALIZABLE")


def reading_engine(engine: Engine) -> Engine:
    """The same engine for transactions that see one moment's state and can't write."""
    if engine.dialect.name == "sqlite":
        return engine.execution_options(**{_READING: True})
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        backend = address.get_backend_name()
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise SettingsError(  # the URL may hold a password: it isn't shown
            "the database's URL can't be read", expected=_EXAMPLES, mend="set UNICARE_DATABASE_URL"
        ) from None
    if backend == "postgresql":
        return address.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise SettingsError(
            "no such kind of database", found=backend, expected=_EXAMPLES, mend="set UNICARE_DATABASE_URL"
        )
    if not address.database or address.database == ":memory:" or address.database.startswith("file:"):
        raise SettingsError(
            "a database in memory is lost with its process", expected=_EXAMPLES, mend="name a file"
        )
    return address.set(drivername="sqlite+pysqlite")


def _open_sqlite(address: URL, busy_s: float) -> Engine:
    file = Path(str(address.database))
    folder = file.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the database's folder can't be made", found=error.strerror) from None
    engine = create_engine(address, connect_args={"timeout": busy_s}, pool_size=_KEPT_OPEN)

    @event.listens_for(engine, "do_connect")
    def _hide(*_: Any) -> None:
        with suppress(OSError):  # SQLite says it better
            hide_file(file)  # its log of writes gets the same rights

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # the driver begins no transactions by itself
        for pragma in (
            "journal_mode = WAL",
            "synchronous = FULL",  # what was answered with yes outlasts a power cut
            "foreign_keys = ON",
            "recursive_triggers = ON",  # else INSERT OR REPLACE deletes without asking the triggers
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        reading = bool(connection.get_execution_options().get(_READING))
        connection.exec_driver_sql(f"PRAGMA query_only = {int(reading)}")
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
