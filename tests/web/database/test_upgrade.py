"""Tables come from migrations, and are what the models say, on both databases."""

import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, inspect, text

from unicare.core.errors import SettingsError
from unicare.web.database import Base, head_revision, open_engine, revision_of, upgrade


@pytest.fixture
def engine(empty_database_url):
    opened = open_engine(empty_database_url)
    yield opened
    opened.dispose()


def described(engine: Engine) -> dict[str, Any]:
    """All that the database itself says about its tables, in an order of its own."""
    inspector = inspect(engine)
    tables = {}
    for table in inspector.get_table_names():
        if table == "alembic_version":
            continue
        columns = {
            c["name"]: (str(c["type"]), c["nullable"], c["default"]) for c in inspector.get_columns(table)
        }
        more = {
            "unique": inspector.get_unique_constraints(table),
            "checks": inspector.get_check_constraints(table),
            "foreign keys": inspector.get_foreign_keys(table),
            "indexes": inspector.get_indexes(table),
        }
        told = {kind: sorted(map(_plain, found)) for kind, found in more.items()}
        tables[table] = {"columns": columns, "key": repr(inspector.get_pk_constraint(table)), **told}
    return tables


def _plain(found: Any) -> str:
    conditions = {name: str(condition) for name, condition in found.get("dialect_options", {}).items()}
    return repr({**found, "dialect_options": conditions})


def test_an_upgrade_makes_what_the_models_say(engine):
    assert upgrade(engine) is None
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []


def test_the_database_says_the_same_of_tables_from_models_and_from_migrations(engine):
    upgrade(engine)
    from_migrations = described(engine)
    with engine.begin() as connection:
        Base.metadata.drop_all(connection)
        Base.metadata.create_all(connection)
    from_models = described(engine)
    assert sorted(from_migrations) == sorted(from_models)
    for table, told in from_models.items():
        assert from_migrations[table] == told, table


def test_a_second_upgrade_changes_nothing(engine):
    upgrade(engine)
    assert upgrade(engine) == head_revision()
    with engine.connect() as connection:
        assert revision_of(connection) == head_revision()


def test_upgrades_at_once_wait_for_each_other(empty_database_url):
    found: list[object] = []

    def run() -> None:
        own = open_engine(empty_database_url)
        try:
            found.append(upgrade(own))
        except Exception as error:
            found.append(error)
        finally:
            own.dispose()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found, key=str) == sorted([None, *[head_revision()] * 3], key=str)


def test_an_upgrade_that_breaks_off_leaves_nothing(engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE audit_log (id INTEGER)"))
    with pytest.raises(Exception, match="already exists"):
        upgrade(engine)
    assert inspect(engine).get_table_names() == ["audit_log"]


def test_tables_of_a_newer_version_are_left_alone(engine):
    upgrade(engine)
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'later'"))
    with pytest.raises(SettingsError, match=r"another version of unicare.*revision later"):
        upgrade(engine)


def test_a_database_that_cannot_be_reached_is_told_without_its_password():
    engine = open_engine("postgresql://someone:secret-word@127.0.0.1:1/nowhere")
    with pytest.raises(SettingsError, match="can't be used") as told:
        upgrade(engine)
    assert "secret-word" not in str(told.value)
