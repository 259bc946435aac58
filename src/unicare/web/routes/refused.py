"""Which status the site's own errors have, and what programs are told beside the sentence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from unicare.core.errors import ContainerError, OutputError, SubmissionError, UnicareError
from unicare.web.accounts.refusals import AccountError, Refused
from unicare.web.accounts.refusals import Reason as AccountReason
from unicare.web.archive.upload_rules import Reason as UploadReason
from unicare.web.archive.upload_rules import UploadRefusedError
from unicare.web.boards import NoSuchBoardError
from unicare.web.life import MoveRefusedError, QuotaUsedUpError
from unicare.web.standings.freeze import FreezeRefusedError

__all__ = ["RefusedError", "Told", "told_of"]

_ACCOUNT = {
    AccountReason.WRONG: 401,
    AccountReason.DISABLED: 403,
    AccountReason.CLOSED: 403,
    AccountReason.NOT_ALLOWED: 403,
    AccountReason.NOT_APPROVED: 403,
    AccountReason.NOT_CONFIRMED: 403,
    AccountReason.AGREEMENT: 403,
    AccountReason.NOT_FOUND: 404,
    AccountReason.LINK_VOID: 410,
    AccountReason.INVALID: 422,
    AccountReason.TOO_OFTEN: 429,
}
_UPLOAD = {
    UploadReason.UNKNOWN: 404,
    UploadReason.BAD_REQUEST: 422,
    UploadReason.TOO_BIG: 413,
    UploadReason.NO_ROOM: 507,
    UploadReason.TOO_MANY: 429,
}
_CONFLICT = 409


class RefusedError(UnicareError):
    """A try at the door that failed, and that counts.

    Args:
        refused: what the door said.
    """

    def __init__(self, refused: Refused) -> None:
        super().__init__(refused.told)
        self.refused = refused


@dataclass(frozen=True)
class Told:
    """What is answered to something that is refused.

    Attributes:
        status: of HTTP.
        detail: the sentence.
        reason: for programs.
        field: of the form, which is wrong; empty if none in particular.
        length: of an upload, where to go on; None if that isn't the matter.
        wait_s: after which it may be tried again; None if it may at once.
    """

    status: int
    detail: str
    reason: str = ""
    field: str = ""
    length: int | None = None
    wait_s: int | None = None


def told_of(error: UnicareError) -> Told | None:
    """What is answered; None if the error is a fault of the site."""
    text = _sentence(str(error))
    for kind, tell in _TELLERS:
        if isinstance(error, kind):
            return tell(error, text)
    return None


def _tell_refused(error: RefusedError, text: str) -> Told:
    wait = error.refused.wait
    seconds = None if wait is None else max(1, round(wait.total_seconds()))
    status = _ACCOUNT.get(error.refused.reason, _CONFLICT)
    return Told(status, text, error.refused.reason, wait_s=seconds)


def _tell_account(error: AccountError, text: str) -> Told:
    return Told(_ACCOUNT.get(error.reason, _CONFLICT), text, error.reason, error.field)


def _tell_upload(error: UploadRefusedError, text: str) -> Told:
    reason = error.reason.replace(" ", "_")
    return Told(_UPLOAD.get(error.reason, _CONFLICT), text, reason, length=error.length)


def _tell_unavailable(error: UnicareError, text: str) -> Told:
    return Told(503, "The site can’t do this just now. Try again later.", "unavailable")


_TELLERS: tuple[tuple[type[UnicareError], Callable[[Any, str], Told]], ...] = (
    (RefusedError, _tell_refused),
    (AccountError, _tell_account),
    (UploadRefusedError, _tell_upload),
    (QuotaUsedUpError, lambda error, text: Told(_CONFLICT, text, "quota_used_up")),
    (MoveRefusedError, lambda error, text: Told(_CONFLICT, text, "not_now")),
    (NoSuchBoardError, lambda error, text: Told(404, text, "not_found")),
    (FreezeRefusedError, lambda error, text: Told(_CONFLICT, text, "not_now")),
    (SubmissionError, lambda error, text: Told(422, text, "submission")),
    (OutputError, _tell_unavailable),
    (ContainerError, _tell_unavailable),
)
"""Special kinds of errors before those that they are a kind of."""


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "!", "?")) else ".")
