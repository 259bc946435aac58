"""From a form to a confirmed address, without telling strangers who has an account."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from tests.web.accounts.conftest import HOME, PASSWORD

from unicare.web.accounts.door import Origin
from unicare.web.accounts.log_in import log_in
from unicare.web.accounts.people import accept_agreement, find_person
from unicare.web.accounts.refusals import AccountError, Reason, Refused
from unicare.web.accounts.registration import MailSent, RegistrationForm, confirm_email, register
from unicare.web.accounts.rules import Limit, agreement_version
from unicare.web.accounts.sessions import LoggedIn, person_of_session
from unicare.web.database.tables import AuditEntry, OneTimeToken, OutboxMail, Registration, User

ADA = RegistrationForm("Ada@People.test", "Ada Ångström", "Uni", PASSWORD)


def count(site, table):
    with site.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table))


def actions(site):
    with site.database.reading() as session:
        return [entry.action for entry in session.scalars(select(AuditEntry).order_by(AuditEntry.id))]


def test_a_person_registers_confirms_and_is_logged_in(site):
    assert register(site.door, ADA, HOME) == MailSent("Ada@people.test")
    (mail,) = site.read_mails()
    assert mail["To"] == "Ada@people.test"
    assert "Ada Ångström" in str(mail.get_content())
    token = str(mail.get_content()).split("/confirm?token=")[1].split()[0]
    came_in = confirm_email(site.door, token, PASSWORD, HOME)
    assert person_of_session(site.door, came_in.token).id == came_in.user_id
    person = site.ask(find_person, site.rules, came_in.user_id)
    assert (person.name, person.email, person.may_take_part) == ("Ada Ångström", "Ada@people.test", True)
    assert actions(site) == ["user.registered", "user.confirmed", "session.opened"]


def test_before_the_address_is_confirmed_nobody_comes_in(site):
    register(site.door, ADA, HOME)
    assert log_in(site.door, ADA.email, PASSWORD, HOME) == Refused(Reason.WRONG)
    assert site.ask(find_person, site.rules, 1) is None


def test_confirming_needs_the_password_as_well(site):
    register(site.door, ADA, HOME)
    token = site.link("confirm")
    assert confirm_email(site.door, token, "another password!", HOME) == Refused(Reason.WRONG)
    assert isinstance(confirm_email(site.door, token, PASSWORD, HOME), LoggedIn)


def test_a_link_is_good_once_and_for_its_time(site):
    register(site.door, ADA, HOME)
    token = site.link("confirm")
    site.clock.forward(days=3)
    assert confirm_email(site.door, token, PASSWORD, HOME).reason is Reason.LINK_VOID
    register(site.door, ADA, HOME)
    token = site.link("confirm")
    assert isinstance(confirm_email(site.door, token, PASSWORD, HOME), LoggedIn)
    assert confirm_email(site.door, token, PASSWORD, HOME).reason is Reason.LINK_VOID
    assert confirm_email(site.door, "no token at all \udcff", PASSWORD, HOME).reason is Reason.LINK_VOID


def test_whoever_reads_the_database_can_follow_no_link(site):
    register(site.door, ADA, HOME)
    with site.database.reading() as session:
        stored = [
            str(vars(row)) for table in (OutboxMail, OneTimeToken) for row in session.scalars(select(table))
        ]
    token = site.link("confirm")
    assert isinstance(confirm_email(site.door, token, PASSWORD, HOME), LoggedIn)
    assert token not in "".join(stored)


def test_a_known_address_gets_the_same_answer_and_its_owner_a_mail(site):
    site.person("ada")
    form = replace(ADA, email="ADA@people.test", name="Mallory", password="a mallet for croquet")
    assert register(site.door, form, HOME) == MailSent("ADA@people.test")
    (mail,) = site.read_mails()
    assert mail["To"] == "ada@people.test"
    assert "Nothing was changed" in str(mail.get_content())
    assert isinstance(log_in(site.door, "ada@people.test", PASSWORD, HOME), LoggedIn)
    assert count(site, User) == 1


def test_a_stranger_who_registers_my_address_first_gains_nothing(site):
    register(site.door, replace(ADA, name="Mallory", password="a mallet for croquet"), Origin("203.0.113.1"))
    first = site.link("confirm")
    register(site.door, ADA, HOME)
    second = site.link("confirm")
    assert confirm_email(site.door, first, "a mallet for croquet", HOME).reason is Reason.LINK_VOID
    assert confirm_email(site.door, second, "a mallet for croquet", HOME).reason is Reason.WRONG
    assert isinstance(confirm_email(site.door, second, PASSWORD, HOME), LoggedIn)
    assert log_in(site.door, ADA.email, "a mallet for croquet", HOME) == Refused(Reason.WRONG)


def test_the_same_address_twice_at_once_is_one_person(site):
    answers = []

    def run() -> None:
        answers.append(register(site.door, ADA, HOME))

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == [MailSent("Ada@people.test")] * 4
    assert (count(site, User), count(site, Registration)) == (1, 1)
    site.read_mails()
    tokens = [str(mail.get_content()).split("/confirm?token=")[1].split()[0] for mail in site.mails]
    good = [
        token for token in tokens if isinstance(confirm_email(site.door, token, PASSWORD, HOME), LoggedIn)
    ]
    assert len(good) == 1


def test_nobody_is_flooded_with_mail(site):
    site.set_rules(mails=Limit(3, timedelta(hours=1)), mails_account=Limit(5, timedelta(hours=1)))
    for _ in range(10):
        assert isinstance(register(site.door, ADA, HOME), MailSent)
    assert len(site.read_mails()) == 3
    for number in range(10):
        register(site.door, ADA, Origin(f"203.0.113.{number}"))
    assert len(site.read_mails()) == 2


def test_forms_are_limited_by_where_they_come_from(site):
    site.set_rules(forms=Limit(2, timedelta(hours=1)))
    for number in range(2):
        register(site.door, replace(ADA, email=f"a{number}@people.test"), Origin("2001:db8::1"))
    refused = register(site.door, replace(ADA, email="b@people.test"), Origin("2001:db8::ffff:2"))
    assert refused == Refused(Reason.TOO_OFTEN, timedelta(hours=1))
    assert "Try again in 60 minutes" in refused.told
    assert isinstance(register(site.door, ADA, Origin("2001:db8:0:1::1")), MailSent)
    site.clock.forward(hours=1)
    assert isinstance(register(site.door, ADA, Origin("2001:db8::1")), MailSent)


def test_with_approval_a_confirmed_person_waits(site):
    site.set_rules(approval=True)
    register(site.door, ADA, HOME)
    came_in = confirm_email(site.door, site.link("confirm"), PASSWORD, HOME)
    person = site.ask(find_person, site.rules, came_in.user_id)
    assert (person.status, person.may_take_part) == ("pending", False)


def test_the_agreement_is_accepted_in_the_version_that_was_shown(site):
    site.set_rules(agreement_version=agreement_version("Be good.\n"))
    with pytest.raises(AccountError, match="agreement") as told:
        register(site.door, ADA, HOME)
    assert (told.value.reason, told.value.field) == (Reason.AGREEMENT, "agreement")
    register(site.door, replace(ADA, agreement_version=agreement_version(" Be  good.")), HOME)
    user_id = confirm_email(site.door, site.link("confirm"), PASSWORD, HOME).user_id
    assert site.ask(find_person, site.rules, user_id).may_take_part
    site.set_rules(agreement_version=agreement_version("Be very good."))
    assert not site.ask(find_person, site.rules, user_id).may_take_part
    with pytest.raises(AccountError, match="has changed"):
        site.do(accept_agreement, site.rules, user_id, agreement_version("Be good."))
    site.do(accept_agreement, site.rules, user_id, agreement_version("Be very good."))
    assert site.ask(find_person, site.rules, user_id).may_take_part


def test_registration_opens_and_closes(site):
    site.set_rules(opens=site.now + timedelta(hours=1), closes=site.now + timedelta(hours=2))
    with pytest.raises(AccountError, match="isn't open yet"):
        register(site.door, ADA, HOME)
    site.clock.forward(hours=1)
    register(site.door, ADA, HOME)
    site.clock.forward(hours=1)
    with pytest.raises(AccountError, match="closed"):
        register(site.door, ADA, HOME)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "ada@people.test\nBcc: all@people.test"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "Ada\u202egnp"}, "name"),
        ({"affiliation": "x" * 201}, "affiliation"),
        ({"password": "short"}, "password"),
        ({"password": "ada@people.test"}, "password"),
    ],
)
def test_fields_that_cannot_be_used_are_named(site, changes, field):
    with pytest.raises(AccountError) as told:
        register(site.door, replace(ADA, **changes), HOME)
    assert told.value.field == field
    assert count(site, User) == 0


def test_passwords_and_tokens_show_in_no_repr(site):
    register(site.door, ADA, HOME)
    came_in = confirm_email(site.door, site.link("confirm"), PASSWORD, HOME)
    assert PASSWORD not in repr(ADA)
    assert came_in.token not in repr(came_in)
