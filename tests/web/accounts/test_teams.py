"""Teams: one person one team, one name one team, one captain."""

import pytest
from sqlalchemy import select

from unicare.web.accounts.invitations import accept_invitation, invitations_for, invite
from unicare.web.accounts.people import find_person
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.teams import (
    disqualify_team,
    found_team,
    hand_over,
    leave_team,
    list_members,
    reinstate_team,
    remove_member,
    rename_team,
)
from unicare.web.database.tables import AuditEntry, Submission, Team


def join(site, captain, user_id, name):
    invitation = site.do(invite, site.rules, site.door.links, captain, f"{name}@people.test")
    site.do(accept_invitation, site.rules, user_id, invitation.id)


def hand_in(site, team_id, user_id):
    site.database.transact(
        lambda session: session.add(
            Submission(
                team_id=team_id,
                user_id=user_id,
                task="whs",
                phase="validation",
                kind="predictions",
                state="received",
                created_at=site.now,
                storage_key="k",
            )
        )
    )


def refused(site, reason, work, *arguments):
    with pytest.raises(AccountError) as told:
        site.do(work, *arguments)
    assert told.value.reason is reason
    return str(told.value)


def members(site, team_id):
    return [(user.name, membership.is_captain) for user, membership in site.ask(list_members, team_id)]


def test_who_founds_a_team_is_its_captain(site):
    ada = site.person("ada")
    team_id = site.team(ada)
    person = site.ask(find_person, site.rules, ada)
    assert (person.team_id, person.team_name, person.is_captain) == (team_id, "Reds", True)
    assert members(site, team_id) == [("ada", True)]


def test_one_person_is_in_one_team(site):
    ada = site.person("ada")
    site.team(ada)
    refused(site, Reason.IN_A_TEAM, found_team, site.rules, ada, "Blues")


@pytest.mark.parametrize("name", ["reds", "  REDS ", "Ｒeds"])
def test_names_that_look_the_same_are_the_same(site, name):
    site.team(site.person("ada"))
    bob = site.person("bob")
    refused(site, Reason.TAKEN, found_team, site.rules, bob, name)


@pytest.mark.parametrize("name", ["", " ", "x" * 61, "a\nb", "a\x00b", "\u202eabc", "ﷺ" * 60])
def test_names_that_cannot_be_shown_are_refused(site, name):
    refused(site, Reason.INVALID, found_team, site.rules, site.person("ada"), name)


def test_markup_is_a_name_like_any_other(site):
    ada = site.person("ada")
    site.team(ada, "<script>alert(1)</script>")
    assert site.ask(find_person, site.rules, ada).team_name == "<script>alert(1)</script>"


def test_a_team_is_renamed_by_its_captain(site):
    ada, bob = site.person("ada"), site.person("bob")
    team_id = site.team(ada)
    join(site, ada, bob, "bob")
    refused(site, Reason.NOT_ALLOWED, rename_team, site.rules, bob, "Bob's")
    site.do(rename_team, site.rules, ada, "REDS")
    site.do(rename_team, site.rules, ada, "Greens")
    with site.database.reading() as session:
        assert session.get(Team, team_id).name == "Greens"


def test_the_next_captain_is_who_has_been_there_longest(site):
    ada, bob, eve = (site.person(name) for name in ("ada", "bob", "eve"))
    team_id = site.team(ada)
    for user_id, name in ((eve, "eve"), (bob, "bob")):
        site.clock.forward(minutes=1)
        join(site, ada, user_id, name)
    site.do(leave_team, site.rules, ada)
    assert members(site, team_id) == [("eve", True), ("bob", False)]


def test_a_captain_hands_over(site):
    ada, bob, eve = (site.person(name) for name in ("ada", "bob", "eve"))
    team_id = site.team(ada)
    join(site, ada, bob, "bob")
    refused(site, Reason.NOT_FOUND, hand_over, site.rules, ada, eve)
    refused(site, Reason.NOT_FOUND, hand_over, site.rules, ada, ada)
    refused(site, Reason.NOT_ALLOWED, hand_over, site.rules, bob, bob)
    site.do(hand_over, site.rules, ada, bob)
    assert members(site, team_id) == [("ada", False), ("bob", True)]


def test_a_team_without_people_is_dissolved_and_its_name_free(site):
    ada, bob = site.person("ada"), site.person("bob")
    team_id = site.team(ada)
    site.do(invite, site.rules, site.door.links, ada, "bob@people.test")
    site.do(leave_team, site.rules, ada)
    assert site.ask(invitations_for, bob, site.now) == []
    again = site.team(ada)
    assert again != team_id
    with site.database.reading() as session:
        assert session.get(Team, team_id).dissolved_at == site.now
        assert session.get(Team, team_id).name == "Reds"
    refused(site, Reason.NO_TEAM, leave_team, site.rules, bob)


def test_nobody_gets_a_second_quota_by_changing_teams(site):
    ada, bob = site.person("ada"), site.person("bob")
    team_id = site.team(ada)
    join(site, ada, bob, "bob")
    hand_in(site, team_id, bob)
    assert "organisers" in refused(site, Reason.HAS_RUNS, leave_team, site.rules, bob)
    refused(site, Reason.HAS_RUNS, remove_member, site.rules, ada, bob)
    site.do(remove_member, site.rules, site.organiser(), bob)
    assert members(site, team_id) == [("ada", True)]


def test_captains_let_go_people_of_their_own_team_only(site):
    ada, bob, eve = (site.person(name) for name in ("ada", "bob", "eve"))
    team_id = site.team(ada)
    join(site, ada, bob, "bob")
    site.team(eve, "Blues")
    refused(site, Reason.NOT_ALLOWED, remove_member, site.rules, eve, bob)
    refused(site, Reason.NOT_ALLOWED, remove_member, site.rules, bob, ada)
    refused(site, Reason.NOT_ALLOWED, remove_member, site.rules, ada, ada)
    for nobody in (site.person("fay"), 99):  # told in the same words: who is in a team is not for captains
        refused(site, Reason.NOT_ALLOWED, remove_member, site.rules, ada, nobody)
    site.do(remove_member, site.rules, ada, bob)
    assert members(site, team_id) == [("ada", True)]


def test_organisers_disqualify_with_a_reason(site):
    ada = site.person("ada")
    team_id = site.team(ada)
    chief = site.organiser()
    refused(site, Reason.NOT_ALLOWED, disqualify_team, site.rules, ada, team_id, "because")
    refused(site, Reason.INVALID, disqualify_team, site.rules, chief, team_id, "  ")
    refused(site, Reason.NOT_FOUND, disqualify_team, site.rules, chief, 99, "because")
    site.do(disqualify_team, site.rules, chief, team_id, "trained on the test set")
    assert site.ask(find_person, site.rules, ada).disqualified
    with site.database.reading() as session:
        entry = session.scalar(select(AuditEntry).where(AuditEntry.action == "team.disqualified"))
        assert (entry.actor_id, entry.subject, entry.details) == (
            chief,
            f"team:{team_id}",
            {"reason": "trained on the test set"},
        )
    site.do(reinstate_team, site.rules, chief, team_id)
    assert not site.ask(find_person, site.rules, ada).disqualified


def test_a_disqualified_team_is_not_left_for_a_new_one(site):
    ada, bob = site.person("ada"), site.person("bob")
    team_id = site.team(ada)
    join(site, ada, bob, "bob")
    site.do(disqualify_team, site.rules, site.organiser(), team_id, "trained on the test set")
    refused(site, Reason.NOT_ALLOWED, leave_team, site.rules, bob)
    refused(site, Reason.NOT_ALLOWED, remove_member, site.rules, ada, bob)
    refused(site, Reason.NOT_ALLOWED, rename_team, site.rules, ada, "Whites")
    site.do(remove_member, site.rules, site.organiser(), bob)
    assert members(site, team_id) == [("ada", True)]


def test_who_may_not_take_part_founds_no_team(site):
    ada = site.person("ada")
    site.set_rules(agreement_version="2")
    refused(site, Reason.AGREEMENT, found_team, site.rules, ada, "Reds")
    refused(site, Reason.NOT_CONFIRMED, found_team, site.rules, 99, "Reds")
    refused(site, Reason.NOT_APPROVED, found_team, site.rules, site.organiser(), "Reds")
