"""Evaluations that are given by name: ``NAME=EVALUATION``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unicare.core.errors import SettingsError

if TYPE_CHECKING:
    from unicare.evaluate.rows import Row

__all__ = ["named_paths", "read_evaluations"]


def named_paths(words: Sequence[str], form: str) -> list[tuple[str, Path]]:
    """Name and path of every word.

    Raises:
        SettingsError: a word isn't of that form.
    """
    pairs = []
    for word in words:
        name, equals, path = word.partition("=")
        if not name or not equals or not path:
            raise SettingsError(f"{word}: can't be read", expected=form)
        pairs.append((name, Path(path)))
    return pairs


def read_evaluations(words: Sequence[str]) -> dict[str, tuple[Row, ...]]:
    """Team to its rows; a team with several evaluations is named several times.

    Raises:
        SettingsError: there is none, or a word isn't ``NAME=EVALUATION``.
        ImageError: an evaluation can't be read.
    """
    from unicare.evaluate.rows import read_rows

    teams: dict[str, tuple[Row, ...]] = {}
    for name, path in named_paths(words, "NAME=EVALUATION"):
        teams[name] = (*teams.get(name, ()), *read_rows(path))
    if not teams:
        raise SettingsError("no evaluation given", expected="NAME=EVALUATION, as in ours=out/evaluation")
    return teams
