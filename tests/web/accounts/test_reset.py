"""New passwords, for those who forgot theirs and those who know it."""

from datetime import timedelta

import pytest
from tests.web.accounts.conftest import HOME, PASSWORD

from unicare.web.accounts.api_tokens import create_api_token, person_of_api_token
from unicare.web.accounts.door import Origin
from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.people import find_person
from unicare.web.accounts.refusals import AccountError, Reason, Refused
from unicare.web.accounts.registration import MailSent, RegistrationForm, confirm_email, register
from unicare.web.accounts.reset import ask_reset, change_password, reset_password
from unicare.web.accounts.rules import Limit
from unicare.web.accounts.sessions import LoggedIn, person_of_session

NEW = "nine purple umbrellas"
ADA = "ada@people.test"


def ask(site):
    ask_reset(site.door, ADA, HOME)
    return site.link("reset")


def test_a_new_password_by_mail(site):
    site.person("ada")
    assert reset_password(site.door, ask(site), NEW, HOME) is None
    assert log_in(site.door, ADA, PASSWORD, HOME).reason is Reason.WRONG
    assert isinstance(log_in(site.door, ADA, NEW, HOME), LoggedIn)
    assert "was changed" in site.read_mails()[0]["Subject"]


def test_everybody_who_was_in_is_out(site):
    ada = site.person("ada")
    came_in = log_in(site.door, ADA, PASSWORD, HOME)
    token = site.do(create_api_token, site.rules, ada, "laptop").token
    reset_password(site.door, ask(site), NEW, HOME)
    assert person_of_session(site.door, came_in.token) is None
    assert person_of_api_token(site.door, token) is None


def test_unknown_addresses_get_the_same_answer_and_no_mail(site):
    site.person("ada")
    for email in ("nobody@people.test", "no address", "", "x" * 1000):
        assert ask_reset(site.door, email, HOME) == MailSent(email)
    assert site.read_mails() == []
    assert ask_reset(site.door, ADA, HOME) == MailSent(ADA)
    assert len(site.read_mails()) == 1


def test_a_link_is_good_once_for_its_time_and_until_the_next(site):
    site.person("ada")
    first = ask(site)
    second = ask(site)
    assert reset_password(site.door, first, NEW, HOME) == Refused(Reason.LINK_VOID)
    assert reset_password(site.door, second, NEW, HOME) is None
    assert reset_password(site.door, second, NEW, HOME) == Refused(Reason.LINK_VOID)
    third = ask(site)
    site.clock.forward(hours=2)
    assert reset_password(site.door, third, NEW, HOME) == Refused(Reason.LINK_VOID)


def test_links_are_good_for_one_thing_only(site):
    register(site.door, RegistrationForm(ADA, "Ada", "", PASSWORD), HOME)
    confirm = site.link("confirm")
    assert reset_password(site.door, confirm, NEW, HOME) == Refused(Reason.LINK_VOID)
    assert confirm_email(site.door, ask(site), PASSWORD, HOME) == Refused(Reason.LINK_VOID)


def test_a_weak_password_is_refused_and_the_link_stays_good(site):
    site.person("ada")
    token = ask(site)
    with pytest.raises(AccountError, match="too short"):
        reset_password(site.door, token, "short", HOME)
    assert reset_password(site.door, token, NEW, HOME) is None


def test_the_owner_of_an_address_takes_it_back_from_who_registered_it(site):
    site.set_rules(agreement_version="1")
    mallory = RegistrationForm(ADA, "Mallory", "", PASSWORD, "1")
    register(site.door, mallory, Origin("203.0.113.1"))
    confirm = site.link("confirm")
    assert reset_password(site.door, ask(site), NEW, HOME) is None
    assert confirm_email(site.door, confirm, PASSWORD, HOME).reason is Reason.LINK_VOID
    assert log_in(site.door, ADA, PASSWORD, HOME).reason is Reason.WRONG
    came_in = log_in(site.door, ADA, NEW, HOME)
    assert not site.ask(find_person, site.rules, came_in.user_id).agreed


def test_nobody_is_flooded_with_links(site):
    site.person("ada")
    site.set_rules(mails=Limit(2, timedelta(hours=1)))
    for _ in range(5):
        assert ask_reset(site.door, ADA, Origin("203.0.113.1")) == MailSent(ADA)
    assert len(site.read_mails()) == 2


def test_a_password_is_changed_by_who_knows_it(site):
    ada = site.person("ada")
    here, elsewhere = (log_in(site.door, ADA, PASSWORD, HOME) for _ in range(2))
    wrong = change_password(site.door, ada, "a wrong password", NEW, HOME)
    assert wrong == Refused(Reason.WRONG)
    assert change_password(site.door, ada, PASSWORD, NEW, HOME, session_token=here.token) is None
    assert person_of_session(site.door, here.token) is not None
    assert person_of_session(site.door, elsewhere.token) is None
    assert isinstance(log_in(site.door, ADA, NEW, HOME), LoggedIn)


def test_a_stolen_session_is_no_way_to_guess_the_password(site):
    ada = site.person("ada")
    answers = [change_password(site.door, ada, f"guess number {n}", NEW, HOME).reason for n in range(6)]
    assert answers == [Reason.WRONG] * 5 + [Reason.TOO_OFTEN]
