"""API tokens: shown once, kept as hashes, void when revoked."""

import pytest
from sqlalchemy import select

from unicare.web.accounts.api_tokens import (
    create_api_token,
    list_api_tokens,
    person_of_api_token,
    revoke_api_token,
)
from unicare.web.accounts.organisers import disable_user
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.database.tables import ApiToken, AuditEntry


def test_a_token_lets_its_owner_in_until_it_is_revoked(site):
    ada = site.person("ada")
    new = site.do(create_api_token, site.rules, ada, "laptop")
    assert new.token.startswith("unicare_")
    assert person_of_api_token(site.door, new.token).id == ada
    assert [token.name for token in site.ask(list_api_tokens, ada)] == ["laptop"]
    site.do(revoke_api_token, ada, new.id)
    assert person_of_api_token(site.door, new.token) is None
    assert site.ask(list_api_tokens, ada) == []


def test_the_token_is_nowhere_but_in_the_answer(site):
    ada = site.person("ada")
    new = site.do(create_api_token, site.rules, ada, "laptop")
    with site.database.reading() as session:
        rows = [vars(row) for table in (ApiToken, AuditEntry) for row in session.scalars(select(table))]
    assert new.token not in str(rows) + repr(new)
    assert person_of_api_token(site.door, rows[0]["token_hash"]) is None
    assert person_of_api_token(site.door, "unicare_" + rows[0]["token_hash"]) is None


def test_use_is_noted(site):
    ada = site.person("ada")
    new = site.do(create_api_token, site.rules, ada, "laptop")
    person_of_api_token(site.door, new.token)
    first = site.now
    assert site.ask(list_api_tokens, ada)[0].last_used_at == first
    site.clock.forward(minutes=4)
    person_of_api_token(site.door, new.token)
    assert site.ask(list_api_tokens, ada)[0].last_used_at == first
    site.clock.forward(minutes=1)
    person_of_api_token(site.door, new.token)
    assert site.ask(list_api_tokens, ada)[0].last_used_at == site.now


def test_nobody_revokes_the_token_of_another(site):
    ada, bob = site.person("ada"), site.person("bob")
    new = site.do(create_api_token, site.rules, ada, "laptop")
    for number in (new.id, 99):
        with pytest.raises(AccountError, match="no such API token") as told:
            site.do(revoke_api_token, bob, number)
        assert told.value.reason is Reason.NOT_FOUND
    assert person_of_api_token(site.door, new.token) is not None


def test_there_is_a_limit(site):
    ada = site.person("ada")
    site.set_rules(api_tokens=2)
    tokens = [site.do(create_api_token, site.rules, ada, f"{n}") for n in range(2)]
    with pytest.raises(AccountError, match="too many"):
        site.do(create_api_token, site.rules, ada, "one more")
    site.do(revoke_api_token, ada, tokens[0].id)
    site.do(create_api_token, site.rules, ada, "one more")


def test_tokens_of_a_disabled_person_are_void_for_good(site):
    ada = site.person("ada")
    new = site.do(create_api_token, site.rules, ada, "laptop")
    site.do(disable_user, site.rules, site.organiser(), ada)
    assert person_of_api_token(site.door, new.token) is None
