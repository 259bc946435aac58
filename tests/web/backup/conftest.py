"""A site with something in every corner: people, teams, submissions that were scored, refused, or wait."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, make_url, select, text
from tests.web.accounts.conftest import HOME, PASSWORD, Site
from tests.web.life.conftest import challenge_folder, zipped  # noqa: F401  fixtures
from tests.web.life.players import Team, upload

from unicare.web.accounts.api_tokens import create_api_token
from unicare.web.accounts.invitations import invite
from unicare.web.accounts.log_in import log_in
from unicare.web.backup.rows import tables_of
from unicare.web.database import Database, upgrade
from unicare.web.life.site import WorkingSite, open_site
from unicare.web.life.wake import EmbeddedWake
from unicare.web.life.worker import Worker
from unicare.web.settings import SiteSettings, load_settings

Rows = dict[str, list[tuple[object, ...]]]


@pytest.fixture(scope="session")
def lived_in(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    challenge_folder: Path,  # noqa: F811
    zipped: Callable[..., bytes],  # noqa: F811
) -> Callable[[str], tuple[Path, str]]:
    """Folder and database of a site in which much has happened, to be copied; one of each kind is made."""
    made: dict[str, tuple[Path, str]] = {}

    def make(kind: str) -> tuple[Path, str]:
        if kind not in made:
            folder = tmp_path_factory.mktemp("lived-in") / "data"
            if kind == "sqlite":
                place = url = f"sqlite:///{folder / 'site.sqlite'}"
            else:
                place = f"unicare_lived_in_{request.getfixturevalue('worker_name')}"
                url = new_database(request.getfixturevalue("postgresql_cluster"), place)
            live(settings_of(folder, challenge_folder, url), zipped)
            made[kind] = folder, place
        return made[kind]

    return make


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(
    request: pytest.FixtureRequest,
    lived_in: Callable[[str], tuple[Path, str]],
    challenge_folder: Path,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> SiteSettings:
    """Of a site in which much has happened; restored ones have databases of their own."""
    monkeypatch.delenv("UNICARE_DATABASE_URL", raising=False)
    original, place = lived_in(request.param)
    folder = Path(shutil.copytree(original, tmp_path / "data"))
    url = f"sqlite:///{folder / 'site.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("new_postgresql")(place)
    return settings_of(folder, challenge_folder, url)


@pytest.fixture
def full(settings: SiteSettings) -> Iterator[WorkingSite]:
    """The same site, opened."""
    opened = open_site(settings)
    yield opened
    opened.database.close()


def settings_of(folder: Path, challenge: Path, url: str) -> SiteSettings:
    return load_settings(folder, challenge_dir=challenge, database_url=url, container_engine="none")


def live(settings: SiteSettings, zipped: Callable[..., bytes]) -> None:  # noqa: F811
    """People, a team, and submissions that are scored, refused, or still coming."""
    site = open_site(settings)
    upgrade(site.database.engine)
    people = Site(site.database)
    captain = people.person("ann")
    people.organiser()
    team = Team(people.team(captain, "Été ‘24’ <b>"), captain)
    people.do(invite, people.rules, people.door.links, captain, "bob@people.test")
    people.do(create_api_token, people.rules, captain, "a laptop")
    log_in(people.door, "ann@people.test", PASSWORD, HOME)
    log_in(people.door, "ann@people.test", "not the password", HOME)
    upload(site, team, zipped(shift=1))
    upload(site, team, zipped(without=("one",)))
    work(site)
    upload(site, team, zipped(), finish=False)
    site.database.close()


def new_database(cluster: str, name: str) -> str:
    engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"'))
    engine.dispose()
    return make_url(cluster).set(database=name).render_as_string(hide_password=False)


def work(site: WorkingSite) -> None:
    """A worker does all that there is to do."""
    worker = Worker(site, EmbeddedWake(), threading.Event())
    worker.sweep()
    while worker.work_once():
        pass


def every_row(connection: Connection) -> Rows:
    """All rows of all tables, as the database itself gives them."""
    rows: Rows = {}
    for table in tables_of(connection):
        found = connection.execute(select(*table.columns).order_by(*table.primary_key))
        rows[table.name] = [tuple(_utc(value) for value in row) for row in found]
    return rows


def rows_of(url: str) -> Rows:
    database = Database.open(url)
    try:
        with database.reading() as session:
            return every_row(session.connection())
    finally:
        database.close()


def _utc(value: object) -> object:
    """Moments in the same words, whatever the database."""
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
    return value
