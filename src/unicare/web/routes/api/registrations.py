"""Registering, and confirming the address."""

from __future__ import annotations

from fastapi import HTTPException, Request, Response

from unicare.web.accounts.door import Origin
from unicare.web.accounts.refusals import Refused
from unicare.web.accounts.registration import RegistrationForm, confirm_email, register
from unicare.web.accounts.sessions import LoggedIn
from unicare.web.deps import Now, OriginOf, SiteOf
from unicare.web.facts.people import AgreementFacts, MailFacts, SessionFacts
from unicare.web.routes.api.asked import Asked, Email, Line, Password, Token
from unicare.web.routes.api.part import api_part
from unicare.web.routes.api.session import new_session
from unicare.web.routes.problems import problems
from unicare.web.routes.refused import RefusedError
from unicare.web.site import Site

__all__ = [
    "Confirmation",
    "NewRegistration",
    "agreement_facts",
    "confirm_registration",
    "new_registration",
    "router",
]

router = api_part("registration")


class NewRegistration(Asked):
    """A person who wants to take part.

    Attributes:
        email: to which a link is sent.
        name: for people.
        affiliation: for people; may be empty.
        password: with which to log in.
        agreement_version: of the data-use agreement that was read and is accepted; null if there is none.
    """

    email: Email
    name: Line
    affiliation: Line = ""
    password: Password
    agreement_version: Line | None = None


class Confirmation(Asked):
    """The link of the mail and the password of the registration.

    Attributes:
        token: of the link.
        password: that was chosen when registering.
    """

    token: Token
    password: Password


def agreement_facts(site: Site) -> AgreementFacts | None:
    """What those who take part agree to; None if nothing."""
    text, version = site.texts.agreement, site.rules.agreement_version
    if text is None or version is None:
        return None
    return AgreementFacts(title=text.title, html=text.html, version=version)


def new_registration(site: Site, origin: Origin, body: NewRegistration) -> MailFacts:
    """Registers somebody; the same is said whether the address has an account or not.

    Raises:
        AccountError: a field can't be used, the agreement isn't accepted, or it is too early or too late.
        RefusedError: too many tries.
    """
    form = RegistrationForm(
        email=body.email,
        name=body.name,
        affiliation=body.affiliation,
        password=body.password.get_secret_value(),
        agreement_version=body.agreement_version,
    )
    sent = register(site.door, form, origin)
    if isinstance(sent, Refused):
        raise RefusedError(sent)
    return MailFacts(email=sent.email)


def confirm_registration(site: Site, origin: Origin, body: Confirmation) -> LoggedIn:
    """Confirms an address, and lets its person in.

    Raises:
        RefusedError: the link is void, the password wrong, or too many tries.
    """
    came = confirm_email(site.door, body.token.get_secret_value(), body.password.get_secret_value(), origin)
    if isinstance(came, Refused):
        raise RefusedError(came)
    return came


@router.get("/agreement", responses=problems(404))
def agreement(site: SiteOf) -> AgreementFacts:
    """The data-use agreement."""
    found = agreement_facts(site)
    if found is None:
        raise HTTPException(404)
    return found


@router.post("/registrations", status_code=202, responses=problems(403, 422))
def registered(site: SiteOf, origin: OriginOf, body: NewRegistration) -> MailFacts:
    """Registers somebody, who is sent a mail; the same is said whether the address has an account or not."""
    return new_registration(site, origin, body)


@router.post("/confirmations", responses=problems(401, 403, 410, 422))
def confirmed(
    site: SiteOf, request: Request, response: Response, origin: OriginOf, now: Now, body: Confirmation
) -> SessionFacts:
    """Confirms an address with the link of the mail and the password, and logs in."""
    came = confirm_registration(site, origin, body)
    return new_session(site, request, response, came, now)
