"""Whatever the API's own document allows, and what it doesn't, is answered as it says."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings, strategies
from structlog.testing import capture_logs
from tests.web.boards.made import MadeScores
from tests.web.sites import AFTER_RELEASE, HOST, made_app

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis isn't installed")

OPERATIONS = (
    "/api/v1/challenge",
    "/api/v1/tasks",
    "/api/v1/phases",
    "/api/v1/boards",
    "/api/v1/boards/{name}",
    "/api/v1/boards/{name}/figures.csv",
    "/api/v1/boards/{name}/cite.bib",
    "/api/v1/boards/{name}/history",
)
PUBLIC = {"challenge", "boards"}


class _Kept(MadeScores):
    """Ranked once for each board and column."""

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[tuple[str, str], Any] = {}

    def scored(self, entry: Any, sort: str, until: Any) -> Any:
        key = (entry.name, sort)
        if key not in self._kept:
            self._kept[key] = super().scored(entry, sort, until)
        return self._kept[key]


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return made_app(tmp_path_factory.mktemp("site"), AFTER_RELEASE, scores=_Kept())


@pytest.fixture(scope="module")
def schema(app: FastAPI) -> Any:
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers={"Host": HOST})


def test_all_that_everybody_may_ask_is_tried(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    public = {
        path for path, item in paths.items() if PUBLIC.intersection(item.get("get", {}).get("tags", ()))
    }
    assert public == set(OPERATIONS)


@pytest.mark.parametrize(
    ("path", "mode"),
    [
        *((path, "POSITIVE") for path in OPERATIONS),
        *((path, "NEGATIVE") for path in OPERATIONS if "{" in path),
    ],
)
def test_answers_are_as_described(schema: Any, path: str, mode: str) -> None:
    operation = schema[path]["GET"]
    cases = operation.as_strategy(generation_mode=getattr(schemathesis.GenerationMode, mode))

    @settings(
        max_examples=20,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases, there=strategies.booleans())
    def ask(case: Any, there: bool) -> None:
        if there and mode == "POSITIVE" and "{name}" in path:  # the document can't know what there is
            case.path_parameters["name"] = "hidden"
            if case.query and "sort" in case.query:
                case.query["sort"] = "dice"
        case.call_and_validate(headers={"Host": HOST})

    with capture_logs():
        ask()
