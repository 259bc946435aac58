"""Transactions: all or nothing, as if one after another, whatever happens at the same time."""

import multiprocessing
import os
import signal
import threading
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from unicare.core.errors import OutputError, SettingsError
from unicare.web.database import Database, open_engine
from unicare.web.database.tables import Membership, Team, Throttle, User

NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)


def throttle(key="k", count=0, at=NOW):
    return Throttle(key=key, window_start=at, window_end=at + timedelta(hours=1), count=count)


def count_one(session):
    """Reads, thinks, writes: wrong wherever another writes in between."""
    row = session.get(Throttle, "k")
    seen = row.count
    time.sleep(0.002)
    row.count = seen + 1


def count_in_a_process(url, times):
    database = Database.open(url)
    for _ in range(times):
        database.transact(count_one)


def test_nothing_is_lost_between_threads(database):
    database.transact(lambda session: session.add(throttle()))
    threads = [
        threading.Thread(target=lambda: [database.transact(count_one) for _ in range(5)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.reading() as session:
        assert session.get(Throttle, "k").count == 40


def test_nothing_is_lost_between_processes(database, database_url):
    database.transact(lambda session: session.add(throttle()))
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=count_in_a_process, args=(database_url, 10)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    with database.reading() as session:
        assert session.get(Throttle, "k").count == 30


def test_a_row_that_two_want_to_make_is_made_by_one_and_seen_by_the_other(database):
    barrier = threading.Barrier(2, timeout=60)
    outcomes = []

    def make(session):
        if session.scalar(select(func.count()).select_from(Throttle)) > 0:
            return "was there"
        if database.engine.dialect.name == "postgresql" and not barrier.broken:
            try:
                barrier.wait()
            except threading.BrokenBarrierError:
                pass
            else:
                barrier.abort()
        session.add(throttle())
        return "made"

    threads = [threading.Thread(target=lambda: outcomes.append(database.transact(make))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["made", "was there"]


def test_work_that_fails_leaves_nothing(database):
    def work(session):
        session.add(throttle())
        session.flush()
        raise LookupError("on the way")

    with pytest.raises(LookupError, match="on the way"):
        database.transact(work)
    with database.reading() as session:
        assert session.get(Throttle, "k") is None


def test_a_row_that_may_not_be_twice_is_refused_in_the_end(database):
    database.transact(lambda session: session.add(throttle()))
    with pytest.raises(IntegrityError):
        database.transact(lambda session: session.add(throttle()))


@pytest.mark.parametrize(
    "bad",
    [
        Membership(user_id=77, team_id=88, is_captain=True, joined_at=NOW),
        User(email="a", email_key="a", name=None, affiliation="", password_hash="", created_at=NOW),
    ],
    ids=["of nobody", "without a name"],
)
def test_rows_that_make_no_sense_are_refused(database, bad):
    copy = {column.name: getattr(bad, column.name) for column in bad.__table__.columns}
    with pytest.raises(IntegrityError):
        database.transact(
            lambda session: session.add(type(bad)(**{k: v for k, v in copy.items() if k != "id"}))
        )


def test_words_outside_the_list_are_refused(database):
    statement = (
        "INSERT INTO one_time_tokens (purpose, token_hash, user_id, created_at, expires_at) "
        "VALUES ('party', 'x', 1, '2025-07-01', '2025-07-01')"
    )
    with pytest.raises(IntegrityError):
        database.transact(lambda session: session.execute(text(statement)))


def test_a_team_has_one_captain(database):
    def work(session):
        team = Team(name="A", name_key="a", created_at=NOW)
        session.add(team)
        session.flush()
        for number in range(2):
            person = User(
                email=f"{number}",
                email_key=f"{number}",
                name="",
                affiliation="",
                password_hash="",
                created_at=NOW,
            )
            session.add(person)
            session.flush()
            session.add(Membership(user_id=person.id, team_id=team.id, is_captain=True, joined_at=NOW))
            session.flush()

    with pytest.raises(IntegrityError):
        database.transact(work)


def test_moments_come_back_as_they_went_in_to_the_microsecond(database):
    at = datetime(2025, 7, 30, 23, 59, 59, 123456, tzinfo=timezone(timedelta(hours=-7)))
    database.transact(lambda session: session.add(throttle(at=at)))
    with database.reading() as session:
        row = session.get(Throttle, "k")
        assert row.window_start == at
        assert row.window_start.tzinfo is UTC
        assert session.scalar(select(Throttle.key).where(Throttle.window_start <= at)) == "k"
        assert session.scalar(select(Throttle.key).where(Throttle.window_start < at)) is None


def test_a_moment_without_a_time_zone_is_refused(database):
    with pytest.raises(StatementError, match="without a time zone"):
        database.transact(lambda session: session.add(throttle(at=datetime(2025, 7, 1))))


def test_reading_sees_one_moment_and_writes_nothing(database):
    database.transact(lambda session: session.add(throttle()))
    with database.reading() as session:
        before = session.scalar(select(func.sum(Throttle.count)))
        database.transact(count_one)  # nobody waits for those who read
        assert session.scalar(select(func.sum(Throttle.count))) == before
        with pytest.raises(DBAPIError):
            session.execute(text("DELETE FROM throttles"))
    database.transact(count_one)
    with database.reading() as session:
        assert session.get(Throttle, "k").count == 2


def test_rows_stay_readable_after_their_transaction(database):
    made = throttle(count=3)
    database.transact(lambda session: session.add(made))
    assert (made.key, made.count) == ("k", 3)
    with database.reading() as session:
        read = session.get(Throttle, "k")
    assert (read.key, read.count) == ("k", 3)


def test_a_database_that_stays_locked_is_given_up(tmp_path, sqlite_template):
    path = tmp_path / "site.sqlite"
    path.write_bytes(sqlite_template.read_bytes())
    database = Database(open_engine(f"sqlite:///{path}"))
    with database.engine.connect() as impatient:
        impatient.exec_driver_sql("SELECT 1")  # holds the lock of writers until it ends
        other = Database(open_engine(f"sqlite:///{path}", busy_s=0.05))
        with pytest.raises(DBAPIError, match="locked"):
            other.transact(lambda session: session.add(throttle()), patience_s=0.2)
        other.close()
    database.transact(lambda session: session.add(throttle()))
    database.close()


def test_a_connection_lost_before_the_commit_costs_nothing(database):
    if database.engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no connections that could be lost")
    tries = []

    def work(session):
        session.add(throttle(count=len(tries)))
        session.flush()
        if not tries:
            own = session.scalar(text("SELECT pg_backend_pid()"))
            with database.engine.connect() as other:
                other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        tries.append(1)
        session.execute(text("SELECT 1"))

    database.transact(work)
    assert len(tries) == 2
    with database.reading() as session:
        assert session.get(Throttle, "k").count == 1


def write_until_killed(url, began):
    database = Database.open(url)

    def work(session):
        session.add(Team(name="A", name_key="a", created_at=NOW))
        session.flush()
        began.set()
        time.sleep(60)

    database.transact(work)


def test_a_process_killed_within_a_transaction_leaves_nothing_and_holds_nothing(database, database_url):
    context = multiprocessing.get_context("spawn")
    began = context.Event()
    process = context.Process(target=write_until_killed, args=(database_url, began))
    process.start()
    assert began.wait(60)
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    database.transact(lambda session: session.add(Team(name="A", name_key="a", created_at=NOW)))
    with database.reading() as session:
        assert session.scalar(select(func.count()).select_from(Team)) == 1


@pytest.mark.parametrize(
    "url", ["", "no url", "mysql://someone:secret-word@host/x", "sqlite://", "sqlite:///:memory:", "odd://x"]
)
def test_other_databases_are_refused_without_telling_passwords(url):
    with pytest.raises(SettingsError) as told:
        open_engine(url)
    assert "secret-word" not in str(told.value)


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match="can't be made"):
        open_engine(f"sqlite:///{tmp_path}/file/site.sqlite")
