"""The virtual challenge with dates, served as in earnest, with workers and a clock to be put forward."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from fastapi import FastAPI
from tests.web.served import address_of, listen, served
from tests.web.sites import QUICK
from tests.web.waiting import PATIENCE_S
from typer.testing import CliRunner

from unicare.cli.app import app as command_line
from unicare.core.errors import ContainerError
from unicare.web.app import create_app
from unicare.web.challenge import load_challenge
from unicare.web.database import Database, upgrade, utc_now
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker
from unicare.web.sandbox.probe import find_engine
from unicare.web.settings import load_settings
from unicare.web.site import Site

__all__ = ["CASES", "TASK", "VIRTUAL", "Clock", "Stage", "make_virtual", "open_stage"]

VIRTUAL = Path(__file__).parents[3] / "examples/challenges/virtual"
TASK = "la"
CASES = 1
"""Of each distribution."""


class Clock:
    """The machine's, put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return utc_now() + self.ahead


@dataclass
class Stage:
    """The site while it runs.

    Attributes:
        app: the application.
        address: http://127.0.0.1 and its port.
        folder: of the challenge.
        data: of the site.
        clock: of the site and its workers.
        no_engine: why no containers run here; empty if they do.
    """

    app: FastAPI
    address: str
    folder: Path
    data: Path
    clock: Clock
    no_engine: str = ""
    errors: list[str] = field(default_factory=list)

    @property
    def site(self) -> Site:
        """What its routes share."""
        site: Site = self.app.state.site
        return site

    def organiser(self, email: str, name: str, password: str) -> None:
        """Makes one, by the command that organisers have."""
        given = ["site", "organiser", email, "--data", str(self.data), "--name", name, "--password-stdin"]
        done = CliRunner().invoke(command_line, given, input=f"{password}\n")
        assert done.exit_code == 0, done.output


def make_virtual(folder: Path, today: datetime) -> None:
    """The left atria of the virtual challenge: a validation and a container phase with one release day."""
    make = _load_make()
    make.CENTRES = {TASK: make.CENTRES[TASK]}  # one task is enough for a season
    make.make(folder, cases=CASES, workers=2)
    content = yaml.safe_load((VIRTUAL / "challenge.yaml").read_text())

    def on(days: int) -> str:
        return f"{today + timedelta(days=days):%Y-%m-%d} 00:00 UTC"

    content["tasks"] = [task for task in content["tasks"] if task["name"] == TASK]
    content["registration"].update(opens=on(-20), closes=on(10))
    for phase in content["phases"]:
        del phase["always_open"]
        phase.update(start=on(-10), end=on(10), release=on(20), show_boards="on_release")
    content["boards"] = [
        {"name": "validation", "title": "Validation", "board": "boards/hearts.yaml", "phase": "validation"},
        {"name": "test", "title": "Hidden test", "board": "boards/hearts.yaml", "phase": "test"},
    ]
    content["containers"]["limits"].update(memory_gb=1, cpus=1, pids=64)
    content["announcements"] = [
        {"at": on(-20), "title": "The challenge is open", "text": "Welcome to *all*."}
    ]
    (folder / "challenge.yaml").write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    board = yaml.safe_load((VIRTUAL / "boards/hearts.yaml").read_text())
    board["parts"] = [part for part in board["parts"] if part["task"] == TASK]
    (folder / "boards/hearts.yaml").write_text(yaml.safe_dump(board, sort_keys=False), encoding="utf-8")


def _load_make() -> Any:
    spec = importlib.util.spec_from_file_location("virtual_make", VIRTUAL / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # processes that simulate patients look for it
    spec.loader.exec_module(module)
    return module


@contextmanager
def open_stage(folder: Path, data: Path, workers: int = 2) -> Iterator[Stage]:
    """The site on a port of its own, until the end."""
    place = listen()
    settings = load_settings(
        data,
        challenge_dir=folder,
        port=place.getsockname()[1],
        workers=0,
        sweep_seconds=1.0,
        uploads_at_once=20,
        **QUICK,
    )
    database = Database.open(settings.database_url.get_secret_value())
    upgrade(database.engine)
    clock, wake, stop = Clock(), EmbeddedWake(), threading.Event()
    app = create_app(settings, load_challenge(folder), database, clock=clock, wake=wake)
    stage = Stage(app, address_of(place), folder, data, clock)
    working = stage.site.working
    try:
        working = replace(working, engine=find_engine(scratch=working.scratch))
    except ContainerError as error:
        stage.no_engine = str(error)
    threads = [
        threading.Thread(target=Worker(working, wake, stop).run, name=f"worker {one}", daemon=True)
        for one in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        with served(app, place):
            yield stage
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE_S)
        assert not any(thread.is_alive() for thread in threads)
        database.close()
