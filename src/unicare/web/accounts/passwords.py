"""Passwords: what is good enough, and argon2id."""

from __future__ import annotations

import unicodedata
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from unicare.web.accounts.names import key_of
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.settings import SiteSettings

__all__ = ["LONGEST_PASSWORD", "SHORTEST_PASSWORD", "Passwords", "check_password"]

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
_FEWEST_KINDS = 6
_SEQUENCES = ("0123456789" * 3, "9876543210" * 3, "abcdefghijklmnopqrstuvwxyz", "qwertyuiopasdfghjklzxcvbnm")


class Passwords:
    """Hashes and checks passwords with argon2id.

    Every check costs the same, be there an account or not. Only a few are done at once, the others wait: many
    people who log in together must not fill the memory.

    Args:
        memory_mb: that each hash fills.
        rounds: how often.
        at_once: hashes at the same time.
    """

    def __init__(self, *, memory_mb: float = 32, rounds: int = 2, at_once: int = 2) -> None:
        self._hasher = PasswordHasher(time_cost=rounds, memory_cost=int(memory_mb * 1024), parallelism=1)
        # Threads of their own, as the allocator keeps what a thread has once filled.
        self._pool = ThreadPoolExecutor(at_once, thread_name_prefix="argon2")
        self._nobody = self.hash("a password that nobody has")

    @classmethod
    def of(cls, settings: SiteSettings) -> Passwords:
        """As the site's settings say."""
        return cls(memory_mb=settings.password_memory_mb, rounds=settings.password_rounds)

    def hash(self, password: str) -> str:
        """The hash of a password, with its salt and parameters."""
        return self._pool.submit(self._hasher.hash, _bytes(password)).result()

    def verify(self, hashed: str | None, password: str) -> bool:
        """Whether it is the password; None, for want of an account, is never, after the same work."""
        attempt = _bytes(password[: LONGEST_PASSWORD + 1])
        try:
            self._pool.submit(
                self._hasher.verify, self._nobody if hashed is None else hashed, attempt
            ).result()
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    def is_outdated(self, hashed: str) -> bool:
        """Whether a hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(hashed)


def _bytes(password: str) -> bytes:
    """The same for all ways in which keyboards compose the same characters."""
    return unicodedata.normalize("NFKC", password).encode(errors="surrogatepass")


def check_password(password: str, *about: str) -> None:
    """Refuses passwords that are guessed first: length counts, not kinds of characters.

    Args:
        password: the one that a person would like.
        about: what everybody knows of the person: address, name.

    Raises:
        AccountError: too short, too long, or too easily guessed.
    """
    wish = f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters, such as four words that don't go together"
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccountError(
            "the password is too short or too long",
            Reason.INVALID,
            field="password",
            found=f"{len(password)} characters",
            expected=wish,
        )
    key = key_of(password)
    known = [key_of(part) for text in about for part in (text, text.partition("@")[0]) if len(part) >= 4]
    left = key
    for part in sorted(known, key=len, reverse=True):
        left = left.replace(part, "")
    in_a_row = any(key in sequence for sequence in _SEQUENCES)
    if len(set(key)) < _FEWEST_KINDS or in_a_row or len(left) < SHORTEST_PASSWORD // 2:
        raise AccountError("the password is easily guessed", Reason.INVALID, field="password", expected=wish)
