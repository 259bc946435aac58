"""The reason that organisers give for what they do."""

from __future__ import annotations

from unicare.web.accounts.names import check_text
from unicare.web.accounts.refusals import AccountError, Reason

__all__ = ["LONGEST_REASON", "check_reason"]

LONGEST_REASON = 2000


def check_reason(written: str) -> str:
    """A reason as the audit log keeps it.

    Raises:
        AccountError: there is none, or it is too long, or has control characters.
    """
    reason = check_text(written, "reason", LONGEST_REASON)
    if not reason:
        raise AccountError("a reason is needed", Reason.INVALID, field="reason")
    return reason
