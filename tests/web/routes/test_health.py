"""What those who look after the machine are told."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.web.sites import asking, made_app

from unicare.web.database import Database


def test_the_database_is_asked(tmp_path: Path, database: Database) -> None:
    answer = asking(made_app(tmp_path, database=database)).get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "database": "ok"}


@pytest.mark.parametrize(
    "url", ["sqlite:///{folder}/gone/site.sqlite", "postgresql://me:hunter2@127.0.0.1:1/x"]
)
def test_a_database_that_does_not_answer_is_told(tmp_path: Path, url: str) -> None:
    database = Database.open(url.format(folder=tmp_path))
    if url.startswith("sqlite"):
        (tmp_path / "gone").rmdir()
    answer = asking(made_app(tmp_path, database=database)).get("/healthz")
    database.close()
    assert answer.status_code == 503
    assert answer.json() == {"status": "failing", "database": "failing"}


def test_requests_are_counted_by_route_and_never_by_address(tmp_path: Path) -> None:
    client = asking(made_app(tmp_path))
    for address in ("/boards/open", "/boards/hidden", "/boards/secret-name", "/secret-page", "/"):
        client.get(address)
    for address in ("/api/v1/boards/open", "/api/v1/submissions/7"):
        client.get(address)
    client.head("/")
    client.request("BREW", "/")
    text = client.get("/metrics").text
    counted = [line for line in text.splitlines() if line.startswith("unicare_http_requests_total")]
    assert 'unicare_http_requests_total{method="GET",route="/boards/{name}",status="200"} 2.0' in counted
    assert 'unicare_http_requests_total{method="GET",route="/boards/{name}",status="404"} 1.0' in counted
    assert 'unicare_http_requests_total{method="GET",route="unmatched",status="404"} 1.0' in counted
    assert (
        'unicare_http_requests_total{method="GET",route="/api/v1/boards/{name}",status="200"} 1.0' in counted
    )
    assert any('route="/api/v1/submissions/{submission_id}",status="401"' in line for line in counted)
    assert 'unicare_http_requests_total{method="HEAD",route="/",status="200"} 1.0' in counted
    assert 'unicare_http_requests_total{method="other",route="/",status="405"} 1.0' in counted
    assert 'unicare_http_request_seconds_count{method="GET",route="/boards/{name}"} 3.0' in text
    assert "unicare_http_requests_in_progress 1.0" in text  # the one that asks
    assert "secret" not in text
    assert "BREW" not in text


def test_two_sites_count_apart(tmp_path: Path) -> None:
    one, other = asking(made_app(tmp_path)), asking(made_app(tmp_path))
    one.get("/")
    assert 'route="/"' not in other.get("/metrics").text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("10.1.2.3", 200),
        ("::1", 200),
        ("::ffff:10.1.2.3", 200),
        ("8.8.8.8", 404),
        ("2001:4860:4860::8888", 404),
        ("::ffff:8.8.8.8", 404),
        ("unknown", 404),
    ],
)
def test_figures_are_for_those_nearby(tmp_path: Path, address: str, status: int) -> None:
    assert asking(made_app(tmp_path), client=(address, 1)).get("/metrics").status_code == status
