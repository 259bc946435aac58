"""What people are told when something about accounts and teams can't be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from unicare.core.errors import UnicareError

__all__ = ["AccountError", "Reason", "Refused"]


class Reason(StrEnum):
    """Why something is refused."""

    INVALID = "invalid"
    AGREEMENT = "agreement"
    CLOSED = "closed"
    TOO_OFTEN = "too_often"
    WRONG = "wrong"
    DISABLED = "disabled"
    LINK_VOID = "link_void"
    NOT_CONFIRMED = "not_confirmed"
    NOT_APPROVED = "not_approved"
    NOT_ALLOWED = "not_allowed"
    NOT_FOUND = "not_found"
    TAKEN = "taken"
    IN_A_TEAM = "in_a_team"
    NO_TEAM = "no_team"
    FULL = "full"
    HAS_RUNS = "has_runs"
    TOO_MANY = "too_many"


class AccountError(UnicareError):
    """Something that can't be done as it was asked for; nothing is changed.

    Attributes:
        reason: for programs.
        field: which input is wrong; empty if none in particular.
    """

    def __init__(
        self,
        what: str,
        reason: Reason,
        *,
        field: str = "",
        found: object = None,
        expected: object = None,
        mend: str | None = None,
    ) -> None:
        super().__init__(what, found=found, expected=expected, mend=mend)
        self.reason = reason
        self.field = field


@dataclass(frozen=True)
class Refused:
    """A try that failed, and that counts.

    Attributes:
        reason: ``WRONG`` whenever telling more would tell strangers who has an account.
        wait: after which it may be tried again.
        instead: a sentence that fits better than the usual one; empty if none does.
    """

    reason: Reason
    wait: timedelta | None = None
    instead: str = field(default="", compare=False)

    @property
    def told(self) -> str:
        """The sentence for the person."""
        if self.instead:
            return self.instead
        if self.reason is Reason.TOO_OFTEN:
            minutes = max(1, round((self.wait or timedelta()).total_seconds() / 60))
            return f"This was tried too often. Try again in {minutes} minute{'s' if minutes > 1 else ''}."
        return {
            Reason.DISABLED: "This account is disabled. Write to the organisers.",
            Reason.LINK_VOID: "This link is too old or was used before. Ask for a new one.",
        }.get(
            self.reason,
            "The address or the password isn't right, or the address isn't confirmed yet: follow the link "
            "in the mail that you got when you registered.",
        )
