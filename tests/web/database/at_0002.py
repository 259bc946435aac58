"""Rows as a site had them when its tables were those of revision 0002, in the database's own words."""

from __future__ import annotations

from sqlalchemy import Connection, text

from unicare.web.database import upgrade_within

ROWS = (
    "INSERT INTO users (id, email, email_key, name, affiliation, password_hash, created_at,"
    " email_confirmed_at, is_organiser)"
    " VALUES (7, 'Ann@x.org', 'ann@x.org', 'Ann', 'Here', 'hash', '2025-06-01 10:00:00.000001+00:00',"
    " '2025-06-01 11:00:00+00:00', {true}), (8, 'bob@x.org', 'bob@x.org', 'Bob', '', 'hash',"
    " '2025-06-02 10:00:00+00:00', NULL, {false})",
    "INSERT INTO registrations (user_id, status, created_at, decided_by, reason)"
    " VALUES (8, 'approved', '2025-06-02 10:00:00+00:00', 7, '')",
    "INSERT INTO teams (id, name, name_key, created_at, disqualified_reason)"
    " VALUES (3, 'Reds', 'reds', '2025-06-03 10:00:00+00:00', '')",
    "INSERT INTO memberships (user_id, team_id, is_captain, joined_at)"
    " VALUES (8, 3, {true}, '2025-06-03 10:00:00+00:00')",
    "INSERT INTO submissions (id, team_id, user_id, task, phase, kind, state, created_at, storage_key,"
    " note, report, checked_at, attempt) VALUES (40, 3, 8, 'la', 'validation', 'predictions', 'scored',"
    " '2025-06-04 10:00:00+00:00', 'submissions/40/predictions-1', 'ours', '{{\"cases\": 2}}',"
    " '2025-06-04 10:01:00+00:00', 1)",
    "INSERT INTO evaluations (id, submission_id, number, state, queued_at, attempt, failures, summary,"
    " rows_key) VALUES (50, 40, 1, 'scored', '2025-06-04 10:01:00+00:00', 2, 1, '{{\"dice\": 0.5}}',"
    " 'evaluations/50/2/metrics.parquet')",
    "INSERT INTO quota_slots (id, team_id, task, phase, number, submission_id, taken_at)"
    " VALUES (60, 3, 'la', 'validation', 1, 40, '2025-06-04 10:01:00+00:00')",
    "INSERT INTO audit_log (id, at, action, actor_id, subject, address, details)"
    " VALUES (70, '2025-06-04 10:00:00+00:00', 'submission.begin', 8, 'submission:40', '', '{{}}')",
)


def fill(connection: Connection) -> None:
    """Makes the tables of revision 0002, and fills them."""
    upgrade_within(connection, "0002")
    sqlite = connection.dialect.name == "sqlite"
    for row in ROWS:
        words = row.format(true="1" if sqlite else "true", false="0" if sqlite else "false")
        connection.execute(text(words.replace("+00:00", "") if sqlite else words))
