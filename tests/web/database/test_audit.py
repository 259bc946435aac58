"""The audit log only grows."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from unicare.web.database import record
from unicare.web.database.tables import AuditEntry

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


@pytest.fixture
def written(database):
    database.transact(lambda session: record(session, "team.founded", "team:1", now=NOW, name="<b>A</b>"))
    return database


def entries(database):
    with database.reading() as session:
        return [(entry.action, entry.details) for entry in session.scalars(select(AuditEntry))]


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE audit_log SET action = 'nothing'",
        "DELETE FROM audit_log",
        "DELETE FROM audit_log WHERE id = 1",
        "TRUNCATE audit_log",
        "INSERT OR REPLACE INTO audit_log (id, at, action, subject, address, details) "
        "VALUES (1, '2025-07-01', 'nothing', '', '', '{}')",
    ],
)
def test_rows_cannot_be_changed_or_deleted(written, statement):
    with pytest.raises(DBAPIError):
        written.transact(lambda session: session.execute(text(statement)))
    assert entries(written) == [("team.founded", {"name": "<b>A</b>"})]


def test_the_refusal_says_why(written):
    with pytest.raises(DBAPIError, match="the audit log is append-only"):
        written.transact(lambda session: session.execute(text("DELETE FROM audit_log")))


def test_what_is_undone_leaves_no_line(written):
    def work(session):
        record(session, "team.left", "team:1", now=NOW)
        raise LookupError

    with pytest.raises(LookupError):
        written.transact(work)
    assert len(entries(written)) == 1
