"""Databases for the tests of the site: every test that asks for one runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from tests.web.postgres import NOT_HERE, cluster_of, programs

from unicare.web.database import Database, open_engine, upgrade

_TEMPLATE = "unicare_template"


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("sqlite") / "template.sqlite"
    engine = open_engine(f"sqlite:///{path}")
    upgrade(engine)
    engine.dispose()  # the last connection to close writes the log into the file
    return path


@pytest.fixture(scope="session")
def postgresql_cluster(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of the cluster, which all worker processes of this test run share."""
    if programs() is None:
        pytest.skip(NOT_HERE)
    base = tmp_path_factory.getbasetemp()
    distributed = "PYTEST_XDIST_WORKER" in os.environ
    return cluster_of(base.parent if distributed else base, os.getppid() if distributed else os.getpid())


@pytest.fixture(scope="session")
def postgresql_template(postgresql_cluster: str, worker_name: str) -> str:
    """The name of a database with all tables, to be copied; each worker process has its own."""
    name = f"{_TEMPLATE}_{worker_name}"
    _administer(postgresql_cluster, f'CREATE DATABASE "{name}"')
    engine = open_engine(_database_of(postgresql_cluster, name))
    upgrade(engine)
    engine.dispose()
    return name


@pytest.fixture(scope="session")
def worker_name() -> str:
    """Of this worker process of the test run."""
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


def _database_of(cluster: str, name: str) -> str:
    return make_url(cluster).set(database=name).render_as_string(hide_password=False)


def _administer(cluster: str, statement: str) -> None:
    engine = create_engine(cluster, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()


@pytest.fixture
def new_postgresql(postgresql_cluster: str) -> Iterator[Callable[[str], str]]:
    """Makes databases from templates, and throws them away in the end."""
    made: list[str] = []

    def make(template: str) -> str:
        name = f"test_{uuid.uuid4().hex}"
        _administer(postgresql_cluster, f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY file_copy')
        made.append(name)
        return _database_of(postgresql_cluster, name)

    yield make
    for name in made:
        _administer(postgresql_cluster, f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database with all tables and no rows."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "site.sqlite")
        return f"sqlite:///{tmp_path / 'site.sqlite'}"
    template = request.getfixturevalue("postgresql_template")
    return str(request.getfixturevalue("new_postgresql")(template))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database without tables."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'empty.sqlite'}"
    return str(request.getfixturevalue("new_postgresql")("template0"))


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database with all tables and no rows."""
    opened = Database.open(database_url)
    yield opened
    opened.close()
