"""Paths that stay inside a challenge's folder, whatever challenge.yaml says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

__all__ = ["FileInside", "FolderInside", "inside"]


def inside(folder: Path, written: str) -> Path:
    """The absolute path that a path in challenge.yaml means, links followed.

    Args:
        folder: the challenge's.
        written: seen from there, with ``/`` between its parts.

    Raises:
        ValueError: it leaves the folder, by ``..``, as an absolute path or through a link, or it is no path.
    """
    if not written.strip() or "\\" in written or not written.isprintable():
        raise ValueError(f"not a path: {written!r}")
    if written.startswith(("/", "~")) or ".." in written.split("/"):
        raise ValueError(
            f"{written} leaves the challenge's folder; put the file inside and name it from there"
        )
    root = folder.resolve()
    try:
        path = (root / written).resolve()
    except (OSError, RuntimeError, ValueError):  # a loop of links, a name too long
        raise ValueError(f"not a path: {written!r}") from None
    if not path.is_relative_to(root):
        raise ValueError(f"{written} leaves the challenge's folder through a link; copy what it points to")
    return path


def _there(written: Any, info: ValidationInfo, kind: str) -> Path:
    if not isinstance(written, str):
        raise ValueError(f"expected the path of a {kind} inside the challenge's folder")
    folder: Path = (info.context or {})["folder"]
    path = inside(folder, written)
    try:
        there = path.is_file() if kind == "file" else path.is_dir()
    except OSError:
        there = False
    if not there:
        raise ValueError(f"no {kind} {written}; add it, or mend the path")
    return path


def _file(written: Any, info: ValidationInfo) -> Path:
    return _there(written, info, "file")


def _folder(written: Any, info: ValidationInfo) -> Path:
    return _there(written, info, "folder")


FileInside = Annotated[Path, PlainValidator(_file)]
"""A file that is there, inside the folder given as ``context={"folder": …}``; absolute once validated."""

FolderInside = Annotated[Path, PlainValidator(_folder)]
"""The same of a folder."""
