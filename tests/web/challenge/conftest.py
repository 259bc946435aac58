"""What tests of challenges' folders are built from."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.web.challenge.folders import write_challenge


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A challenge in which nothing is wrong."""
    return write_challenge(tmp_path / "challenge")


@pytest.fixture
def edit(folder: Path) -> Callable[..., int]:
    """Replaces a text of challenge.yaml (or of another file) by another; returns its line, from 1."""

    def replace(old: str, new: str, file: str = "challenge.yaml") -> int:
        path = folder / file
        text = path.read_text(encoding="utf-8")
        assert text.count(old) >= 1, f"{old!r} isn't in {file}"
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    return replace
