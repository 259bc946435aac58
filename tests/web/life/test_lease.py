"""Who has which work: one at a time, in order, and not for longer than they live."""

import threading
from datetime import timedelta

import pytest
from tests.web.life.players import (
    NOW,
    assert_sound,
    checked_submission,
    evaluations_of,
    new_team,
    submission_of,
)

from unicare.web.database.tables import Evaluation
from unicare.web.life.hand_in import cancel_submission, evaluate_again, place_in_queue, queue_submission
from unicare.web.life.lease import claim, renew
from unicare.web.life.settle import Failed, Fault, HandedBack, Scored, recover, settle
from unicare.web.life.states import OUR_FAULT, MoveRefusedError

LEASE = timedelta(seconds=60)
LATER = NOW + timedelta(seconds=61)
SCORED = Scored({"definition": "1", "unicare": "0", "cases": 2}, "rows")


@pytest.fixture
def queue(database, challenge):
    """Submissions of different teams that wait for their evaluation, as many as wanted."""

    def put(count=1):
        made = []
        for number in range(count):
            one = checked_submission(database, new_team(database, f"team {number}"))
            database.transact(lambda s, one=one: queue_submission(s, challenge, one, now=NOW))
            made.append(one)
        return made

    return put


@pytest.fixture
def take(database):
    def take(owner="me", now=NOW, kinds=("predictions", "container")):
        return database.transact(lambda s: claim(s, "evaluate", owner, lease=LEASE, kinds=kinds, now=now))

    return take


@pytest.fixture
def end(database, challenge):
    def end(mine, outcome, now=NOW):
        return database.transact(lambda s: settle(s, mine, outcome, challenge=challenge, attempts=3, now=now))

    return end


@pytest.fixture
def look(database, challenge):
    def look(now):
        return database.transact(lambda s: recover(s, challenge=challenge, lease=LEASE, attempts=3, now=now))

    return look


def test_work_is_taken_in_order_and_by_one(database, queue, take):
    submissions = queue(6)
    taken = []
    threads = [threading.Thread(target=lambda: taken.extend([take("a"), take("b")])) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    got = [one.submission_id for one in taken if one is not None]
    assert sorted(got) == submissions
    assert take() is None


def test_the_first_comes_first_whatever_the_clock_says(queue, take):
    first, second = queue(2)
    assert take(now=NOW - timedelta(days=1)).submission_id == first
    assert take(now=NOW - timedelta(days=2)).submission_id == second


def test_a_worker_without_an_engine_leaves_containers_to_others(queue, take):
    queue()
    assert take(kinds=("container",)) is None
    assert take(kinds=("predictions",)) is not None


def test_places_in_the_queue(database, queue, take):
    submissions = queue(3)
    take()
    with database.reading() as session:
        every = [session.get_one(Evaluation, evaluations_of(database, one)[0].id) for one in submissions]
        assert [place_in_queue(session, one) for one in every] == [None, 1, 2]


def test_a_lease_that_is_renewed_stays(database, queue, take, look):
    queue()
    mine = take()
    assert database.transact(lambda s: renew(s, mine, lease=LEASE, now=NOW + LEASE / 2))
    assert look(LATER) == []
    assert [one.id for one in look(NOW + 2 * LEASE)] == [mine.id]
    assert not database.transact(lambda s: renew(s, mine, lease=LEASE, now=LATER))


def test_what_an_earlier_attempt_brings_is_refused(database, queue, take, end, look):
    (one,) = queue()
    first = take("slow")
    look(LATER)
    second = take("quick", now=LATER)
    assert (first.id, second.attempt) == (second.id, 2)
    assert not end(first, Scored({"definition": "1", "unicare": "0", "cases": 0}, "wrong"), LATER)
    assert end(second, SCORED, LATER)
    assert not end(second, SCORED, LATER)
    assert not end(first, Failed("too late"), LATER)
    (evaluation,) = evaluations_of(database, one)
    assert (evaluation.state, evaluation.rows_key, evaluation.summary["cases"]) == ("scored", "rows", 2)
    assert_sound(database)


def test_a_worker_that_took_its_own_work_again_is_fenced_too(queue, take, end, look):
    queue()
    first = take("me")
    look(LATER)
    second = take("me", now=LATER)
    assert not end(first, SCORED, LATER)
    assert end(second, SCORED, LATER)


def test_after_three_deaths_it_is_failed_told_and_given_back(database, queue, take, look):
    (one,) = queue()
    now = NOW
    for _ in range(3):
        assert take(now=now) is not None
        now += LEASE + timedelta(seconds=1)
        look(now)
    assert take(now=now) is None
    (evaluation,) = evaluations_of(database, one)
    assert (evaluation.state, evaluation.public_error, evaluation.attempt) == ("failed", OUR_FAULT, 3)
    assert "wasn't heard of any more in attempt 3" in evaluation.private_error
    assert submission_of(database, one).state == "failed"
    assert_sound(database)


def test_work_that_is_handed_back_costs_no_attempt(database, queue, take, end):
    (one,) = queue()
    for _ in range(5):
        assert end(take(), HandedBack())
    assert end(take(), Fault("disk full"))
    (evaluation,) = evaluations_of(database, one)
    assert (evaluation.state, evaluation.attempt, evaluation.failures) == ("queued", 6, 1)


def test_a_clock_that_is_put_back_leaves_nothing_behind(database, queue, take, look):
    queue()
    take(now=NOW)
    yesterday = NOW - timedelta(days=1)
    assert look(yesterday) == []
    assert take(now=yesterday + LEASE - timedelta(seconds=1)) is None
    assert len(look(yesterday + LEASE)) == 1
    assert take(now=yesterday + LEASE) is not None


def test_a_worker_that_lives_keeps_its_work_when_the_clock_is_put_back(database, queue, take, look):
    (one,) = queue()
    mine = take(now=NOW)
    for hours in range(1, 4):
        now = NOW - timedelta(hours=hours)
        assert look(now) == []
        assert database.transact(lambda s, now=now: renew(s, mine, lease=LEASE, now=now + LEASE / 2))
        assert look(now + LEASE) == []
    (evaluation,) = evaluations_of(database, one)
    assert (evaluation.state, evaluation.failures) == ("running", 0)


def test_what_is_evaluated_once_more_comes_after_what_never_was(database, challenge, queue, take, end):
    olds = queue(2)
    for _ in olds:
        end(take(), SCORED)
    for one in olds:
        database.transact(
            lambda s, one=one: evaluate_again(s, challenge, one, now=NOW, actor_id=1, reason="mended")
        )
    new = checked_submission(database, new_team(database, "blue"))
    database.transact(lambda s: queue_submission(s, challenge, new, now=NOW))
    places = {one: evaluations_of(database, one)[-1] for one in (*olds, new)}
    with database.reading() as session:
        told = {one: place_in_queue(session, row) for one, row in places.items()}
    assert told == {new: 1, olds[0]: 2, olds[1]: 3}
    assert [take().submission_id for _ in range(3)] == [new, *olds]


def test_what_is_cancelled_while_it_waits_or_runs_is_given_back(database, queue, take, end):
    waiting, running = queue(2)
    database.transact(lambda s: cancel_submission(s, waiting, now=NOW))
    mine = take()
    assert mine.submission_id == running
    database.transact(lambda s: cancel_submission(s, running, now=NOW))
    assert not database.transact(lambda s: renew(s, mine, lease=LEASE, now=NOW))
    assert not end(mine, SCORED)
    assert take() is None
    for one in (waiting, running):
        assert submission_of(database, one).state == "cancelled"
        assert [each.state for each in evaluations_of(database, one)] == ["cancelled"]
        with pytest.raises(MoveRefusedError):
            database.transact(lambda s, one=one: cancel_submission(s, one, now=NOW))
    assert_sound(database)


def test_evaluated_again_the_old_score_stays(database, challenge, queue, take, end):
    (one,) = queue()
    end(take(), SCORED)

    def again():
        return database.transact(
            lambda s: evaluate_again(s, challenge, one, now=NOW, actor_id=None, reason="definition 2")
        )

    assert again().number == 2
    with pytest.raises(MoveRefusedError):
        again()
    assert submission_of(database, one).state == "scored"
    end(take(), Failed("not today"))
    assert submission_of(database, one).state == "scored"
    again()
    end(take(), Scored({"definition": "2", "unicare": "9", "cases": 2}, "other rows"))
    assert [(each.number, each.state, each.definition_version) for each in evaluations_of(database, one)] == [
        (1, "scored", "1"),
        (2, "failed", None),
        (3, "scored", "2"),
    ]
    assert_sound(database)
