"""The log: lines of JSON, each with its request, none with a secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from pydantic import SecretStr
from tests.web.sites import asking, made_app

from unicare.web.log import configure_logging


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged; everything is put back afterwards."""
    root = logging.getLogger()
    own = logging.getLogger("unicare")
    handlers, level = list(root.handlers), root.level
    own_handlers, own_level, own_propagates = list(own.handlers), own.level, own.propagate
    stream = io.StringIO()
    configure_logging(stream)
    yield stream
    root.handlers[:] = handlers
    root.setLevel(level)
    own.handlers[:] = own_handlers
    own.setLevel(own_level)
    own.propagate = own_propagates
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.usefixtures("written")
def test_what_commands_set_up_before_does_not_swallow_it() -> None:
    own = logging.getLogger("unicare")
    own.propagate = False
    own.setLevel(logging.WARNING)
    own.addHandler(logging.NullHandler())
    stream = io.StringIO()
    configure_logging(stream)
    structlog.get_logger("unicare.web").info("something")
    assert [line["event"] for line in lines(stream)] == ["something"]


def test_a_request_is_one_line_with_its_number(written: io.StringIO, tmp_path: Path) -> None:
    answer = asking(made_app(tmp_path)).get("/boards/open?sort=dice")
    found = [line for line in lines(written) if line["event"] == "request"]
    assert len(found) == 1
    line = found[0]
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert (line["method"], line["route"], line["status"]) == ("GET", "/boards/{name}", 200)
    assert line["milliseconds"] > 0


@pytest.mark.parametrize("address", ["/nothing/hunter2", "/boards/hunter2", "/boards/open?token=hunter2"])
def test_what_stands_in_an_address_is_not_logged(written: io.StringIO, tmp_path: Path, address: str) -> None:
    headers = {"Authorization": "Bearer hunter2hunter2", "Cookie": "unicare_session=hunter2"}
    asking(made_app(tmp_path)).get(address, headers=headers)
    assert lines(written)
    assert "hunter2" not in written.getvalue()


def test_a_failure_is_logged_with_its_cause_and_without_its_password(
    written: io.StringIO, tmp_path: Path
) -> None:
    app = made_app(tmp_path)

    @app.get("/breaks")
    def breaks() -> None:
        raise RuntimeError("can't reach postgresql://user:hunter2@host/site")

    app.router.routes.insert(0, app.router.routes.pop())
    answer = asking(app).get("/breaks")
    failed = next(line for line in lines(written) if line["event"] == "request failed")
    assert failed["request_id"] == answer.headers["X-Request-ID"]
    assert "RuntimeError" in failed["exception"]
    assert "postgresql://user:[hidden]@host/site" in failed["exception"]
    assert "hunter2" not in written.getvalue()


@pytest.mark.parametrize(
    "fields",
    [
        {"password": "hunter2"},
        {"api_token": "hunter2"},
        {"settings": {"smtp": {"Secret-Key": "hunter2"}}},
        {"seen": ["smtp://me:hunter2@host"]},
        {"key": SecretStr("hunter2")},
        {"header": "Authorization: Bearer hunter2hunter2"},
    ],
)
def test_secrets_are_hidden_wherever_they_stand(written: io.StringIO, fields: dict[str, Any]) -> None:
    structlog.get_logger("some").info("something", **fields)
    logging.getLogger("other").warning("fetching https://me:hunter2@host failed")
    assert len(lines(written)) == 2
    assert "hunter2" not in written.getvalue()
    assert "something" in written.getvalue()
