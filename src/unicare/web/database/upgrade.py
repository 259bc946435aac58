"""Bringing a database to the tables of this version of unicare."""

from __future__ import annotations

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError

from unicare.core.errors import SettingsError

__all__ = ["head_revision", "revision_of", "upgrade", "upgrade_within"]

_ADVISORY_LOCK = 7_811_204_115


def upgrade(engine: Engine) -> str | None:
    """Makes all tables, or changes those of an older version, in one transaction; a second call does nothing.

    Several processes may call it at once: one does it, the others wait.

    Returns:
        The revision that was found; None if the database was empty.

    Raises:
        SettingsError: the database can't be reached, or was made by a newer version of unicare.
    """
    try:
        with engine.begin() as connection:
            return upgrade_within(connection)
    except OperationalError as error:
        raise SettingsError(
            "the database can't be used",
            found=str(error.orig).strip().splitlines()[0],
            mend="check UNICARE_DATABASE_URL and whether the database is running",
        ) from None


def revision_of(connection: Connection) -> str | None:
    """The revision of a database's tables; None if it has none."""
    return MigrationContext.configure(connection).get_current_revision()


def head_revision() -> str:
    """The revision of this version of unicare."""
    return str(ScriptDirectory.from_config(_settings()).get_current_head())


def upgrade_within(connection: Connection, revision: str = "head") -> str | None:
    """The same in a transaction of the caller's, to any revision; others that upgrade wait for its end.

    Returns:
        The revision that was found; None if the database was empty.

    Raises:
        SettingsError: the revision, or that of the database, is none that this version of unicare knows.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK})
    found = revision_of(connection)
    settings = _settings()
    settings.attributes["connection"] = connection
    try:
        command.upgrade(settings, revision)
    except CommandError:
        raise SettingsError(
            "the database was made by another version of unicare",
            found=f"tables of revision {found if revision == 'head' else revision}",
            expected=f"{head_revision()} or older",
            mend="install that version, or restore a backup",
        ) from None
    return found


def _settings() -> Config:
    settings = Config()
    settings.set_main_option("script_location", "unicare.web.database:migrations")
    settings.set_main_option("path_separator", "os")
    return settings
