"""What may happen to a submission, and what may not."""

import pytest
from sqlalchemy import select
from tests.web.life.players import NOW, actions_of, checked_submission, new_team, submission_of

from unicare.web.database.tables import QuotaSlot, Submission
from unicare.web.life.hand_in import cancel_submission, queue_submission
from unicare.web.life.moves import move_submission
from unicare.web.life.states import (
    EVALUATION_MOVES,
    HOLDS_SLOT,
    SUBMISSION_MOVES,
    MoveRefusedError,
    State,
    find_move,
)

ENDS = {State.REFUSED, State.CANCELLED}


def test_every_state_is_reached_and_left_but_for_the_ends():
    targets = {move.target for move in SUBMISSION_MOVES.values()}
    sources = {source for move in SUBMISSION_MOVES.values() for source in move.sources}
    assert targets == set(State) - {State.UPLOADING}
    assert sources == set(State) - ENDS - {State.SCORED}


def test_what_an_evaluation_does_its_submission_can_do():
    assert set(EVALUATION_MOVES) <= set(SUBMISSION_MOVES)
    for name, move in EVALUATION_MOVES.items():
        assert move.target == SUBMISSION_MOVES[name].target
        assert move.sources <= SUBMISSION_MOVES[name].sources


@pytest.mark.parametrize("name", SUBMISSION_MOVES)
def test_moves_from_other_states_are_refused(name):
    for state in set(State) - SUBMISSION_MOVES[name].sources:
        with pytest.raises(MoveRefusedError, match=state.value):
            find_move(SUBMISSION_MOVES, name, state)


def test_a_move_is_done_and_written_down_or_neither(database, challenge):
    one = checked_submission(database, new_team(database, "red"))
    with pytest.raises(MoveRefusedError):
        database.transact(lambda s: move_submission(s, s.get_one(Submission, one), "score", now=NOW))
    assert submission_of(database, one).state == "checked"
    assert actions_of(database, f"submission:{one}") == []
    database.transact(lambda s: queue_submission(s, challenge, one, now=NOW))
    assert submission_of(database, one).state == "queued"
    assert actions_of(database, f"submission:{one}") == ["submission.queue"]


def test_leaving_the_quota_gives_the_slot_back(database, challenge):
    one = checked_submission(database, new_team(database, "red"))
    database.transact(lambda s: queue_submission(s, challenge, one, now=NOW))
    with database.reading() as session:
        assert list(session.scalars(select(QuotaSlot.submission_id))) == [one]
    database.transact(lambda s: cancel_submission(s, one, now=NOW))
    with database.reading() as session:
        assert list(session.scalars(select(QuotaSlot))) == []
    assert State.CANCELLED not in HOLDS_SLOT
