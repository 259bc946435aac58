"""Forms that other sites make a browser send are turned away.

A page with a form gives the browser a random cookie, and the form a token made of it with the site's key;
they must come back together. Once somebody is logged in, the token is made of the session as well, so that
one from before is worth nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from unicare.web.security.cookies import read_cookie, set_cookie
from unicare.web.settings import SiteSettings

__all__ = ["CSRF_FIELD", "CSRF_HEADER", "check_csrf", "csrf_token"]

CSRF_FIELD = "csrf_token"
CSRF_HEADER = "X-CSRF-Token"

_COOKIE = "csrf"
_NONCE = re.compile(r"[A-Za-z0-9_-]{43}")
_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_REFUSED = "This form is too old, or wasn’t sent from this site. Open its page again and send it once more."


def csrf_token(request: Request, response: Response, settings: SiteSettings, session: str = "") -> str:
    """The token for a form, whose page this response is.

    Args:
        request: for the page.
        response: the page; gets the cookie if the browser has none.
        settings: of the site.
        session: what identifies the log-in; empty for visitors.
    """
    nonce = read_cookie(request, settings, _COOKIE)
    if not _NONCE.fullmatch(nonce):
        nonce = secrets.token_urlsafe(32)
        set_cookie(response, settings, _COOKIE, nonce)
    return _made(settings, nonce, session)


async def check_csrf(request: Request, settings: SiteSettings, session: str = "") -> None:
    """Lets a request through if it changes nothing, or was sent from a page of this site.

    Args:
        request: with the token in a header or a field of its form.
        settings: of the site.
        session: what identifies the log-in; empty for visitors.

    Raises:
        HTTPException: 403.
    """
    if request.method in _SAFE:
        return
    if not _from_here(request, settings):
        raise HTTPException(403, _REFUSED)
    nonce = read_cookie(request, settings, _COOKIE)
    given = request.headers.get(CSRF_HEADER) or await _in_form(request)
    right = _made(settings, nonce, session)
    if not _NONCE.fullmatch(nonce) or not hmac.compare_digest(given.encode(), right.encode()):
        raise HTTPException(403, _REFUSED)


def _made(settings: SiteSettings, nonce: str, session: str) -> str:
    key = settings.secret_key.get_secret_value().encode()
    return hmac.new(key, f"csrf\0{nonce}\0{session}".encode(), hashlib.sha256).hexdigest()


def _from_here(request: Request, settings: SiteSettings) -> bool:
    """What the browser says of where the form was; old ones say nothing."""
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched not in ("same-origin", "none", None):
        return False
    origin = request.headers.get("Origin")
    # Pages whose address has a token in it tell nobody where they are: the origin of their forms is "null".
    # Without TLS browsers don't say what fetched them either; there the form's token has to do.
    mute = fetched is None and not settings.secure and not settings.local
    if origin is None or (origin == "null" and (fetched == "same-origin" or mute)):
        return True
    own, theirs = urlsplit(settings.base_url), urlsplit(origin)
    same_host = theirs.netloc.lower() == request.headers.get("Host", "").lower()
    return theirs.scheme == own.scheme and (same_host or theirs.netloc.lower() == own.netloc.lower())


async def _in_form(request: Request) -> str:
    if not request.headers.get("Content-Type", "").lower().startswith(_FORMS):
        return ""
    form = await request.form()
    value = form.get(CSRF_FIELD)
    return value if isinstance(value, str) else ""
