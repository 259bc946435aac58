"""A site for tests of boards, on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.web.standings.stage import Stage

from unicare.web.standings import keep


@pytest.fixture(autouse=True)
def _all_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is, boards aren't left for later."""
    monkeypatch.setattr(keep, "_AT_A_TIME_S", float("inf"))


@pytest.fixture
def stage(database_url: str, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path, database_url)
    yield made
    made.close()
