"""``unicare serve`` as a process of its own: it answers, keeps its secrets, and ends when it is told to."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import pytest
from typer.testing import CliRunner

from unicare.cli.app import app

CARE = Path(__file__).parents[2] / "examples" / "challenges" / "care2025"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("UNICARE_")}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "unicare", "serve", *(str(word) for word in words)]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(data: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A site that answers, and its address."""
    port = free_port()
    words = command("--challenge", CARE, "--data", data, "--port", port, "--json")
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdout=pipe, stderr=pipe, text=True, env=ENVIRONMENT) as process:
        try:
            address = f"http://127.0.0.1:{port}"
            until = time.monotonic() + 60
            while process.poll() is None and time.monotonic() < until:
                try:
                    urlopen(f"{address}/healthz", timeout=5).close()
                    break
                except URLError:
                    time.sleep(0.05)
            yield process, address
        finally:
            process.kill()


def test_it_answers_and_ends_when_told_to(tmp_path: Path) -> None:
    with served(tmp_path / "data") as (process, address):
        with urlopen(f"{address}/healthz", timeout=30) as answer:
            assert json.load(answer) == {"status": "ok", "database": "ok"}
        with urlopen(f"{address}/boards/care-cardiac", timeout=30) as answer:
            assert "Med-AIR" in answer.read().decode()
            assert "Server" not in answer.headers
        process.send_signal(signal.SIGTERM)
        said, told = process.communicate(timeout=60)
        assert process.returncode == 0
    assert json.loads(said)["url"] == address
    lines: list[dict[str, Any]] = [json.loads(line) for line in told.splitlines() if line.startswith("{")]
    assert any(line.get("route") == "/boards/{name}" and line["status"] == 200 for line in lines)
    assert "Traceback" not in told
    key = (tmp_path / "data" / "secret.key").read_text().strip()
    assert key not in told
    assert (tmp_path / "data" / "site.sqlite").is_file()


@pytest.fixture
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("UNICARE_")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("_plain_environment")
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--challenge", CARE, "--host", "0.0.0.0"], "secret key"),
        (["--challenge", "nowhere"], "not a challenge's folder"),
        (["--challenge", CARE, "--port", "99999"], "port"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(tmp_path: Path, words: list[object], told: str) -> None:
    done = CliRunner().invoke(app, ["serve", "--data", str(tmp_path), *map(str, words)])
    assert done.exit_code == 2
    assert told in done.stderr
    assert not (tmp_path / "site.sqlite").exists()


@pytest.mark.usefixtures("_plain_environment")
def test_a_port_that_is_taken_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        words = ["serve", "--challenge", str(CARE), "--data", str(tmp_path), "--port", port]
        done = CliRunner().invoke(app, words)
    assert done.exit_code == 2
    assert "can't be listened on" in done.stderr
    assert not (tmp_path / "site.sqlite").exists()
