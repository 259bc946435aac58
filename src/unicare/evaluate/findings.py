"""What is worth knowing about predictions besides their figures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Finding", "Kind", "merge_findings", "name_some"]

_NAMED_CASES = 4


class Kind(StrEnum):
    """What sort of thing was found; a word for tables."""

    MISSING = "missing"
    EXTRA = "extra"
    UNREADABLE = "unreadable"
    TRUTH = "truth"
    SHAPE = "shape"
    AFFINE = "affine"
    FLOAT_LABELS = "float labels"
    UNKNOWN_LABEL = "unknown label"
    OTHER_LABEL = "other label"
    NOT_SCORED = "not scored"
    RESAMPLED = "resampled"
    MANIFEST = "manifest"
    PROBABILITIES = "probabilities"


@dataclass(frozen=True)
class Finding:
    """One thing about one case.

    Attributes:
        kind: what sort of thing.
        text: what there is to know; the same words for every case that it is true of.
        case: the case's id; empty where it is about no single case.
        voxels: how many voxels it is about; None where it isn't about voxels.
    """

    kind: Kind
    text: str
    case: str = ""
    voxels: int | None = None


def merge_findings(findings: Iterable[Finding]) -> tuple[str, ...]:
    """A sentence for each thing that was found, with the cases that it is true of; in order of appearance."""
    groups: dict[tuple[Kind, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.kind, finding.text), []).append(finding)
    return tuple(_sentence(text, group) for (_, text), group in groups.items())


def name_some(names: Iterable[str], most: int = _NAMED_CASES) -> str:
    """The first names of a list, and how many more there are."""
    every = list(names)
    more = f" and {len(every) - most} more" if len(every) > most else ""
    return ", ".join(every[:most]) + more


def _sentence(text: str, group: list[Finding]) -> str:
    cases = list(dict.fromkeys(finding.case for finding in group if finding.case))
    counts = [finding.voxels for finding in group if finding.voxels is not None]
    after = f" ({sum(counts)} voxels)" if counts else ""
    if not cases:
        return text + after
    if len(cases) == 1:
        return f"case {cases[0]}: {text}{after}"
    return f"{len(cases)} cases ({name_some(cases)}): {text}{after}"
