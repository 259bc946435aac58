"""``unicare serve`` as a process of its own: it answers, keeps its secrets, and ends when it is told to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from tests.web.challenge.folders import hold
from tests.web.life.conftest import challenge_folder, zipped  # noqa: F401  fixtures
from tests.web.life.players import assert_sound, new_team, submission_of, upload
from tests.web.waiting import PATIENCE_S, alive, until
from typer.testing import CliRunner

from unicare.cli.app import app
from unicare.web.life.site import open_site
from unicare.web.settings import load_settings

CARE = Path(__file__).parents[2] / "examples" / "challenges" / "care2025"
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("UNICARE_")}


def command(*words: object) -> list[str]:
    return [sys.executable, "-m", "unicare", "serve", *(str(word) for word in words)]


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def served(
    data: Path, *more: object, challenge: Path = CARE, **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A site that answers, and its address."""
    words = command("--challenge", challenge, "--data", data, *more)
    env = {**ENVIRONMENT, "UNICARE_CONTAINER_ENGINE": "none", **environment}
    process, address = listening(words, data, env)
    with process:
        try:
            until(lambda: process.poll() is not None or answers(address))
            assert process.poll() is None, process.communicate()
            yield process, address
        finally:
            process.kill()


def listening(words: list[str], data: Path, env: dict[str, str]) -> tuple[subprocess.Popen[str], str]:
    """A site that has a port to itself: one that was free may be taken a moment later."""
    pipe, told = subprocess.PIPE, ""
    for _ in range(5):
        port = free_port()
        process = subprocess.Popen(
            [*words, "--port", str(port)], stdout=pipe, stderr=pipe, text=True, env=env
        )
        until(partial(begun, process, data))
        if process.poll() is None:
            return process, f"http://127.0.0.1:{port}"
        _, told = process.communicate()
        if "can't be listened on" not in told:
            break
    pytest.fail(told)


def begun(process: subprocess.Popen[str], data: Path) -> bool:
    """Whether it listens, for its database is made then, or has ended."""
    return process.poll() is not None or (data / "site.sqlite").exists()


def answers(address: str) -> bool:
    try:
        urlopen(f"{address}/healthz", timeout=5).close()
    except OSError:
        return False
    return True


def refuses(address: str) -> bool:
    """Whether nobody listens there, which isn't the same as being slow."""
    host, _, port = address.removeprefix("http://").partition(":")
    try:
        socket.create_connection((host, int(port))).close()
    except ConnectionRefusedError:
        return True
    return False


def test_it_answers_and_ends_when_told_to(tmp_path: Path) -> None:
    with served(tmp_path / "data", "--json") as (process, address):
        with urlopen(f"{address}/healthz", timeout=PATIENCE_S) as answer:
            assert json.load(answer) == {"status": "ok", "database": "ok"}
        with urlopen(f"{address}/boards/care-cardiac", timeout=PATIENCE_S) as answer:
            assert "Med-AIR" in answer.read().decode()
            assert "Server" not in answer.headers
        process.send_signal(signal.SIGTERM)
        said, told = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    facts = json.loads(said)
    assert (facts["url"], facts["workers"], facts["mail"], facts["organisers"]) == (address, 1, "log", 0)
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


def children_of(process: int) -> list[int]:
    """The processes that a process has begun, whichever thread of it."""
    found: list[int] = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):  # a thread that has ended has none any more
            found += map(int, task.read_text().split())
    return found


def workers_of(process: int) -> list[int]:
    """Those of its children that are at work: they give way to the pages then, and end with it."""

    def at_work(child: int) -> bool:
        with suppress(FileNotFoundError, ProcessLookupError):
            worker = "spawn_main" in Path(f"/proc/{child}/cmdline").read_text()
            return worker and niceness(child) > niceness(process)
        return False

    return [child for child in children_of(process) if at_work(child)]


def niceness(process: int) -> int:
    return os.getpriority(os.PRIO_PROCESS, process)


def test_submissions_are_evaluated_and_one_under_way_is_handed_back(
    tmp_path: Path,
    challenge_folder: Path,  # noqa: F811
    zipped: Callable[..., bytes],  # noqa: F811
) -> None:
    data, challenge = tmp_path / "data", shutil.copytree(challenge_folder, tmp_path / "challenge")
    with served(data, challenge=challenge, UNICARE_SWEEP_SECONDS="0.2") as (process, _):
        site = open_site(load_settings(data, challenge_dir=challenge, container_engine="none"))
        team = new_team(site.database, "red")
        first = upload(site, team, zipped(shift=1))
        until(lambda: submission_of(site.database, first).state == "scored")
        hold(challenge / "reference" / "whs" / "validation" / "truth" / "two.nii.gz")  # the next has no end
        second = upload(site, team, zipped())
        until(lambda: submission_of(site.database, second).state == "running")
        workers = workers_of(process.pid)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0, told
        assert submission_of(site.database, second).state == "queued"
        assert workers
        until(lambda: not any(alive(one) for one in workers))
        assert_sound(site.database)
        site.database.close()


def test_a_second_ctrl_c_ends_all_of_it_at_once(tmp_path: Path) -> None:
    with served(tmp_path / "data", "--workers", 2) as (process, address):
        until(lambda: len(workers_of(process.pid)) == 2)
        workers = workers_of(process.pid)
        for one in workers:
            os.kill(one, signal.SIGSTOP)  # they don't end when asked, and are waited for
        process.send_signal(signal.SIGINT)
        until(lambda: refuses(address))  # it has heard
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 130
        until(lambda: not any(alive(one) for one in workers))


def test_a_site_without_workers_begins_none_and_says_what_there_is(tmp_path: Path) -> None:
    with served(tmp_path / "data", "--no-workers") as (process, address):
        assert children_of(process.pid) == []
        process.send_signal(signal.SIGINT)
        said, _ = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == 0
    for words in ("CARE 2025", address, "no phase", "unicare site worker", "shown here, not sent"):
        assert words in said
    assert f"unicare site organiser YOU@EXAMPLE.ORG --data {tmp_path / 'data'}" in said
