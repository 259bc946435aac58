"""Where somebody goes after logging in: a page of this site, and nothing else."""

from __future__ import annotations

import re

__all__ = ["safe_next"]

# One slash first, as two are a host; no backslash, space or control character, which browsers read as slashes
# or leave out.
_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,1999}")


def safe_next(written: str) -> str:
    """The address that was asked for, if it is a path of this site; empty if it may lead elsewhere."""
    return written if _PATH.fullmatch(written) else ""
