"""One's own account: registration, agreement, API tokens, sessions."""

from __future__ import annotations

from fastapi import HTTPException
from sqlalchemy.orm import Session

from unicare.web.accounts.api_tokens import create_api_token, list_api_tokens, revoke_api_token
from unicare.web.accounts.people import accept_agreement, find_person
from unicare.web.accounts.sessions import close_everywhere
from unicare.web.deps import Known, KnownOf, Now, SiteOf
from unicare.web.facts.people import ApiTokenFacts, MeFacts, NewApiTokenFacts, me_facts, token_facts
from unicare.web.routes.api.asked import Asked, Line, Number
from unicare.web.routes.api.part import api_part
from unicare.web.routes.problems import problems
from unicare.web.site import Site

__all__ = [
    "Agreed",
    "NewToken",
    "agree",
    "end_all_sessions",
    "make_token",
    "my_account",
    "my_tokens",
    "revoke_token",
    "router",
]

router = api_part("me")

_BROWSERS_ONLY = "API tokens are made on the account’s page, or with a session; not with another API token."


class Agreed(Asked):
    """That the data-use agreement is accepted.

    Attributes:
        version: of the text that was shown.
    """

    version: Line


class NewToken(Asked):
    """What a new API token is called.

    Attributes:
        name: by which one knows it again.
    """

    name: Line


def my_account(site: Site, asker: Known, now: Now) -> MeFacts:
    """The account of whoever asks."""
    with site.database.reading() as session:
        return me_facts(session, site.rules, asker.person, now)


def my_tokens(site: Site, asker: Known) -> tuple[ApiTokenFacts, ...]:
    """Their API tokens, newest first."""
    with site.database.reading() as session:
        return token_facts(list_api_tokens(session, asker.id))


def agree(site: Site, asker: Known, now: Now, body: Agreed) -> MeFacts:
    """Accepts the data-use agreement.

    Raises:
        AccountError: it has changed since it was shown, or the person isn't registered.
    """

    def accept(session: Session) -> MeFacts:
        accept_agreement(session, site.rules, asker.id, body.version, now=now, address=asker.origin.address)
        session.flush()
        person = find_person(session, site.rules, asker.id)
        return me_facts(session, site.rules, person or asker.person, now)

    return site.database.transact(accept)


def make_token(site: Site, asker: Known, now: Now, body: NewToken) -> NewApiTokenFacts:
    """Makes an API token, which is shown this once.

    Raises:
        AccountError: the name can't be used, or there are too many.
        HTTPException: 403 if another API token asks, so that a stolen one can't outlive its end.
    """
    if asker.by_program:
        raise HTTPException(403, _BROWSERS_ONLY)
    made = site.database.transact(
        lambda session: create_api_token(
            session, site.rules, asker.id, body.name, now=now, address=asker.origin.address
        )
    )
    return NewApiTokenFacts(id=made.id, name=made.name, token=made.token)


def revoke_token(site: Site, asker: Known, now: Now, token_id: int) -> None:
    """Makes an API token void.

    Raises:
        AccountError: the person has none of this number.
    """
    site.database.transact(
        lambda session: revoke_api_token(session, asker.id, token_id, now=now, address=asker.origin.address)
    )


def end_all_sessions(site: Site, asker: Known, now: Now) -> None:
    """Logs the person out of every browser, this one included."""
    site.database.transact(
        lambda session: close_everywhere(session, asker.id, now=now, address=asker.origin.address)
    )


@router.get("/me", responses=problems(401))
def me(site: SiteOf, asker: KnownOf, now: Now) -> MeFacts:
    """One’s own account."""
    return my_account(site, asker, now)


@router.post("/me/agreement", responses=problems(401, 403, 404, 422))
def agreed(site: SiteOf, asker: KnownOf, now: Now, body: Agreed) -> MeFacts:
    """Accepts the data-use agreement in the version that was shown."""
    return agree(site, asker, now, body)


@router.get("/me/tokens", responses=problems(401))
def tokens(site: SiteOf, asker: KnownOf) -> tuple[ApiTokenFacts, ...]:
    """One’s API tokens that aren’t revoked, newest first."""
    return my_tokens(site, asker)


@router.post("/me/tokens", status_code=201, responses=problems(401, 403, 409, 422))
def made_token(site: SiteOf, asker: KnownOf, now: Now, body: NewToken) -> NewApiTokenFacts:
    """Makes an API token; this answer is the only one that has it. Not for API tokens themselves."""
    return make_token(site, asker, now, body)


@router.delete("/me/tokens/{token_id}", status_code=204, responses=problems(401, 403, 404, 422))
def revoked_token(site: SiteOf, asker: KnownOf, now: Now, token_id: Number) -> None:
    """Makes one of one’s API tokens void."""
    revoke_token(site, asker, now, token_id)


@router.delete("/me/sessions", status_code=204, responses=problems(401, 403))
def ended_sessions(site: SiteOf, asker: KnownOf, now: Now) -> None:
    """Logs out of every browser. API tokens stay."""
    end_all_sessions(site, asker, now)
