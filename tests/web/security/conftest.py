"""The site with somebody of every kind on it, for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from structlog.testing import capture_logs
from tests.web.security.cast import Cast, cast_on


@pytest.fixture(scope="session")
def made_cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast_on(tmp_path_factory.mktemp("cast")) as found:
        yield found


@pytest.fixture
def cast(made_cast: Cast) -> Iterator[Cast]:
    """As it was at first, whatever other tests did."""
    made_cast.put_back()
    with capture_logs():
        yield made_cast
