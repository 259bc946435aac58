"""The site's data folder: whose it is, where it may lie, and that others can't look into it."""

from __future__ import annotations

import os
import secrets
import stat
from contextlib import suppress
from pathlib import Path

from unicare.core.errors import OutputError, SettingsError

__all__ = ["hide_file", "hide_folder", "keep_for", "refuse_overlap", "write_once"]

NOTE_FILE = "challenge.name"

_OTHERS = 0o007


def refuse_overlap(data_dir: Path, challenge_dir: Path) -> None:
    """The challenge is read, the site's data are written: neither may lie in the other.

    Raises:
        SettingsError: one does, or they are the same folder.
    """
    data, challenge = data_dir.resolve(), challenge_dir.resolve()
    if data.is_relative_to(challenge) or challenge.is_relative_to(data):
        raise SettingsError(
            "the site's data and the challenge lie in one another",
            found=f"--data {data_dir}, --challenge {challenge_dir}",
            expected="two folders, neither of them inside the other",
            mend="take another --data, or move the one that is there",
        )


def keep_for(data_dir: Path, challenge: str) -> None:
    """Notes in the data folder whose data they are, the first time; teams' work of one isn't another's.

    Args:
        data_dir: the site's folder.
        challenge: its ``name``.

    Raises:
        SettingsError: the data belong to another challenge.
        OutputError: the note can't be read or written.
    """
    note = data_dir / NOTE_FILE
    try:
        write_once(note, f"{challenge}\n")
        kept = note.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        raise OutputError(f"{note}: can't be kept", found=error.strerror) from None
    if kept != challenge:
        raise SettingsError(
            f"{data_dir} belongs to challenge {kept}",
            found=f"challenge {challenge}",
            mend=f"take another --data; or, if only its name: has changed, write {challenge} into {note}",
        )


def write_once(path: Path, text: str) -> None:
    """Writes a file unless there is one; never half of it, and never readable for others.

    Raises:
        OSError: it can't be written.
    """
    if path.exists():
        return
    new = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        with suppress(FileExistsError):
            os.link(new, path)  # unlike a rename it leaves the file of whoever was quicker
    finally:
        new.unlink(missing_ok=True)


def hide_folder(path: Path) -> None:
    """Makes a folder that others can't look into; one that is there is closed to them.

    What its owner gave to a group stays, as somebody did that on purpose.

    Raises:
        OSError: it can't be made.
    """
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    _close(path)


def hide_file(path: Path) -> None:
    """Makes an empty file that others can't read, for a program that would make one for all; see above.

    A file that is there is never opened: closing it again would undo the locks that SQLite has on it.

    Raises:
        OSError: it can't be made.
    """
    try:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        for beside in (path, *(path.with_name(f"{path.name}{end}") for end in ("-wal", "-shm"))):
            _close(beside)


def _close(path: Path) -> None:
    with suppress(FileNotFoundError, PermissionError):  # gone meanwhile, or somebody else's
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & _OTHERS:
            path.chmod(mode & ~_OTHERS)
