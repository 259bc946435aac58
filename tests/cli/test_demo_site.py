"""The script behind ``make demo-site`` fills a site with people, teams, and runs of every kind."""

from __future__ import annotations

import importlib
import re
import stat
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.web.accounts.conftest import HOME
from tests.web.life.players import assert_sound
from tests.web.sandbox.small import no_busybox
from tests.web.season.stage import VIRTUAL, make_virtual

from unicare.core.errors import ContainerError
from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.challenge import load_challenge
from unicare.web.database import Database, utc_now
from unicare.web.database.tables import Membership, Submission, Team, User
from unicare.web.sandbox.probe import find_engine
from unicare.web.settings import load_settings
from unicare.web.site import open_door


def test_a_site_is_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    challenge_folder = tmp_path / "challenge"
    make_virtual(challenge_folder, utc_now())
    monkeypatch.syspath_prepend(VIRTUAL)
    script = importlib.import_module("demo_site")
    teams = tuple(team for team in script.TEAMS if team.name != "Lodestar")  # the network takes its time
    told: list[str] = []
    data = tmp_path / "data"
    script.make_site(challenge_folder, data, 8000, 1, told.append, teams)
    runs_containers = not [line for line in told if line.startswith("no container was handed in")]
    assert runs_containers == _runs_containers()
    scored = 4 if runs_containers else 3
    assert told[-1] == f"{scored + 2} submissions: 1 refused, {scored} scored, 1 failed"

    log_ins = data / "log-ins.txt"
    assert stat.S_IMODE(log_ins.stat().st_mode) == 0o600
    passwords = dict(re.findall(r"(\S+@demo\.test)\s+(\S+)", log_ins.read_text()))
    assert len(passwords) == 5
    settings = load_settings(data, challenge_dir=challenge_folder)
    database = Database.open(settings.database_url.get_secret_value())
    door = open_door(settings, load_challenge(challenge_folder), database, utc_now)
    for email, password in passwords.items():
        assert isinstance(log_in(door, email, password, HOME), LoggedIn)
    with database.reading() as session:
        assert list(session.scalars(select(User.email).where(User.is_organiser))) == ["organiser@demo.test"]
        assert len(list(session.scalars(select(Membership)))) == 4
        by_team = select(Team.name).join(Submission).where(Submission.state == "scored")
        assert set(session.scalars(by_team)) == {"Plain Ovals", "Crib Sheet"}
    assert_sound(database)
    database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["challenge", "data"]


def _runs_containers() -> bool:
    try:
        find_engine()
    except ContainerError:
        return False
    return not no_busybox()
