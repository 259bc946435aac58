"""Whether there is room for one more upload, on the disk and in what a team may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from unicare.web.archive.upload_rules import About, Reason, UploadLimits, UploadRefusedError, too_much

__all__ = ["UploadState", "check_room"]


@dataclass(frozen=True)
class UploadState:
    """How far an upload has come.

    Attributes:
        upload_id: its id.
        name: of the file, as the team calls it; not safe to show.
        team: whose it is.
        total_bytes: its length, as announced.
        sha256: of the whole, as announced; None if it wasn't.
        length: how much has come, in bytes: the offset to go on at.
        whole: whether it was finished.
    """

    upload_id: str
    name: str
    team: str
    total_bytes: int
    sha256: str | None
    length: int
    whole: bool


def check_room(about: About, limits: UploadLimits, present: Sequence[UploadState], free_bytes: int) -> None:
    """Refuses an announcement that there is no room for.

    Args:
        about: what is announced.
        limits: what may be uploaded.
        present: all uploads that lie here.
        free_bytes: of the disk.

    Raises:
        UploadRefusedError: too long, too many, or no room.
    """
    own = [state for state in present if state.team == about.team]
    if about.total_bytes > limits.upload_bytes:
        raise too_much(Reason.TOO_BIG, "the file is too long", about.total_bytes, limits.upload_bytes)
    under_way = sum(not state.whole for state in present)
    own_under_way = sum(not state.whole for state in own)
    if own_under_way >= limits.team_uploads or under_way >= limits.uploads:
        whose = "the team has" if own_under_way >= limits.team_uploads else "there are"
        raise UploadRefusedError(
            Reason.TOO_MANY,
            f"{whose} too many uploads under way",
            found=own_under_way if own_under_way >= limits.team_uploads else under_way,
            mend="finish or abandon one, or try again later",
        )
    announced = sum(state.total_bytes for state in own) + about.total_bytes
    if announced > limits.team_bytes:
        what = "the team's uploads are too long together"
        raise too_much(Reason.TOO_BIG, what, announced, limits.team_bytes)
    to_come = sum(state.total_bytes - state.length for state in present) + about.total_bytes
    if to_come + limits.spare_bytes > free_bytes:
        raise UploadRefusedError(
            Reason.NO_ROOM,
            "the site has no room for this file",
            mend="try again later, or tell the organisers",
        )
