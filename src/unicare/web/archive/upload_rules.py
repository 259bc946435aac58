"""What may be uploaded, and how an upload is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from unicare.core.errors import SubmissionError
from unicare.web.archive.names import shown

__all__ = [
    "About",
    "Reason",
    "UploadLimits",
    "UploadRefusedError",
    "check_announced",
    "too_much",
    "unknown_upload",
]

_SHA256 = re.compile(r"[0-9a-f]{64}")
_NAME_LENGTH = 255


class Reason(StrEnum):
    """Why an upload is refused; a word for programs."""

    UNKNOWN = "unknown"
    BAD_REQUEST = "bad request"
    TOO_BIG = "too big"
    TOO_MANY = "too many"
    NO_ROOM = "no room"
    OFFSET = "offset"
    LOCKED = "locked"
    INCOMPLETE = "incomplete"
    HASH = "hash"
    FINISHED = "finished"


class UploadRefusedError(SubmissionError):
    """An upload that can't begin, go on or end so.

    Attributes:
        reason: why.
        length: how much has come so far, in bytes, where that is known: the offset to go on at.
    """

    def __init__(
        self,
        reason: Reason,
        what: str,
        *,
        found: object = None,
        expected: object = None,
        mend: str | None = None,
        length: int | None = None,
    ) -> None:
        super().__init__(what, found=found, expected=expected, mend=mend)
        self.reason = reason
        self.length = length


@dataclass(frozen=True)
class UploadLimits:
    """What may be uploaded.

    Attributes:
        upload_bytes: one upload.
        team_bytes: all of a team's uploads that lie here, as announced.
        team_uploads: how many a team may have under way.
        uploads: how many there may be under way at all.
        spare_bytes: what stays free on the disk once everything announced has come.
    """

    upload_bytes: int = 2**35
    team_bytes: int = 2**36
    team_uploads: int = 5
    uploads: int = 500
    spare_bytes: int = 2**30


@dataclass(frozen=True)
class About:
    """What was announced of an upload: its name, whose it is, its length, and perhaps its hash."""

    name: str
    team: str
    total_bytes: int
    sha256: str | None


def check_announced(about: About) -> None:
    """Refuses an announcement of something impossible.

    Raises:
        UploadRefusedError: no bytes, no name or too long a one, or a hash that is none.
    """
    if about.total_bytes < 1:
        raise UploadRefusedError(
            Reason.BAD_REQUEST, "the file is empty", found=f"{about.total_bytes} bytes", expected="at least 1"
        )
    if not 0 < len(about.name) <= _NAME_LENGTH:
        raise UploadRefusedError(
            Reason.BAD_REQUEST,
            "the file's name",
            found=f"{len(about.name)} characters",
            expected=f"1 to {_NAME_LENGTH}",
        )
    if about.sha256 is not None and not _SHA256.fullmatch(about.sha256):
        raise UploadRefusedError(
            Reason.BAD_REQUEST,
            "the announced SHA-256",
            found=shown(about.sha256),
            expected="64 hexadecimal digits",
        )


def unknown_upload() -> UploadRefusedError:
    """Why an upload that isn't there is refused."""
    return UploadRefusedError(
        Reason.UNKNOWN,
        "there is no such upload",
        mend="begin it again: unfinished ones are kept for some time only",
    )


def too_much(reason: Reason, what: str, found: int, most: int) -> UploadRefusedError:
    """Why something longer than allowed is refused; lengths in bytes."""
    return UploadRefusedError(
        reason, what, found=f"{found / 1e9:.3g} GB", expected=f"at most {most / 1e9:.3g} GB"
    )
