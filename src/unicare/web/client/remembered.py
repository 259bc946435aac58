"""The site and token of the one who works here, if they were saved: a file that nobody else can read."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from unicare.core.errors import OutputError, SettingsError

__all__ = ["Remembered", "recall_site", "remember_site"]


@dataclass(frozen=True)
class Remembered:
    """What was saved.

    Attributes:
        site: address.
        token: for that site and no other.
    """

    site: str
    token: str

    def __repr__(self) -> str:
        return f"Remembered(site={self.site!r})"


def place() -> Path:
    """``~/.config/unicare/site.json``, or below XDG_CONFIG_HOME."""
    home = os.environ.get("XDG_CONFIG_HOME") or "~/.config"
    return Path(home).expanduser() / "unicare" / "site.json"


def remember_site(site: str, token: str) -> Path:
    """Saves both; readable for nobody else, never half of it.

    Raises:
        OutputError: it can't be written.
    """
    path = place()
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        beside.unlink(missing_ok=True)
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            json.dump(asdict(Remembered(site, token)), file)
        os.replace(beside, path)
    except OSError as error:
        raise OutputError(f"{path}: can't be written", found=error.strerror) from None
    return path


def recall_site() -> Remembered | None:
    """What was saved, if anything.

    Raises:
        SettingsError: others can read it, or it is something else.
    """
    path = place()
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsError(f"{path}: others can read your token", mend=f"run chmod 600 {path}")
        return Remembered(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise SettingsError(f"{path}: can't be read", found=error.strerror) from None
    except (TypeError, ValueError):
        raise SettingsError(f"{path}: not what unicare saved", mend="remove it") from None
