"""Invitations: by mail, to people with and without accounts."""

import pytest

from unicare.web.accounts.invitations import (
    accept_invitation,
    decline_invitation,
    find_invitation,
    invitations_for,
    invitations_of,
    invite,
    withdraw_invitation,
)
from unicare.web.accounts.people import find_person
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.teams import found_team, leave_team


@pytest.fixture
def team(site):
    """Ada's team, and Bob."""
    ada = site.person("ada")
    return site.team(ada), ada, site.person("bob")


def send(site, captain, email="bob@people.test"):
    return site.do(invite, site.rules, site.door.links, captain, email)


def refused(site, reason, work, *arguments, **more):
    with pytest.raises(AccountError) as told:
        site.do(work, *arguments, **more)
    assert told.value.reason is reason


def test_who_is_invited_joins_by_the_link(site, team):
    team_id, ada, bob = team
    send(site, ada, "bob.private@home.test")
    token = site.link("invitation")
    invitation = site.ask(find_invitation, token, site.now)
    site.do(accept_invitation, site.rules, bob, invitation.id, token=token)
    person = site.ask(find_person, site.rules, bob)
    assert (person.team_id, person.is_captain) == (team_id, False)
    assert site.ask(find_invitation, token, site.now) is None


def test_who_has_the_invited_address_needs_no_link(site, team):
    team_id, ada, bob = team
    send(site, ada, "BOB@people.test")
    (invitation,) = site.ask(invitations_for, bob, site.now)
    site.do(accept_invitation, site.rules, bob, invitation.id)
    assert site.ask(find_person, site.rules, bob).team_id == team_id


def test_an_invitation_is_good_once(site, team):
    _, ada, bob = team
    invitation = send(site, ada)
    token = site.link("invitation")
    site.do(accept_invitation, site.rules, bob, invitation.id)
    eve = site.person("eve")
    refused(site, Reason.NOT_FOUND, accept_invitation, site.rules, eve, invitation.id, token=token)


def test_others_cannot_use_it_without_the_link(site, team):
    _, ada, _ = team
    invitation = send(site, ada)
    eve = site.person("eve")
    for token in (None, "", "guessed"):
        refused(site, Reason.NOT_FOUND, accept_invitation, site.rules, eve, invitation.id, token=token)
        refused(site, Reason.NOT_FOUND, decline_invitation, eve, invitation.id, token=token)
    refused(site, Reason.NOT_FOUND, accept_invitation, site.rules, eve, 99)


def test_whether_an_address_has_an_account_is_not_told(site, team):
    _, ada, _ = team
    known, unknown = send(site, ada), send(site, ada, "nobody@people.test")
    assert known.expires_at == unknown.expires_at
    assert [mail["Subject"] for mail in site.read_mails()] == ["Virtual: an invitation to the team Reds"] * 2


def test_it_ends_by_itself_by_the_team_and_by_the_person(site, team):
    _, ada, bob = team
    too_old = send(site, ada)
    site.clock.forward(days=14)
    refused(site, Reason.NOT_FOUND, accept_invitation, site.rules, bob, too_old.id)
    withdrawn = send(site, ada)
    site.do(withdraw_invitation, site.rules, ada, withdrawn.id)
    refused(site, Reason.NOT_FOUND, withdraw_invitation, site.rules, ada, withdrawn.id)
    refused(site, Reason.NOT_FOUND, accept_invitation, site.rules, bob, withdrawn.id)
    declined = send(site, ada)
    site.do(decline_invitation, bob, declined.id)
    refused(site, Reason.NOT_FOUND, accept_invitation, site.rules, bob, declined.id)
    assert site.ask(invitations_for, bob, site.now) == []


def test_a_second_one_to_the_same_address_replaces_the_first(site, team):
    team_id, ada, bob = team
    first, second = send(site, ada), send(site, ada, "Bob@people.test")
    assert [one.id for one in site.ask(invitations_of, team_id, site.now)] == [second.id]
    refused(site, Reason.NOT_FOUND, accept_invitation, site.rules, bob, first.id)


def test_only_captains_invite_and_only_their_own_team(site, team):
    team_id, ada, bob = team
    invitation = send(site, ada)
    refused(site, Reason.NO_TEAM, invite, site.rules, site.door.links, bob, "eve@people.test")
    site.team(bob, "Blues")
    refused(site, Reason.NOT_FOUND, withdraw_invitation, site.rules, bob, invitation.id)
    assert len(site.ask(invitations_of, team_id, site.now)) == 1


def test_who_is_in_a_team_leaves_it_first(site, team):
    _, ada, bob = team
    site.team(bob, "Blues")
    invitation = send(site, ada)
    refused(site, Reason.IN_A_TEAM, accept_invitation, site.rules, bob, invitation.id)


def test_a_team_has_no_more_people_than_the_challenge_allows(site, team):
    _, ada, bob = team
    site.set_rules(largest_team=2)
    site.do(accept_invitation, site.rules, bob, send(site, ada).id)
    eve = site.person("eve")
    refused(site, Reason.FULL, accept_invitation, site.rules, eve, send(site, ada, "eve@people.test").id)


def test_teams_send_no_floods_of_mail(site, team):
    _, ada, _ = team
    site.set_rules(invitations=3)
    for _ in range(3):
        send(site, ada)
    refused(site, Reason.TOO_MANY, invite, site.rules, site.door.links, ada, "eve@people.test")
    site.clock.forward(days=14, seconds=1)
    send(site, ada, "eve@people.test")


def test_nobody_is_flooded_by_one_captain_after_the_other(site, team):
    _, ada, bob = team
    site.team(bob, "Blues")
    for captain in (ada, ada, ada, bob, bob):
        send(site, captain, "eve@people.test")
    assert len(site.read_mails()) == 5
    refused(site, Reason.TOO_MANY, invite, site.rules, site.door.links, bob, "Eve@people.test")
    assert site.read_mails() == []
    send(site, bob, "fay@people.test")
    site.clock.forward(hours=1, seconds=1)
    send(site, bob, "eve@people.test")


def test_who_founds_another_team_begins_to_count_where_they_stood(site, team):
    _, ada, _ = team
    site.set_rules(invitations=3)
    for _ in range(2):
        send(site, ada)
    site.do(leave_team, site.rules, ada)
    site.team(ada, "Blues")
    send(site, ada)
    refused(site, Reason.TOO_MANY, invite, site.rules, site.door.links, ada, "eve@people.test")


def test_no_mail_program_makes_a_link_of_a_name(site):
    ada = site.person("ada")
    site.team(ada, "Prize at evil.example/a")
    send(site, ada)
    (mail,) = site.read_mails()
    for text in (mail["Subject"], mail.get_content()):
        assert "Prize at evil" in text
        assert "evil.example" not in text


def test_mails_to_strangers_carry_no_links_or_headers_of_others(site):
    ada = site.person("ada")
    refused(site, Reason.INVALID, found_team, site.rules, ada, "Reds http://evil.test")
    refused(site, Reason.INVALID, found_team, site.rules, ada, "WWW.evil.test")
    site.team(ada, "<b>Reds</b>")
    refused(site, Reason.INVALID, invite, site.rules, site.door.links, ada, "a@b.test\r\nBcc: c@d.test")
    send(site, ada, "eve@people.test")
    (mail,) = site.read_mails()
    assert mail["Bcc"] is None
    assert mail["To"] == "eve@people.test"
    assert mail.get_content_type() == "text/plain"
