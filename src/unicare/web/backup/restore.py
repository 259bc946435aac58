"""Restoring a backup: all of it, or nothing."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from unicare.core.errors import SettingsError, UnicareError
from unicare.web.backup.contents import ABOUT, FORMAT, KEY, About, is_name, key_of, object_name, rows_name
from unicare.web.backup.file import BackupError, BackupReader
from unicare.web.backup.rows import has_rows, insert_rows, table_names, tables_of
from unicare.web.database import Database, revision_of, upgrade_within
from unicare.web.settings import KEY_FILE, SiteSettings, load_settings
from unicare.web.storage import STORAGE_MARK, Storage, open_storage

__all__ = ["Restored", "restore_backup"]

_ELSEWHERE = "restore into a new --data folder, or into an empty database"


@dataclass(frozen=True)
class Restored:
    """A site that was restored.

    Attributes:
        about: what the backup says of itself.
        settings: of the site, with the backup's key.
        rows: how many there are in all tables.
        key_in_use: whether the site will use the key of the backup; not if its environment has another.
    """

    about: About
    settings: SiteSettings
    rows: int
    key_in_use: bool


def restore_backup(
    path: Path, data_dir: Path, progress: Callable[[int, int], None] = lambda _done, _total: None
) -> Restored:
    """Restores a site from a backup, into the database and storage that the settings of ``data_dir`` name.

    The whole file is read and checked before anything is written. Tables are made as they were, filled, and
    brought to this version of unicare, in one transaction, which is the last thing to be done.

    Args:
        path: the backup.
        data_dir: the site's folder; made if it isn't there.
        progress: told members of the file done and in all; it is read twice.

    Raises:
        BackupError: it is damaged, or made by a newer unicare, or the site there isn't empty.
        SettingsError: the settings there can't be used.
        OSError: something can't be read or written.
    """
    with BackupReader(path, is_name) as file:
        total = 2 * len(file.names)
        file.verify(lambda done, _: progress(done, total))
        about = _about(path, file)
        secret = SecretStr(file.content(KEY).decode())
        settings = load_settings(data_dir, secret_key=secret)
        storage = open_storage(settings.storage_url.get_secret_value())
        keys = [key for name in file.names if (key := key_of(name)) is not None]
        _refuse_strangers(storage, keys)
        database = Database.open(settings.database_url.get_secret_value())
        try:
            with _told_plainly(path), database.engine.connect() as connection:
                rows = _fill(connection, file, about)
                with _files_in(storage, file, keys, settings.data_dir) as put:
                    for done, _ in enumerate(put, total - len(keys) + 1):
                        progress(done, total)
                    with _key_in(settings.data_dir / KEY_FILE, secret):
                        connection.commit()
        finally:
            database.close()
    return Restored(about, settings, rows, _is_in_use(data_dir, secret))


def _about(path: Path, file: BackupReader) -> About:
    """What it says of itself, if that fits what is in it."""
    try:
        about = About.read(file.content(ABOUT))
    except ValueError:
        raise BackupError(
            f"{path}: made by another version of unicare, and not known here",
            mend="install the newest version",
        ) from None
    if about.format != FORMAT:
        raise BackupError(
            f"{path}: made by unicare {about.unicare}",
            found=f"format {about.format}",
            expected=f"format {FORMAT}",
            mend="install that version or a later one",
        )
    rest = {name for name in file.names if key_of(name) is None}
    if rest != {ABOUT, KEY, *map(rows_name, about.tables)}:
        raise BackupError(f"{path}: not a backup of unicare", found="other tables than it says")
    return about


def _refuse_strangers(storage: Storage, keys: list[str]) -> None:
    """Files that a restore which broke off has left are fine; others would get into the site's way."""
    strangers = set(storage.keys()).difference(keys, (STORAGE_MARK,))
    if strangers:
        raise BackupError(
            "the site's storage isn't empty", found=f"{len(strangers)} other files", mend=_ELSEWHERE
        )


def _fill(connection: Connection, file: BackupReader, about: About) -> int:
    """Tables as they were, their rows, and whatever this version changes in them; how many rows."""
    found = revision_of(connection)
    if found is None and table_names(connection):
        raise BackupError("the database isn't empty", found="tables of something else", mend=_ELSEWHERE)
    if found is not None and has_rows(connection):
        raise BackupError("the database isn't empty", found="rows of a site", mend=_ELSEWHERE)
    if found not in (None, about.revision):
        raise BackupError(
            "the database is empty, but has tables of another version",
            found=f"revision {found}",
            expected=f"revision {about.revision}, or no tables",
            mend="give it a new database: remove the file, or create another",
        )
    upgrade_within(connection, about.revision)
    tables = {table.name: table for table in tables_of(connection)}
    if tables.keys() != set(about.tables):
        raise BackupError("the backup has other tables than its revision", found=sorted(about.tables))
    rows = sum(insert_rows(connection, table, _lines(file, name)) for name, table in tables.items())
    upgrade_within(connection)
    return rows


def _lines(file: BackupReader, table: str) -> Iterator[str]:
    left = b""
    for block in file.blocks(rows_name(table)):
        *lines, left = (left + block).split(b"\n")
        yield from (line.decode() for line in lines)
    if left:
        raise ValueError(f"{table}: its last line has no end")


@contextmanager
def _files_in(
    storage: Storage, file: BackupReader, keys: list[str], data_dir: Path
) -> Iterator[Iterator[str]]:
    """Puts files into the storage, as they are asked for; takes them out again if something goes wrong."""
    work = data_dir / f"restoring-{secrets.token_hex(4)}"
    work.mkdir(mode=0o700)
    put: list[str] = []

    def each() -> Iterator[str]:
        for number, key in enumerate(keys):
            copy = work / str(number)
            with copy.open("xb") as target:
                for block in file.blocks(object_name(key)):
                    target.write(block)
            put.append(key)
            storage.put(key, copy)
            copy.unlink()
            yield key

    try:
        yield each()
    except BaseException:
        for key in put:
            with suppress(OSError, UnicareError):
                storage.delete(key)
        raise
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def _key_in(path: Path, key: SecretStr) -> Iterator[None]:
    """Puts the key into its place; the one before comes back if something goes wrong."""
    before = path.read_bytes() if path.exists() else None
    _write_key(path, key.get_secret_value().encode() + b"\n")
    try:
        yield
    except BaseException:
        if before is None:
            path.unlink(missing_ok=True)
        else:
            _write_key(path, before)
        raise


def _write_key(path: Path, content: bytes) -> None:
    beside = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _is_in_use(data_dir: Path, key: SecretStr) -> bool:
    try:
        return load_settings(data_dir).secret_key == key
    except SettingsError:
        return False


@contextmanager
def _told_plainly(path: Path) -> Iterator[None]:
    try:
        yield
    except DBAPIError as error:
        raise BackupError(
            f"{path}: the database doesn't take it",
            found=str(error.orig).strip().partition("\n")[0],
            mend="nothing was restored; check UNICARE_DATABASE_URL and whether the database is running",
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise BackupError(
            f"{path}: its rows can't be read", found=error, mend="nothing was restored"
        ) from None
