"""Whatever teams, organisers, workers and clocks do, in any order: quota and scores stay true."""

import random
from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.web.life.players import NOW, assert_sound, checked_submission, new_team

from unicare.core.errors import SubmissionError
from unicare.web.database.tables import Evaluation, Submission
from unicare.web.life.hand_in import cancel_submission, evaluate_again, queue_submission
from unicare.web.life.lease import claim, renew
from unicare.web.life.quota import slots_taken
from unicare.web.life.settle import Checked, Failed, Fault, HandedBack, Refused, Scored, recover, settle

LEASE = timedelta(seconds=60)
OUTCOMES = {
    "check": [Checked({}, "key"), Refused({}), Failed("no"), Fault("no"), HandedBack()],
    "evaluate": [
        Scored({"definition": "1", "unicare": "0"}, "rows"),
        Failed("no"),
        Fault("no"),
        HandedBack(),
    ],
}


class Play:
    """One thing after the other, each as a transaction of its own."""

    def __init__(self, database, challenge, seed):
        self.database, self.challenge = database, challenge
        self.chance = random.Random(seed)
        self.now = NOW
        self.teams = [new_team(database, name) for name in ("red", "green", "blue", "grey", "pink")]
        self.claims = []

    def step(self):
        self.now += timedelta(seconds=self.chance.choice([1] * 12 + [40, 90, -30]))
        rare = [self.cancel, self.again, self.look]
        act = self.chance.choice([*rare, *(4 * [self.hand_in, self.queue, self.take, self.take, self.end])])
        try:
            act()
        except SubmissionError:
            return

    def hand_in(self):
        one = checked_submission(self.database, self.chance.choice(self.teams))

        def unchecked(session):
            row = session.get_one(Submission, one)
            row.state, row.checked_at = "uploaded", None

        if self.chance.random() < 0.5:
            self.database.transact(unchecked)

    def any_submission(self):
        with self.database.reading() as session:
            return self.chance.choice(
                list(session.scalars(select(Submission.id).order_by(Submission.id))) or [0]
            )

    def queue(self):
        if one := self.any_submission():
            self.database.transact(lambda s: queue_submission(s, self.challenge, one, now=self.now))

    def cancel(self):
        if one := self.any_submission():
            self.database.transact(lambda s: cancel_submission(s, one, now=self.now))

    def again(self):
        if one := self.any_submission():
            self.database.transact(
                lambda s: evaluate_again(
                    s, self.challenge, one, now=self.now, actor_id=self.teams[0].user_id, reason="why not"
                )
            )

    def take(self):
        job = self.chance.choice(["check", "evaluate"])
        mine = self.database.transact(
            lambda s: claim(s, job, "me", lease=LEASE, kinds=("predictions",), now=self.now)
        )
        self.claims += [mine] if mine else []

    def end(self):
        """Also by those who were thought dead, or have ended it before."""
        if self.claims:
            mine = self.chance.choice(self.claims[-4:])
            outcome = self.chance.choice(OUTCOMES[mine.job])
            self.database.transact(lambda s: renew(s, mine, lease=LEASE, now=self.now))
            self.database.transact(
                lambda s: settle(s, mine, outcome, challenge=self.challenge, attempts=3, now=self.now)
            )

    def look(self):
        self.database.transact(
            lambda s: recover(s, challenge=self.challenge, lease=LEASE, attempts=3, now=self.now)
        )


@pytest.mark.parametrize("seed", [0, 11, 12])
def test_quota_and_scores_stay_true(database, challenge, seed):
    play = Play(database, challenge, seed)
    ended = {}
    for _ in range(160):
        play.step()
        assert_sound(database)
        with database.reading() as session:
            for team in play.teams:
                assert slots_taken(session, team.id, "whs", "validation") <= 3
            now = {one.id: (one.state, one.summary) for one in session.scalars(select(Evaluation))}
        for number, before in ended.items():
            assert now[number] == before
        ended = {n: each for n, each in now.items() if each[0] in ("scored", "failed", "cancelled")}
    assert {state for state, _ in ended.values()} == {"scored", "failed", "cancelled"}
