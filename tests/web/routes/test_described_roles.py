"""The whole API as its document describes it, for a visitor, somebody in a team and an organiser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings, strategies
from structlog.testing import capture_logs
from tests.web.security.cast import Cast, cast_on
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
METHODS = {"get", "post", "put", "patch", "delete"}


@pytest.fixture(scope="module")
def cast(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cast]:
    with cast_on(tmp_path_factory.mktemp("cast")) as found:
        yield found


@pytest.fixture(scope="module")
def schema(cast: Cast) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", cast.app, headers={"Host": HOST})


def paths_of(folder: Path) -> list[str]:
    """Every address of the document."""
    from tests.web.sites import made_app

    return list(made_app(folder).openapi()["paths"])


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "path" in metafunc.fixturenames:
        from tempfile import TemporaryDirectory

        with TemporaryDirectory() as folder:
            metafunc.parametrize("path", paths_of(Path(folder)))


@pytest.mark.parametrize("role", ROLES)
def test_answers_are_as_described(cast: Cast, schema: Any, path: str, role: str) -> None:
    who = cast.roles[role]
    headers = {"Host": HOST, **({"Authorization": f"Bearer {who.token}"} if who.token else {})}
    for method in METHODS & set(schema.raw_schema["paths"][path]):
        operation = schema[path][method.upper()]
        for mode, most in MODES.items():
            if mode == "NEGATIVE" and not (operation.body or "{" in path or operation.query):
                continue
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
                if there and case.meta is not None and case.meta.generation.mode.is_positive:
                    _make_real(case, cast)
                case.call_and_validate(headers=headers, checks=CHECKS)

            with capture_logs():
                ask()
    cast.put_back()


def _make_real(case: Any, cast: Cast) -> None:
    """Has the address name things that are there."""
    known = {**cast.objects, "phase": "validation", "task": "whs", "name": "own", "case": "one"}
    for name in case.path_parameters or {}:
        if name in known:
            value = known[name]
            case.path_parameters[name] = int(value) if value.isdigit() else value
