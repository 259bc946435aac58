"""A small challenge with unfriendly texts in it, and the site that serves it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI
from fastapi.testclient import TestClient
from starlette.types import ASGIApp

from unicare.web.app import create_app
from unicare.web.challenge import Challenge, load_challenge
from unicare.web.database import Database, open_engine, upgrade
from unicare.web.settings import SiteSettings

HOST = "127.0.0.1:8000"
KEY = "uTz8mQ2vX5bL9rK4wN7jH3dF6gS1aP0e"

QUICK: dict[str, Any] = {
    "password_memory_mb": 8,
    "password_rounds": 1,
    "api_requests_per_minute": 1_000_000,
}
"""Settings that spare the tests the work of argon2id, and let them ask as fast as they can."""

BEFORE = datetime(2025, 5, 1, tzinfo=UTC)
DURING = datetime(2025, 7, 1, tzinfo=UTC)
AFTER_END = datetime(2025, 8, 1, tzinfo=UTC)
AFTER_RELEASE = datetime(2025, 8, 20, tzinfo=UTC)

YAML = """\
name: hearts
title: "Hearts <b>& co</b>"
about: "About <script>alert(1)</script>"
organisers: "Org <i>x</i>"
contact: someone@example.org
links:
  - {title: "Link <u>", url: "https://example.org/?a=1&b=2"}
texts:
  overview: texts/overview.md
  the-rules: texts/rules.md
registration:
  agreement: texts/agreement.md
tasks:
  - name: la
    title: "Left <atrium>"
    labels: {420: left atrium blood cavity}
    sequences: [LGE]
phases:
  - name: validation
    kind: predictions
    start: 2025-05-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
    show_boards: at_once
  - name: test
    title: Hidden test
    kind: container
    start: 2025-06-20 00:00 Europe/Berlin
    end: 2025-07-30 23:59 Europe/Berlin
    release: 2025-08-10 12:00 Europe/Berlin
boards:
  - {name: open, title: "Open <board>", board: boards/own.yaml, phase: validation}
  - {name: hidden, board: boards/own.yaml, phase: test}
containers:
  limits: {seconds_per_case: 60}
announcements:
  - {at: 2025-06-01 09:00 Europe/Berlin, title: "News <b>", text: "Welcome *all* <b>x</b>"}
  - {at: 2025-08-10 12:00 Europe/Berlin, title: Winners, text: Here they are.}
history:
  - {title: "Year <one>", board: hidden, figures: history/one.csv, published: 2023-10-01}
  - {title: "Year <two>", board: hidden, figures: history/two.csv, published: 2024-10-01, source: "https://example.org/two"}
baselines:
  - {name: "Mean <shape>", board: open, figures: history/base.csv}
"""

BOARD = """\
title: Own
about: Ranked by Dice or distance.
scheme: aggregate_then_rank
criteria:
  - metric: dice
  - metric: hausdorff_mm
sort: dice
parts:
  - {name: la ID, title: Left atrium (ID), task: la, distribution: ID}
  - {name: la OOD, title: Left atrium (OOD), task: la, distribution: OOD}
"""

PUBLISHED = """\
board,task,distribution,team,dice,hausdorff_mm
la ID,la,ID,=Alpha,0.90,30
la ID,la,ID,<b>Beta</b>,0.80,10
la OOD,la,OOD,=Alpha,0.60,40
la OOD,la,OOD,<b>Beta</b>,0.75,20
"""

TEXTS = {
    "overview": (
        "# Hello\n\nWords of the *overview*. <script>alert(2)</script>\n\n[Rules](rules.md#end)\n\n# Next\n"
    ),
    "rules": (
        "# Our rules\n\n[bad](javascript:alert(3)) and <img src=x onerror=alert(4)>\n\n"
        "![a heart](pictures/heart.png) ![the truth](reference/la/truth.png)\n\n"
        "| a | b |\n|:--|--:|\n| 1 | 2 |\n"
    ),
    "agreement": "I agree.\n",
}
PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00"
    "010501012718e3660000000049454e44ae426082"
)


def write_challenge(folder: Path) -> Path:
    """The challenge's folder."""
    files = {
        "challenge.yaml": YAML,
        "boards/own.yaml": BOARD,
        "history/one.csv": PUBLISHED.replace("0.90", "0.95"),
        "history/two.csv": PUBLISHED,
        "history/base.csv": "\n".join(line for line in PUBLISHED.splitlines() if "Beta" not in line) + "\n",
        **{f"texts/{name}.md": textwrap.dedent(text) for name, text in TEXTS.items()},
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    for name in ("pictures/heart.png", "pictures/unnamed.png", "reference/la/truth.png"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(PNG)
    return folder


def made_challenge(folder: Path) -> Challenge:
    """The challenge, as it is read."""
    return load_challenge(write_challenge(folder))


def made_settings(folder: Path, **given: Any) -> SiteSettings:
    """Settings of a site on this machine."""
    return SiteSettings(data_dir=folder, secret_key=KEY, **{**QUICK, **given})


def made_app(folder: Path, now: datetime | Callable[[], datetime] = DURING, **given: Any) -> FastAPI:
    """The application; ``settings`` are keywords of ``made_settings``, others those of ``create_app``."""
    settings = made_settings(folder / "data", **given.pop("settings", {}))
    clock = now if callable(now) else lambda: now
    database = given.pop("database", None) or made_database(folder / "data")
    return create_app(settings, made_challenge(folder / "challenge"), database, clock=clock, **given)


def made_database(folder: Path) -> Database:
    """A database with all tables and no rows, in a folder of the site's data."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "site.sqlite"
    if not file.exists():
        file.write_bytes(_new_database())
    return Database.open(f"sqlite:///{file}")


@cache
def _new_database() -> bytes:
    with TemporaryDirectory() as folder:
        engine = open_engine(f"sqlite:///{folder}/new.sqlite")
        upgrade(engine)
        engine.dispose()  # the last connection to close writes the log into the file
        return Path(folder, "new.sqlite").read_bytes()


def asking(app: ASGIApp, **given: Any) -> TestClient:
    """Somebody on this machine who asks it."""
    chosen = {"base_url": f"http://{HOST}", "client": ("127.0.0.1", 50_000), "follow_redirects": False}
    return TestClient(app, **{**chosen, **given})
