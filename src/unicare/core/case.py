"""A patient's study: a set of sequences, each with its own geometry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from unicare.core.errors import ImageError
from unicare.core.volume import Volume

__all__ = ["SEQUENCES", "SEQUENCE_ALIASES", "Case", "sequence_name"]

SEQUENCES: tuple[str, ...] = (
    "unknown",
    "CT",
    "LGE",
    "T2",
    "bSSFP",
    "T1",
    "DWI",
    "GED1",
    "GED2",
    "GED3",
    "GED4",
)
"""Names that the network knows; the position is the compact id. ``unknown`` is a legal name."""

SEQUENCE_ALIASES: Mapping[str, str] = {"DE": "LGE", "C0": "bSSFP", "CINE": "bSSFP"}
"""Other spellings, upper case, as the challenge's file names have them."""

_REFERENCE_ORDER = ("LGE", "T2", "bSSFP")


def sequence_name(text: str) -> str | None:
    """The known sequence that a word in a file name means (``DE`` is LGE, ``c0`` is bSSFP), or None."""
    upper = text.upper()
    if upper in SEQUENCE_ALIASES:
        return SEQUENCE_ALIASES[upper]
    if upper.startswith("DWI"):
        return "DWI"
    return next((name for name in SEQUENCES if name.upper() == upper), None)


@dataclass(frozen=True, eq=False)
class Case:
    """One study of one patient.

    Attributes:
        id: opaque; nothing may be concluded from it.
        sequences: name (one of ``SEQUENCES``) to volume; any subset, each on its own grid.
        truth: label map, when there is one.
        annotated: label values that the truth covers; None means all. What isn't annotated isn't absent.
        centre: where it was scanned.
        vendor: who made the scanner.
        patient: whose study it is, as opaque as ``id``; empty if not known.
    """

    id: str
    sequences: Mapping[str, Volume]
    truth: Volume | None = None
    annotated: frozenset[int] | None = None
    centre: str = ""
    vendor: str = ""
    patient: str = field(default="")

    def __post_init__(self) -> None:
        if not self.sequences:
            raise ImageError(f"case {self.id}: no image", expected="at least one sequence")

    @property
    def reference_name(self) -> str:
        """The sequence whose grid is answered on: LGE if there, else T2, else bSSFP, else the first."""
        for name in _REFERENCE_ORDER:
            if name in self.sequences:
                return name
        return next(iter(self.sequences))

    @property
    def reference(self) -> Volume:
        """The volume whose grid the answer is written on."""
        return self.sequences[self.reference_name]
