"""What is worth telling a team about what it handed in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from enum import StrEnum

__all__ = ["FindingList", "UploadFinding", "UploadKind"]


class UploadKind(StrEnum):
    """What sort of thing was found in an upload, besides those that ``unicare evaluate --check`` finds."""

    NAME = "name"
    LINK = "link"
    DUPLICATE = "duplicate"
    FOLDERS = "folders"
    OTHER_FILE = "other file"
    NESTED = "nested archive"
    ENCRYPTED = "encrypted"
    COMPRESSION = "compression"
    DAMAGED = "damaged"
    TOO_BIG = "too big"
    UNREADABLE = "unreadable"
    EMPTY = "empty"
    ARCHIVE = "archive"
    STOPPED = "stopped"
    IGNORED = "ignored"
    MORE = "more"


@dataclass(frozen=True)
class UploadFinding:
    """One thing about an upload, one of its files, or one case.

    Attributes:
        kind: an ``UploadKind``, or a kind of ``unicare.evaluate.findings``.
        text: what there is to know and to do; safe to show, without host paths.
        name: the file's name, safe to show; empty where it is about no single file.
        case: the case's id; empty where it is about no single case.
        note: nothing wrong, only good to know.
        voxels: how many voxels it is about; None where it isn't about voxels.
    """

    kind: str
    text: str
    name: str = ""
    case: str = ""
    note: bool = False
    voxels: int | None = None

    def as_dict(self) -> dict[str, object]:
        """Plain values, for JSON."""
        return asdict(self)


@dataclass
class FindingList:
    """Findings up to a number; those beyond are counted.

    Attributes:
        most: how many are kept.
        kept: the first ones.
        beyond: how many more there were.
    """

    most: int
    kept: list[UploadFinding] = field(default_factory=list)
    beyond: int = 0

    def add(self, finding: UploadFinding) -> None:
        """Keeps one more, or counts it."""
        if len(self.kept) < self.most:
            self.kept.append(finding)
        else:
            self.beyond += 1

    def extend(self, findings: Iterable[UploadFinding]) -> None:
        """Adds several."""
        for finding in findings:
            self.add(finding)

    def every(self) -> tuple[UploadFinding, ...]:
        """Those that were kept, and a last one that says how many more there are."""
        if not self.beyond:
            return tuple(self.kept)
        text = f"{self.beyond} more like these; mend those above first"
        return (*self.kept, UploadFinding(UploadKind.MORE, text))
