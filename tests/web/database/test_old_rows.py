"""A site of an earlier version is still there after an upgrade, and so is a backup of it."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import delete
from tests.web.database.at_0002 import fill

from unicare.web.backup import restore_backup, write_backup
from unicare.web.database import Database, head_revision, revision_of, upgrade
from unicare.web.database.tables import (
    AuditEntry,
    Evaluation,
    Membership,
    QuotaSlot,
    Registration,
    Submission,
    Team,
    User,
)
from unicare.web.settings import load_settings


def assert_all_is_there(database: Database) -> None:
    with database.reading() as session:
        assert revision_of(session.connection()) == head_revision()
        ann, bob = session.get_one(User, 7), session.get_one(User, 8)
        assert (ann.email, ann.is_organiser, bob.is_organiser) == ("Ann@x.org", True, False)
        assert ann.created_at == datetime(2025, 6, 1, 10, 0, 0, 1, UTC)
        assert bob.email_confirmed_at is None
        assert session.get_one(Registration, 8).status == "approved"
        assert session.get_one(Team, 3).name == "Reds"
        assert session.get_one(Membership, 8).is_captain
        submission = session.get_one(Submission, 40)
        assert (submission.report, submission.state, submission.attempt) == ({"cases": 2}, "scored", 1)
        evaluation = session.get_one(Evaluation, 50)
        assert (evaluation.summary, evaluation.attempt, evaluation.failures) == ({"dice": 0.5}, 2, 1)
        assert session.get_one(QuotaSlot, 60).number == 1
        assert session.get_one(AuditEntry, 70).details == {}
    with pytest.raises(Exception, match="append-only"):
        database.transact(lambda session: session.execute(delete(AuditEntry)))


def test_rows_of_0002_outlast_the_upgrade(empty_database_url: str) -> None:
    database = Database.open(empty_database_url)
    with database.engine.begin() as connection:
        fill(connection)
    assert upgrade(database.engine) == "0002"
    assert_all_is_there(database)
    database.close()


def test_a_backup_of_0002_is_restored_as_what_it_is_now(
    empty_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UNICARE_DATABASE_URL", raising=False)
    database = Database.open(empty_database_url)
    with database.engine.begin() as connection:
        fill(connection)
    database.close()
    settings = load_settings(tmp_path / "old", database_url=empty_database_url)
    made = write_backup(settings, tmp_path / "backup.tar")
    assert made.about.revision == "0002"
    restore_backup(tmp_path / "backup.tar", tmp_path / "new")
    restored = Database.open(f"sqlite:///{tmp_path / 'new' / 'site.sqlite'}")
    assert_all_is_there(restored)
    restored.close()
