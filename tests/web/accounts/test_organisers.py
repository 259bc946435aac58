"""What organisers decide, and that nobody else does."""

from dataclasses import replace
from functools import partial

import pytest
from tests.web.accounts.conftest import HOME, PASSWORD

from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.organisers import (
    create_organiser,
    decide,
    disable_user,
    enable_user,
    set_organiser,
)
from unicare.web.accounts.people import Role, find_person
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.registration import RegistrationForm, confirm_email, register
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.organise.people import PeopleState, list_people

CHIEF = RegistrationForm("chief@site.test", "Chief", "", PASSWORD)


def waiting(site, name="ada"):
    site.set_rules(approval=True)
    register(site.door, RegistrationForm(f"{name}@people.test", name, "", PASSWORD), HOME)
    return confirm_email(site.door, site.link("confirm"), PASSWORD, HOME).user_id


def undecided(site):
    found = site.ask(partial(list_people, state=PeopleState.WAITING), site.rules)
    return [person.id for person in found.people]


def refused(site, reason, work, *arguments):
    with pytest.raises(AccountError) as told:
        site.do(work, *arguments)
    assert told.value.reason is reason


def test_an_organiser_approves_and_the_person_is_told(site):
    chief, ada = site.organiser(), waiting(site)
    assert undecided(site) == [ada]
    site.do(decide, site.rules, chief, ada, True)
    assert site.ask(find_person, site.rules, ada).may_take_part
    assert undecided(site) == []
    (mail,) = site.read_mails()
    assert (mail["To"], mail["Subject"]) == ("ada@people.test", "Virtual: you may take part")


def test_a_rejection_has_a_reason_and_can_be_taken_back(site):
    chief, ada = site.organiser(), waiting(site)
    site.do(decide, site.rules, chief, ada, False, "no affiliation given\nand no answer ")
    assert not site.ask(find_person, site.rules, ada).may_take_part
    assert "no affiliation given\nand no answer\n" in str(site.read_mails()[0].get_content())
    refused(site, Reason.INVALID, decide, site.rules, chief, ada, False)
    refused(site, Reason.INVALID, decide, site.rules, chief, ada, True, "x\x00")
    refused(site, Reason.INVALID, decide, site.rules, chief, ada, True, "x" * 2001)
    site.do(decide, site.rules, chief, ada, True)
    assert site.ask(find_person, site.rules, ada).may_take_part


def test_who_has_not_confirmed_is_not_listed_or_decided(site):
    chief = site.organiser()
    site.set_rules(approval=True)
    register(site.door, RegistrationForm("ada@people.test", "Ada", "", PASSWORD), HOME)
    assert undecided(site) == []
    refused(site, Reason.NOT_FOUND, decide, site.rules, chief, chief + 1, True)


@pytest.mark.parametrize(
    "act",
    [
        lambda site, actor, other: site.do(decide, site.rules, actor, other, True),
        lambda site, actor, other: site.do(disable_user, site.rules, actor, other),
        lambda site, actor, other: site.do(enable_user, site.rules, actor, other),
        lambda site, actor, other: site.do(set_organiser, site.rules, actor, actor, True),
    ],
    ids=["decide", "disable", "enable", "make organiser"],
)
@pytest.mark.parametrize("actor", ["participant", "disabled organiser", "nobody"])
def test_nobody_else_decides(site, act, actor):
    other, chief = site.person("eve"), site.organiser()
    actors = {"participant": site.person("ada"), "nobody": 99}
    if actor == "disabled organiser":
        second = create_organiser(site.door, replace(CHIEF, email="second@site.test"))
        site.do(disable_user, site.rules, chief, second)
        actors[actor] = second
    with pytest.raises(AccountError, match="only organisers"):
        act(site, actors[actor], other)


def test_organisers_make_organisers_but_not_themselves_powerless(site):
    chief, ada = site.organiser(), site.person("ada")
    site.do(set_organiser, site.rules, chief, ada, True)
    assert site.ask(find_person, site.rules, ada).role is Role.ORGANISER
    refused(site, Reason.NOT_FOUND, set_organiser, site.rules, chief, chief, False)
    refused(site, Reason.NOT_FOUND, disable_user, site.rules, chief, chief)
    site.do(set_organiser, site.rules, ada, chief, False)
    assert site.ask(find_person, site.rules, chief).role is Role.PARTICIPANT


def test_a_disabled_person_can_be_let_in_again(site):
    chief, ada = site.organiser(), site.person("ada")
    site.do(disable_user, site.rules, chief, ada)
    assert site.ask(find_person, site.rules, ada) is None
    site.do(enable_user, site.rules, chief, ada)
    assert isinstance(log_in(site.door, "ada@people.test", PASSWORD, HOME), LoggedIn)


def test_whoever_has_the_machine_makes_the_first_organiser(site):
    chief = create_organiser(site.door, CHIEF)
    assert create_organiser(site.door, replace(CHIEF, email="Chief@site.test")) == chief
    assert log_in(site.door, "chief@site.test", PASSWORD, HOME).user_id == chief
    with pytest.raises(AccountError, match="too short"):
        create_organiser(site.door, replace(CHIEF, password="admin"))


def test_a_person_becomes_an_organiser_and_keeps_the_password(site):
    ada = site.person("ada")
    form = replace(CHIEF, email="ada@people.test", password="nine purple umbrellas")
    assert create_organiser(site.door, form) == ada
    assert isinstance(log_in(site.door, "ada@people.test", PASSWORD, HOME), LoggedIn)


def test_who_registered_the_organisers_address_before_gains_nothing(site):
    register(site.door, replace(CHIEF, password="a mallet for croquet"), HOME)
    create_organiser(site.door, CHIEF)
    assert log_in(site.door, CHIEF.email, "a mallet for croquet", HOME).reason is Reason.WRONG
    assert isinstance(log_in(site.door, CHIEF.email, PASSWORD, HOME), LoggedIn)
