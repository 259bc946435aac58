"""Writing a backup while the site goes on."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection, Table, select

from unicare import __version__
from unicare.web.backup.contents import ABOUT, FORMAT, KEY, About, Rows, object_name, rows_name
from unicare.web.backup.file import BackupError, BackupWriter
from unicare.web.backup.rows import tables_of, write_rows
from unicare.web.database import Database, revision_of, utc_now
from unicare.web.settings import SiteSettings
from unicare.web.storage import Storage, open_storage

__all__ = ["Backup", "write_backup"]

_WORK = "backing-up-"
_DAY_S = 24 * 3600
_ROUNDS = 10
_NAMING = ("storage_key", "rows_key")
_WITHOUT_FILES = ("refused", "cancelled")


@dataclass(frozen=True)
class Backup:
    """A backup that was written.

    Attributes:
        path: of the file.
        about: what it says of itself.
        rows: table to the number of its rows.
        file_bytes: its length.
    """

    path: Path
    about: About
    rows: dict[str, int]
    file_bytes: int


def write_backup(
    settings: SiteSettings,
    out: Path,
    *,
    images: bool = True,
    progress: Callable[[int, int], None] = lambda _done, _total: None,
) -> Backup:
    """Writes all rows as they are at one moment, the files that belong to them, and the site's key.

    The site may run meanwhile. Rows of one moment name files that are there at that moment. Such a file is
    never changed, but may be thrown away before it can be read, since the site went on; then the rows are
    taken again, as they are by now.

    Args:
        settings: of the site.
        out: the file; nobody but its owner can read it. Written beside, and there only when it is complete.
        images: whether teams' container images are part of it.
        progress: told files done, and how many are known of.

    Raises:
        BackupError: there is no site, or the file is there already.
        OSError: something can't be read or written.
    """
    if out.exists():
        raise BackupError(f"{out}: there already", mend="choose another name")
    database = Database.open(settings.database_url.get_secret_value())
    storage = open_storage(settings.storage_url.get_secret_value())
    out.absolute().parent.mkdir(parents=True, exist_ok=True)
    part = out.absolute().with_name(f".{out.name}.{secrets.token_hex(4)}")
    # Files of a storage that lies on the same disk as the site's folder are linked to here, not copied.
    work = settings.data_dir / f"{_WORK}{secrets.token_hex(4)}"
    _remove_left_over(settings.data_dir)
    work.mkdir(mode=0o700)
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            about, rows = _write(settings, database, storage, file, work, images, progress)
            file.flush()
            os.fsync(file.fileno())
        _place(part, out)
        return Backup(out, about, rows, out.stat().st_size)
    finally:
        database.close()
        part.unlink(missing_ok=True)
        shutil.rmtree(work, ignore_errors=True)


def _remove_left_over(data_dir: Path) -> None:
    """What backups that were killed have left for a day: rows with people in them."""
    for folder in data_dir.glob(f"{_WORK}*"):
        if folder.stat().st_mtime < time.time() - _DAY_S:
            shutil.rmtree(folder, ignore_errors=True)


def _write(
    settings: SiteSettings,
    database: Database,
    storage: Storage,
    file: BinaryIO,
    work: Path,
    images: bool,
    progress: Callable[[int, int], None],
) -> tuple[About, dict[str, int]]:
    writer = BackupWriter(file)
    taken: set[str] = set()
    missing: set[str] | None = None
    for number in range(_ROUNDS):
        folder = work / f"rows-{number}"
        revision, tables, rows = _snapshot(database, folder)
        passed = taken if images else taken | rows.images
        present = storage.keys()
        wanted = [key for key in present if key not in passed and rows.own(key)]
        taken.update(_add_files(writer, storage, wanted, work, progress))
        before, missing = missing, rows.missing(taken if images else taken | rows.images)
        if not missing or missing == before:  # what two states name in vain was lost before
            break
    else:
        raise BackupError(
            "files are thrown away more quickly than they can be read", mend="try again when less is going on"
        )
    counts = {}
    for name in tables:
        writer.add(rows_name(name), folder / name)
        counts[name] = (folder / name).read_bytes().count(b"\n") - 1
    about = About(
        format=FORMAT,
        unicare=__version__,
        revision=revision,
        made_at=utc_now().isoformat(timespec="seconds"),
        tables=tuple(tables),
        files=len(taken),
        without_images=not images,
        missing=tuple(sorted(missing)),
    )
    writer.add_bytes(KEY, settings.secret_key.get_secret_value().encode())
    writer.add_bytes(ABOUT, json.dumps(about.as_dict(), indent=2).encode())
    writer.finish()
    return about, counts


def _snapshot(database: Database, folder: Path) -> tuple[str, list[str], Rows]:
    """All rows of one moment, written into a new folder; what they say of the storage."""
    folder.mkdir()
    with database.reading() as session:
        connection = session.connection()
        revision = revision_of(connection)
        if revision is None:
            raise BackupError(
                "there is no site to back up: its database is empty",
                mend="check --data, or UNICARE_DATABASE_URL",
            )
        tables = tables_of(connection)
        for table in tables:
            write_rows(connection, table, folder / table.name)
        return revision, [table.name for table in tables], _rows(connection, tables)


def _rows(connection: Connection, tables: Iterable[Table]) -> Rows:
    numbers: dict[str, set[int]] = {"submissions": set(), "evaluations": set()}
    named: set[str] = set()
    images: set[str] = set()
    for table in tables:
        columns = table.columns
        if table.name in numbers:
            numbers[table.name].update(connection.scalars(select(columns["id"])))
        for name in _NAMING:
            if name in columns:
                naming = select(columns[name])
                if table.name == "submissions":  # what these have handed in is thrown away
                    naming = naming.where(columns["state"].not_in(_WITHOUT_FILES))
                named.update(key for key in connection.scalars(naming) if key)
        if table.name == "submissions":
            handed_in = select(columns["storage_key"]).where(columns["kind"] == "container")
            images.update(key for key in connection.scalars(handed_in) if key)
    return Rows(numbers["submissions"], numbers["evaluations"], named, images)


def _add_files(
    writer: BackupWriter,
    storage: Storage,
    keys: list[str],
    work: Path,
    progress: Callable[[int, int], None],
) -> Iterable[str]:
    """Adds files; yields the keys of those that were still there."""
    copy = work / "file"
    for done, key in enumerate(keys, 1):
        with suppress(FileNotFoundError):
            storage.get(key, copy)
            try:
                writer.add(object_name(key), copy)
            finally:
                copy.unlink(missing_ok=True)
            yield key
        progress(done, len(keys))


def _place(part: Path, out: Path) -> None:
    """Moves the file to its place, never onto another."""
    try:
        os.link(part, out)
    except FileExistsError:
        raise BackupError(f"{out}: there already", mend="choose another name") from None
    except OSError:  # a disk without links
        os.replace(part, out)
    folder = os.open(out.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
