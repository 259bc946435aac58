"""The script behind ``make demo-site`` fills a site with people, teams, and runs of every kind."""

from __future__ import annotations

import importlib.util
import re
import stat
import sys
from pathlib import Path

import pytest
from sqlalchemy import select
from tests.web.accounts.conftest import HOME
from tests.web.life.conftest import challenge_folder  # noqa: F401  a fixture
from tests.web.life.players import assert_sound

from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.challenge import load_challenge
from unicare.web.database import Database, utc_now
from unicare.web.database.tables import Membership, Submission, Team, User
from unicare.web.settings import load_settings
from unicare.web.site import open_door

SCRIPT = Path(__file__).parents[2] / "examples" / "challenges" / "virtual" / "demo_site.py"


def test_a_site_is_filled(
    tmp_path: Path,
    challenge_folder: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    specification = importlib.util.spec_from_file_location("demo_site", SCRIPT)
    assert specification is not None
    assert specification.loader is not None
    script = importlib.util.module_from_spec(specification)
    monkeypatch.setitem(sys.modules, "demo_site", script)
    specification.loader.exec_module(script)
    teams = tuple(team for team in script.TEAMS if team.name != "Lodestar")  # the network takes its time
    told: list[str] = []
    data = tmp_path / "data"
    script.make_site(challenge_folder, data, 8000, 1, told.append, teams)
    assert told[-1] == "5 submissions: 1 refused, 3 scored, 1 failed"

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
        scored = select(Team.name).join(Submission).where(Submission.state == "scored")
        assert set(session.scalars(scored)) == {"Plain Ovals", "Crib Sheet"}
    assert_sound(database)
    database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data"]
