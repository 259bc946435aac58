"""The whole API as its document describes it, for a visitor, somebody in a team and an organiser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies
from structlog.testing import capture_logs
from tests.web.security.cast import Cast, cast_on
from tests.web.security.table import WANTED
from tests.web.sites import HOST

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis isn't installed")
checks = pytest.importorskip("schemathesis.specs.openapi.checks")

from schemathesis.checks import not_a_server_error  # noqa: E402

ROLES = ("visitor", "captain", "organiser")
MODES = {"POSITIVE": 4, "NEGATIVE": 3}
"""Requests of each sort, for each role and operation."""
CHECKS = (
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_headers_conformance,
    checks.response_schema_conformance,
)
METHODS = ("get", "post", "put", "patch", "delete")
PATHS = sorted({route.split(" ")[1] for route in WANTED if "/api/" in route} - {"/api/v1/openapi.json"})


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast_on(tmp_path_factory.mktemp("cast")) as found:
        yield found


@pytest.fixture(scope="module")
def schema(cast: Cast) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", cast.app, headers={"Host": HOST})


def test_every_address_of_the_document_is_tried(schema: Any) -> None:
    assert set(PATHS) == set(schema.raw_schema["paths"])


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("path", PATHS)
def test_answers_are_as_described(cast: Cast, schema: Any, path: str, role: str) -> None:
    who = cast.roles[role]
    headers = {"Host": HOST, **({"Authorization": f"Bearer {who.token}"} if who.token else {})}
    for method in METHODS:
        if method not in schema.raw_schema["paths"][path]:
            continue
        operation = schema[path][method.upper()]
        for mode, most in MODES.items():
            if mode == "POSITIVE" or operation.body or operation.query or "{" in path:
                _ask(cast, operation, mode, most, headers)
    cast.put_back()


def _ask(cast: Cast, operation: Any, mode: str, most: int, headers: dict[str, str]) -> None:
    cases = operation.as_strategy(generation_mode=getattr(schemathesis.GenerationMode, mode))

    @settings(
        max_examples=most,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, there=strategies.booleans())
    def ask(case: Any, there: bool) -> None:
        if there and mode == "POSITIVE":
            _make_real(case, cast)
        case.call_and_validate(headers=headers, checks=CHECKS)

    with capture_logs():
        ask()


def _make_real(case: Any, cast: Cast) -> None:
    """Has the address name things that are there."""
    known = {**cast.objects, "phase": "validation", "task": "whs", "name": "own", "case": "one"}
    for name in case.path_parameters or {}:
        if name in known:
            value = known[name]
            case.path_parameters[name] = int(value) if value.isdigit() else value
