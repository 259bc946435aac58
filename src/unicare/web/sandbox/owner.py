"""Whose a container, image or folder is: its maker's process is in its name, so that leftovers are known."""

from __future__ import annotations

import os
import re
import secrets
from pathlib import Path

__all__ = ["PREFIX", "is_left_over", "new_name"]

PREFIX = "unicare-run-"
"""How every name begins that the sandbox gives."""

_NAME = re.compile(re.escape(PREFIX) + r"(?P<space>[0-9a-f]+)-(?P<pid>[0-9]+)-(?P<start>[0-9]+)-[0-9a-f]{16}")


def new_name() -> str:
    """A name that nobody has: ``unicare-run-<process namespace>-<process>-<its start>-<chance>``."""
    pid = os.getpid()
    return f"{PREFIX}{_namespace()}-{pid}-{_start(pid) or 0}-{secrets.token_hex(8)}"


def is_left_over(name: str) -> bool:
    """Whether a name was given by a process of this machine that has ended."""
    found = _NAME.fullmatch(name)
    if found is None or found["space"] != _namespace():
        return False
    return _start(int(found["pid"])) != int(found["start"])


def _namespace() -> str:
    """Processes are numbered anew in every container that a worker may itself sit in."""
    return f"{os.stat('/proc/self/ns/pid').st_ino:x}"


def _start(pid: int) -> int | None:
    """When a process began, in ticks since the machine did; None when there is none, or only its remains."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    after_name = stat.rpartition(") ")[2].split()
    return None if after_name[0] in "ZX" else int(after_name[19])
