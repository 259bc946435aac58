"""Never one too many: at most so many evaluations as the phase says, whoever asks at the same time."""

import multiprocessing
import threading
from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.web.life.players import NOW, assert_sound, checked_submission, new_team

from unicare.web.challenge import load_challenge
from unicare.web.database import Database
from unicare.web.database.tables import QuotaSlot
from unicare.web.life.hand_in import begin_submission, cancel_submission, queue_submission
from unicare.web.life.lease import claim
from unicare.web.life.quota import QuotaUsedUpError, slots_taken
from unicare.web.life.settle import Failed, Fault, Scored, settle

QUOTA = 3
SUMMARY = {"definition": "1", "unicare": "0"}


def queue_them(url, folder, submissions, start):
    database, challenge = Database.open(url), load_challenge(folder)
    start.wait(30)
    threads = [threading.Thread(target=queue_one, args=(database, challenge, one)) for one in submissions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    database.close()


def queue_one(database, challenge, one):
    try:
        database.transact(lambda session: queue_submission(session, challenge, one, now=NOW))
    except QuotaUsedUpError:
        return


def test_forty_at_once_get_no_more_than_the_quota(database, database_url, challenge_folder):
    team = new_team(database, "red")
    submissions = [checked_submission(database, team) for _ in range(40)]
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["unicare.web.life.hand_in", "unicare.web.challenge"])
    start = context.Barrier(2)
    processes = [
        context.Process(target=queue_them, args=(database_url, challenge_folder, submissions[part::2], start))
        for part in range(2)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    with database.reading() as session:
        numbers = sorted(session.scalars(select(QuotaSlot.number)))
    assert numbers == [1, 2, 3]
    assert_sound(database)


def finish(database, challenge, outcome, attempts=3):
    lease = timedelta(seconds=60)
    mine = database.transact(
        lambda s: claim(s, "evaluate", "me", lease=lease, kinds=("predictions",), now=NOW)
    )
    assert database.transact(
        lambda s: settle(s, mine, outcome, challenge=challenge, attempts=attempts, now=NOW)
    )


def test_only_what_ends_well_counts(database, challenge):
    team = new_team(database, "red")
    for outcome in (Scored(SUMMARY, "rows"), Failed("no"), Failed("no"), Scored(SUMMARY, "rows")):
        one = checked_submission(database, team)
        database.transact(lambda s, one=one: queue_submission(s, challenge, one, now=NOW))
        finish(database, challenge, outcome)
    with database.reading() as session:
        assert slots_taken(session, team.id, "whs", "validation") == 2
    assert_sound(database)


def begin(database, challenge, team, phase="validation"):
    return database.transact(
        lambda s: begin_submission(
            s,
            challenge,
            team_id=team.id,
            user_id=team.user_id,
            task="whs",
            phase=phase,
            upload_id=None,
            now=NOW,
        )
    )


def test_no_more_than_a_few_wait_for_their_check_or_for_an_evaluation(database, challenge):
    red, blue = new_team(database, "red"), new_team(database, "blue")
    waiting = [checked_submission(database, red) for _ in range(5)]
    with pytest.raises(QuotaUsedUpError, match="aren't evaluated yet; found 5; expected at most 5"):
        begin(database, challenge, red)
    begin(database, challenge, red, "test")
    begin(database, challenge, blue)
    database.transact(lambda s: cancel_submission(s, waiting[0], now=NOW))
    begin(database, challenge, red)


def test_containers_that_fail_too_often_on_hidden_cases_are_refused(database, challenge):
    red = new_team(database, "red")
    strict = challenge.model_copy(
        update={"containers": challenge.containers.model_copy(update={"failures": 2})}
    )
    for outcome in (Failed("no"), Fault("no room"), Failed("no")):
        begin(database, strict, red, "test")
        one = checked_submission(database, red, phase="test")
        database.transact(lambda s, one=one: queue_submission(s, strict, one, now=NOW))
        finish(database, strict, outcome, attempts=1)
    with pytest.raises(QuotaUsedUpError, match=r"failed too often on the hidden cases.*found 2"):
        begin(database, strict, red, "test")
    begin(database, strict, red)
    begin(database, strict, new_team(database, "blue"), "test")
    assert_sound(database)


def test_a_full_quota_is_told_before_anything_is_uploaded(database, challenge):
    red, blue = new_team(database, "red"), new_team(database, "blue")
    queued = [checked_submission(database, red) for _ in range(QUOTA)]
    for one in queued:
        database.transact(lambda s, one=one: queue_submission(s, challenge, one, now=NOW))

    with pytest.raises(QuotaUsedUpError, match="3 used or under way; expected at most 3"):
        begin(database, challenge, red)
    assert begin(database, challenge, red, "test").kind == "container"
    begin(database, challenge, blue)
    database.transact(lambda s: cancel_submission(s, queued[1], now=NOW))
    begin(database, challenge, red)
    freed = checked_submission(database, red)
    database.transact(lambda s: queue_submission(s, challenge, freed, now=NOW))
    with database.reading() as session:
        taken = session.scalar(select(QuotaSlot.number).where(QuotaSlot.submission_id == freed))
    assert taken == 2
