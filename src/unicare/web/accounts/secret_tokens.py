"""Tokens that let people in; the database has their hashes only."""

from __future__ import annotations

import base64
import hmac
import secrets
from hashlib import sha256

from pydantic import SecretStr

__all__ = ["API_PREFIX", "LinkTokens", "hash_token", "new_api_token", "new_session_token"]

API_PREFIX = "unicare_"
"""By it people, and programs that look for secrets in code, know an API token."""

_BYTES = 32


def new_session_token() -> str:
    """A new token of 256 random bits."""
    return secrets.token_urlsafe(_BYTES)


def new_api_token() -> str:
    """The same, to be known as an API token."""
    return API_PREFIX + secrets.token_urlsafe(_BYTES)


def hash_token(token: str) -> str:
    """What is kept of a token. It is random and long: a plain hash can't be turned round."""
    return sha256(token.encode(errors="replace")).hexdigest()


class LinkTokens:
    """Tokens of links in mails, derived from a nonce and the site's secret.

    A mail that waits in the database has its nonce; the token is made when the mail goes out, every time the
    same. Who reads the database, or a copy of it, can make no token.
    """

    def __init__(self, secret_key: SecretStr) -> None:
        self._key = sha256(b"links in mails\0" + secret_key.get_secret_value().encode()).digest()

    def new_nonce(self) -> str:
        """A new nonce."""
        return secrets.token_hex(_BYTES)

    def token_of(self, nonce: str) -> str:
        """The token of a nonce."""
        mac = hmac.new(self._key, nonce.encode(), sha256).digest()
        return base64.urlsafe_b64encode(mac).rstrip(b"=").decode()

    def hash_of(self, nonce: str) -> str:
        """What is kept of the token of a nonce."""
        return hash_token(self.token_of(nonce))
