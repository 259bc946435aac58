"""The site's data folder: whose it is, where it may lie, and that others can't look into it."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path

from unicare.core.errors import OutputError, SettingsError

__all__ = ["keep_for", "refuse_overlap", "write_once"]

NOTE_FILE = "challenge.name"


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
