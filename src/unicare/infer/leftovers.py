"""What killed runs leave behind: files that were being written."""

from __future__ import annotations

import os
import re
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["remove_leftovers"]

_PART = re.compile(r"\.unicare-([0-9]+)-[0-9]+\.part")
"""As ``data.nifti_bytes.written_beside`` names them: process, thread."""

_QUIET_SECONDS = 60.0
"""Nobody writes to a file that hasn't changed for so long."""


def remove_leftovers(folder: Path) -> None:
    """Removes half-written files of runs that were killed; those of other running processes stay.

    To be called before this process writes to the folder itself.
    """
    for path in folder.glob(".unicare-*.part"):
        found = _PART.fullmatch(path.name)
        with suppress(OSError):  # another run may have removed it, or may still have it open
            if found and (_gone(int(found[1])) or time.time() - path.stat().st_mtime > _QUIET_SECONDS):
                path.unlink()


def _gone(process: int) -> bool:
    """Whether no other process of this machine writes under the number; False where that can't be asked."""
    if process == os.getpid():  # in a container every run has the same number
        return True
    if os.name != "posix":
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    with suppress(OSError):  # one that ended, but nobody has asked how, still has its number
        return ") Z " in Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    return False
