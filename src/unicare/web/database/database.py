"""The site's database: transactions that are done wholly or not at all, and again where overtaken."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Self, TypeVar

import psycopg.errors
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from unicare.web.database.engine import open_engine, reading_engine, writing_engine

__all__ = ["Database"]

T = TypeVar("T")

_LOG = structlog.get_logger(__name__)
_FIRST_PAUSE_S = 0.005
_LONGEST_PAUSE_S = 0.5
_COLLISIONS = 5
_SQLITE_BUSY = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
_OVERTAKEN = (
    psycopg.errors.SerializationFailure,
    psycopg.errors.DeadlockDetected,
    psycopg.errors.LockNotAvailable,
)


class Database:
    """Where the site keeps what it knows.

    Safe to share between threads; not between processes, each of which opens its own.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._write = sessionmaker(writing_engine(engine), expire_on_commit=False)
        self._read = sessionmaker(reading_engine(engine), expire_on_commit=False)

    @classmethod
    def open(cls, url: str) -> Self:
        """Opens the database of a URL, see ``open_engine``; tables are made by ``upgrade``."""
        return cls(open_engine(url))

    def close(self) -> None:
        """Closes all connections that aren't in use."""
        self.engine.dispose()

    def transact(self, work: Callable[[Session], T], *, patience_s: float = 20.0) -> T:
        """Does all of some work, as if nobody else were writing, or nothing of it.

        Work that was overtaken (by another transaction, a lock, a lost connection) is done again from the
        start, so it must change nothing but the database. A row that breaks a unique constraint may be just
        that, too: on the second try the work sees the other's row. Once a commit was sent and no answer came,
        nobody knows whether it is done: then the error is raised, and the work isn't done again.

        Args:
            work: gets a session, and neither commits nor closes it.
            patience_s: for how long it is tried again.

        Returns:
            What ``work`` returns. Rows stay readable; they are no longer part of a session.

        Raises:
            sqlalchemy.exc.DBAPIError: the database refuses, is gone, or was busy for too long.
            Exception: whatever ``work`` raises; then nothing is done.
        """
        give_up_at = time.monotonic() + patience_s
        pause_s = _FIRST_PAUSE_S
        collisions = 0
        while True:
            committing = False
            session = self._write()
            try:
                result = work(session)
                session.flush()
                committing = True
                session.commit()
            except DBAPIError as error:
                session.rollback()
                collisions += isinstance(error, IntegrityError)
                again = _worth_another_try(error, committing) and collisions < _COLLISIONS
                if not again or time.monotonic() + pause_s > give_up_at:
                    raise
                _LOG.debug("transaction begun again", error=type(error.orig).__name__)
            else:
                return result
            finally:
                session.close()
            time.sleep(random.uniform(0, pause_s))
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that sees the state of one moment and can't change it. Rows stay readable afterwards."""
        with self._read() as session:
            yield session


def _worth_another_try(error: DBAPIError, committing: bool) -> bool:
    """Whether nothing is done yet, and the same work may succeed when it is begun again."""
    cause = error.orig
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", 0) & 0xFF in _SQLITE_BUSY
    if isinstance(cause, _OVERTAKEN) or isinstance(error, IntegrityError):
        return True
    lost = error.connection_invalidated or isinstance(cause, psycopg.OperationalError)
    return lost and not committing
