"""Two people at the same moment: as if one had come after the other."""

import threading

import pytest
from sqlalchemy import func, select

from unicare.web.accounts.invitations import accept_invitation, invite
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.accounts.teams import found_team, hand_over, leave_team
from unicare.web.database.tables import AuditEntry, Membership, Team


def at_once(*works):
    """What each returns, or why it was refused; all begin together."""
    outcomes = [None] * len(works)
    barrier = threading.Barrier(len(works))

    def run(number, work):
        barrier.wait()
        try:
            outcomes[number] = work()
        except AccountError as error:
            outcomes[number] = error.reason
        except Exception as error:
            outcomes[number] = error

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return outcomes


def count(site, table, *conditions):
    with site.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table).where(*conditions))


def invited(site, captain, name):
    return site.do(invite, site.rules, site.door.links, captain, f"{name}@people.test").id


@pytest.mark.parametrize("turn", range(3))
def test_two_accept_the_last_place(site, turn):
    site.set_rules(largest_team=2)
    ada = site.person("ada")
    site.team(ada)
    people = {name: site.person(name) for name in ("bob", "eve", "joe")}
    places = [(user_id, invited(site, ada, name)) for name, user_id in people.items()]
    works = [
        lambda user_id=user_id, one=one: site.do(accept_invitation, site.rules, user_id, one).name
        for user_id, one in places
    ]
    outcomes = at_once(*works)
    assert sorted(map(str, outcomes)) == ["Reds", "full", "full"]
    assert count(site, Membership) == 2


def test_one_person_joins_two_teams_and_founds_a_third(site):
    ada, eve, bob = (site.person(name) for name in ("ada", "eve", "bob"))
    site.team(ada)
    site.team(eve, "Blues")
    one, two = invited(site, ada, "bob"), invited(site, eve, "bob")
    outcomes = at_once(
        lambda: site.do(accept_invitation, site.rules, bob, one).name,
        lambda: site.do(accept_invitation, site.rules, bob, two).name,
        lambda: site.do(found_team, site.rules, bob, "Greens").name,
    )
    assert outcomes.count(Reason.IN_A_TEAM) == 2
    assert count(site, Membership, Membership.user_id == bob) == 1
    assert count(site, AuditEntry, AuditEntry.actor_id == bob, AuditEntry.action.like("team.%")) == 1


def test_many_want_the_same_name(site):
    people = [site.person(f"person{number}") for number in range(6)]
    names = ["Reds", "reds", "REDS", "rEDS", "Ｒeds", " Reds "]
    outcomes = at_once(
        *(
            lambda user_id=user_id, name=name: site.do(found_team, site.rules, user_id, name).id
            for user_id, name in zip(people, names, strict=True)
        )
    )
    assert outcomes.count(Reason.TAKEN) == 5
    assert count(site, Team) == 1


def test_a_captain_leaves_while_handing_over_and_one_captain_remains(site):
    ada, bob, eve = (site.person(name) for name in ("ada", "bob", "eve"))
    team_id = site.team(ada)
    for user_id, name in ((bob, "bob"), (eve, "eve")):
        site.do(accept_invitation, site.rules, user_id, invited(site, ada, name))
    at_once(
        lambda: site.do(leave_team, site.rules, ada),
        lambda: site.do(hand_over, site.rules, ada, eve),
        lambda: site.do(leave_team, site.rules, bob),
    )
    assert count(site, Membership, Membership.team_id == team_id, Membership.is_captain) == 1
    assert count(site, Membership, Membership.team_id == team_id) == 1
