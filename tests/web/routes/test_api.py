"""What programs are told, and the document that describes it."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from tests.web.boards.made import MadeScores
from tests.web.sites import AFTER_RELEASE, BEFORE, DURING, asking, made_app


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return asking(made_app(tmp_path_factory.mktemp("site"), AFTER_RELEASE, scores=MadeScores()))


def test_the_challenge_is_told_with_the_news_that_are_out(tmp_path: Path) -> None:
    told = {}
    for name, now in (("before", BEFORE), ("during", DURING), ("after", AFTER_RELEASE)):
        told[name] = asking(made_app(tmp_path, now)).get("/api/v1/challenge").json()
    assert [len(one["news"]) for one in told.values()] == [0, 1, 2]
    assert told["after"]["news"][0]["title"] == "Winners"
    assert told["during"]["title"] == "Hearts <b>& co</b>"
    assert [one["name"] for one in told["during"]["texts"]] == ["overview", "the-rules"]
    assert datetime.fromisoformat(told["during"]["now"]) == DURING
    assert "folder" not in told["during"]


def test_no_answer_names_a_place_on_this_machine(client: TestClient) -> None:
    for address in ("challenge", "tasks", "phases", "boards", "boards/hidden", "boards/open"):
        text = client.get(f"/api/v1/{address}").text
        assert str(Path.cwd()) not in text
        assert "/tmp" not in text
        assert ".csv" not in text


def test_phases_change_with_the_time(tmp_path: Path) -> None:
    def states(now: datetime) -> list[str]:
        answer = asking(made_app(tmp_path, now)).get("/api/v1/phases").json()
        return [one["state"] for one in answer]

    assert states(BEFORE) == ["upcoming", "upcoming"]
    assert states(DURING) == ["open", "open"]
    assert states(datetime(2025, 8, 1, tzinfo=UTC)) == ["released", "closed"]
    assert states(AFTER_RELEASE) == ["released", "released"]


def test_tasks_tell_their_labels(client: TestClient) -> None:
    (task,) = client.get("/api/v1/tasks").json()
    assert task["labels"] == [{"value": 420, "structure": "left atrium blood cavity"}]
    assert task["phases"] == ["validation", "test"]
    assert task["distributions"] == ["ID", "OOD"]


def test_a_board_is_sorted_as_asked(client: TestClient) -> None:
    def teams(query: str) -> list[str]:
        board = client.get(f"/api/v1/boards/hidden?edition=year-two&{query}").json()
        return [row["team"] for row in board["tables"][0]["rows"]]

    assert teams("") == ["=Alpha", "<b>Beta</b>"]
    assert teams("sort=dice&order=worst_first") == ["<b>Beta</b>", "=Alpha"]
    assert teams("sort=hausdorff_mm") == ["<b>Beta</b>", "=Alpha"]
    assert teams("sort=hausdorff_mm&order=worst_first") == ["=Alpha", "<b>Beta</b>"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("boards/none", 404),
        ("boards/open?edition=none", 404),
        ("boards/open?sort=none", 422),
        ("boards/open?order=sideways", 422),
        ("boards/OPEN", 422),
        ("boards/open?sort=" + "x" * 81, 422),
        ("boards/none/figures.csv", 404),
        ("boards/none/cite.bib", 404),
        ("boards/open/figures.csv?sort=none", 422),
    ],
)
def test_wrong_questions_are_told_as_such(client: TestClient, address: str, status: int) -> None:
    answer = client.get(f"/api/v1/{address}")
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    told = {"title", "status", "detail", "request_id", "reason", "field", "length"}
    assert set(answer.json()) == told


def test_who_asks_for_a_board_that_is_not_there_is_told_which_there_are(client: TestClient) -> None:
    board = client.get("/api/v1/boards/closed").json()
    assert board["detail"] == "There is no such board; found closed; expected one of open, hidden."
    edition = client.get("/api/v1/boards/open?edition=year-nine").json()
    assert edition["detail"] == "This board has no such edition; found year-nine; expected one of current."
    assert {board["reason"], edition["reason"]} == {"not_found"}
    page = client.get("/boards/closed", headers={"Accept": "text/html"})
    assert page.status_code == 404
    assert "expected one of open, hidden." in page.text


def test_figures_can_be_taken_away(client: TestClient) -> None:
    answer = client.get("/api/v1/boards/hidden/figures.csv?edition=year-two")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="hidden-year-two.csv"'
    lines = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(lines) == 2 * 2 * 2
    alpha = next(one for one in lines if one["team"] == "'=Alpha" and one["column"] == "dice")
    assert (alpha["value"], alpha["rank"], alpha["distribution"]) == ("0.9", "1", "ID")


def test_a_citation_names_where_it_was_published(client: TestClient) -> None:
    published = client.get("/api/v1/boards/hidden/cite.bib?edition=year-two").text
    own = client.get("/api/v1/boards/hidden/cite.bib?edition=current").text
    assert r"\url{https://example.org/two}" in published
    assert "year = {2024}" in published
    assert r"\url{http://127.0.0.1:8000/boards/hidden?edition=current}" in own
    for text in (published, own):
        assert text.count("{") == text.count("}")
        assert r"Hearts <b>\& co</b>" in text


def test_whoever_asks_too_often_waits(tmp_path: Path) -> None:
    app = made_app(tmp_path, seconds=lambda: 0.0, settings={"api_requests_per_minute": 3})
    client = asking(app)
    answers = [client.get("/api/v1/tasks") for _ in range(4)]
    assert [one.status_code for one in answers] == [200, 200, 200, 429]
    assert [one.headers["RateLimit-Remaining"] for one in answers] == ["2", "1", "0", "0"]
    assert answers[-1].headers["Retry-After"] == "20"
    assert answers[-1].headers["Content-Type"] == "application/problem+json"
    assert client.get("/boards").status_code == 200  # pages aren't counted
    assert asking(app, client=("127.0.0.2", 1)).get("/api/v1/tasks").status_code == 200


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return made_app(tmp_path_factory.mktemp("described"), AFTER_RELEASE, scores=MadeScores())


def test_the_document_describes_all_that_may_be_asked(app: FastAPI) -> None:
    document = asking(app).get("/api/v1/openapi.json").json()
    assert set(document["paths"]) >= {
        f"/api/v1/{path}"
        for path in (
            "challenge",
            "tasks",
            "phases",
            "boards",
            "boards/{name}",
            "boards/{name}/figures.csv",
            "boards/{name}/cite.bib",
            "boards/{name}/history",
            "agreement",
            "registrations",
            "confirmations",
            "session",
            "password-resets",
            "me",
            "me/agreement",
            "me/password",
            "me/tokens",
            "me/tokens/{token_id}",
            "me/sessions",
            "me/invitations",
            "invitations/open",
            "invitations/accept",
            "invitations/decline",
            "team",
            "team/leave",
            "team/captain",
            "team/members/{user_id}",
            "team/invitations",
            "team/invitations/{invitation_id}",
        )
    }
    for operations in document["paths"].values():
        for operation in operations.values():
            assert operation["responses"]["429"]["content"].keys() == {"application/problem+json"}
    unresolved: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, dict):
            reference = part.get("$ref")
            if reference and reference.rpartition("/")[2] not in document["components"]["schemas"]:
                unresolved.append(reference)
            for one in part.values():
                walk(one)
        elif isinstance(part, list):
            for one in part:
                walk(one)

    walk(document)
    assert unresolved == []
