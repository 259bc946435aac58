"""Logging in and out; sessions; wrong passwords."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from tests.web.accounts.conftest import HOME, PASSWORD

from unicare.web.accounts.door import Origin
from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.organisers import disable_user
from unicare.web.accounts.passwords import Passwords
from unicare.web.accounts.refusals import Reason, Refused
from unicare.web.accounts.rules import Limit
from unicare.web.accounts.sessions import LoggedIn, close_session, person_of_session
from unicare.web.accounts.sweep import sweep
from unicare.web.database.tables import AuditEntry, LoginSession, Throttle, User

WRONG = "seven green lamps"


def entries(site, action):
    with site.database.reading() as session:
        return list(session.scalars(select(AuditEntry).where(AuditEntry.action == action)))


class Counting(Passwords):
    """Counts how often the work is done."""

    def __init__(self):
        super().__init__(memory_mb=0.05, rounds=1)
        self.done = 0

    def verify(self, hashed, password):
        self.done += 1
        return super().verify(hashed, password)


def test_in_and_out(site):
    ada = site.person("ada")
    came_in = log_in(site.door, " ADA@People.Test ", PASSWORD, HOME)
    assert came_in.user_id == ada
    assert person_of_session(site.door, came_in.token).id == ada
    with site.database.reading() as session:
        kept = session.scalars(select(LoginSession).order_by(LoginSession.id.desc())).first()
    assert (kept.user_id, kept.address, kept.agent) == (ada, "192.0.2.7", "Firefox")
    site.do(close_session, came_in.token)
    assert person_of_session(site.door, came_in.token) is None
    site.do(close_session, came_in.token)
    assert len(entries(site, "session.closed")) == 1


def test_a_new_log_in_has_a_new_token_and_the_old_one_is_void(site):
    site.person("ada")
    first = log_in(site.door, "ada@people.test", PASSWORD, HOME)
    second = log_in(site.door, "ada@people.test", PASSWORD, HOME, old_token=first.token)
    assert first.token != second.token
    assert person_of_session(site.door, first.token) is None
    assert person_of_session(site.door, second.token) is not None


def test_a_token_that_was_planted_before_lets_nobody_in(site):
    site.person("ada")
    planted = "chosen-by-mallory"
    came_in = log_in(site.door, "ada@people.test", PASSWORD, HOME, old_token=planted)
    assert came_in.token != planted
    assert person_of_session(site.door, planted) is None


def test_the_database_has_no_token(site):
    site.person("ada")
    came_in = log_in(site.door, "ada@people.test", PASSWORD, HOME)
    with site.database.reading() as session:
        rows = [vars(row) for row in session.scalars(select(LoginSession))]
    assert came_in.token not in str(rows)
    assert any(person_of_session(site.door, row["token_hash"]) for row in rows) is False


def test_sessions_end_by_themselves(site):
    site.person("ada")
    idle, used = (log_in(site.door, "ada@people.test", PASSWORD, HOME) for _ in range(2))
    for _ in range(13):
        site.clock.forward(days=1)
        assert person_of_session(site.door, used.token) is not None
    assert person_of_session(site.door, idle.token) is None
    site.clock.forward(days=1)
    assert person_of_session(site.door, used.token) is None


def test_unknown_wrong_and_unconfirmed_are_told_and_cost_the_same(site, monkeypatch):
    site.person("ada")
    counting = Counting()
    monkeypatch.setattr(type(site.door), "passwords", counting, raising=False)
    object.__setattr__(site.door, "passwords", counting)
    answers = [
        log_in(site.door, email, password, HOME)
        for email, password in [
            ("ada@people.test", WRONG),
            ("nobody@people.test", PASSWORD),
            ("no address at all", PASSWORD),
            ("", ""),
            ("ada@people.test", "x" * 100_000),
        ]
    ]
    assert answers == [Refused(Reason.WRONG)] * 5
    assert counting.done == 5
    assert len(entries(site, "session.refused")) == 5
    assert {answer.told for answer in answers} == {Refused(Reason.WRONG).told}


def test_what_was_typed_is_not_kept(site):
    log_in(site.door, "my password by mistake", "x", HOME)
    (entry,) = entries(site, "session.refused")
    assert entry.subject == "user:unknown"
    with site.database.reading() as session:
        keys = list(session.scalars(select(Throttle.key)))
    assert "mistake" not in str(vars(entry)) + str(keys)


def test_guessing_is_slowed_down_even_for_the_right_password(site):
    site.person("ada")
    for _ in range(5):
        assert log_in(site.door, "ada@people.test", WRONG, HOME).reason is Reason.WRONG
    refused = log_in(site.door, "ada@people.test", PASSWORD, HOME)
    assert refused == Refused(Reason.TOO_OFTEN, timedelta(minutes=15))
    site.clock.forward(minutes=15)
    assert isinstance(log_in(site.door, "ada@people.test", PASSWORD, HOME), LoggedIn)


def test_unknown_addresses_are_slowed_down_alike(site):
    for _ in range(5):
        log_in(site.door, "nobody@people.test", WRONG, HOME)
    assert log_in(site.door, "nobody@people.test", WRONG, HOME).reason is Reason.TOO_OFTEN


def test_a_stranger_who_guesses_does_not_lock_the_owner_out(site):
    site.person("ada")
    for _ in range(60):
        log_in(site.door, "ada@people.test", WRONG, Origin("203.0.113.1"))
    assert isinstance(log_in(site.door, "ada@people.test", PASSWORD, HOME), LoggedIn)


def test_guessing_from_many_addresses_ends_as_well(site):
    site.person("ada")
    site.set_rules(log_in_account=Limit(20, timedelta(minutes=15)))
    answers = [
        log_in(site.door, "ada@people.test", WRONG, Origin(f"203.0.113.{number}")).reason
        for number in range(25)
    ]
    assert answers == [Reason.WRONG] * 20 + [Reason.TOO_OFTEN] * 5


def test_guessing_at_many_accounts_from_one_address_ends_as_well(site):
    site.set_rules(log_in_address=Limit(20, timedelta(minutes=15)))
    answers = [log_in(site.door, f"someone{number}@people.test", WRONG, HOME).reason for number in range(25)]
    assert answers == [Reason.WRONG] * 20 + [Reason.TOO_OFTEN] * 5


def test_many_people_may_come_from_one_address(site):
    site.person("ada")
    site.set_rules(log_in_address=Limit(3, timedelta(minutes=15)), log_in=Limit(2, timedelta(minutes=15)))
    for _ in range(10):
        assert isinstance(log_in(site.door, "ada@people.test", PASSWORD, HOME), LoggedIn)


def test_a_disabled_person_is_out_at_once_and_told_only_with_the_password(site):
    ada = site.person("ada")
    came_in = log_in(site.door, "ada@people.test", PASSWORD, HOME)
    site.do(disable_user, site.rules, site.organiser(), ada)
    assert person_of_session(site.door, came_in.token) is None
    assert log_in(site.door, "ada@people.test", PASSWORD, HOME).reason is Reason.DISABLED
    assert log_in(site.door, "ada@people.test", WRONG, HOME).reason is Reason.WRONG


def test_a_hash_of_older_parameters_is_made_anew(site):
    ada = site.person("ada")
    object.__setattr__(site.door, "passwords", Passwords(memory_mb=0.05, rounds=2))
    log_in(site.door, "ada@people.test", PASSWORD, HOME)
    with site.database.reading() as session:
        assert "t=2" in session.get(User, ada).password_hash
    assert isinstance(log_in(site.door, "ada@people.test", PASSWORD, HOME), LoggedIn)


def test_a_sweep_throws_away_what_is_void_and_nothing_else(site):
    site.person("ada")
    site.clock.forward(days=2.5)
    came_in = log_in(site.door, "ada@people.test", PASSWORD, HOME)
    site.clock.forward(days=1)
    site.database.transact(lambda session: sweep(session, site.rules, site.now))
    with site.database.reading() as session:
        assert len(list(session.scalars(select(LoginSession)))) == 1
        assert not list(session.scalars(select(Throttle)))
    assert person_of_session(site.door, came_in.token) is not None


@pytest.mark.parametrize("address", ["", "unix", "fe80::1%eth0", "::ffff:192.0.2.7", "x" * 300, "\x00\udcff"])
def test_odd_addresses_do_no_harm(site, address):
    site.person("ada")
    assert isinstance(
        log_in(site.door, "ada@people.test", PASSWORD, Origin(address, "x\x00\udcff" * 999)), LoggedIn
    )
