"""Where cases come from: every centre has its own scanner, protocol and readers."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np

from unicare.core.errors import SettingsError
from unicare.core.structure import structure_table
from unicare.data.phantom.readers import ReaderStyle, sample_style
from unicare.data.phantom.render import RenderSettings, sample_settings
from unicare.data.phantom.signal import Pulse, sample_pulse

__all__ = ["Centre", "CohortPart", "cohort_parts", "find_centre", "stable_seed"]

LIVER_SEQUENCES: tuple[str, ...] = ("GED4", "T2", "T1", "DWI", "GED1", "GED2", "GED3")
"""What the table of cohorts calls ``MRI`` in the liver task, the reference first."""

_VENDORS = ("vendor A", "vendor B", "vendor C")

# In plane and between slices, mm; published medians, but matrices above 256 are made coarser.
_SPACING_MM: Mapping[tuple[str, str], tuple[float, float]] = {
    ("la", "A"): (1.0, 2.5),
    ("la", "B"): (1.4, 1.4),
    ("la", "C"): (1.3, 4.0),
    ("whs", "A"): (0.7, 0.9),
    ("whs", "B"): (0.8, 1.0),
    ("whs", "C/D"): (0.97, 1.05),
    ("whs", "E"): (1.0, 1.2),
    ("whs", "F"): (1.25, 1.6),
    ("whs", "G"): (0.8, 1.5),
    ("myops", "A"): (1.33, 10.0),
    ("myops", "B"): (0.9, 12.0),
    ("myops", "C"): (1.0, 10.0),
    ("myops", "D"): (1.33, 8.0),
    ("myops", "E"): (1.33, 10.0),
    ("myops", "F"): (1.25, 8.0),
    ("myops", "G"): (1.5, 9.0),
    ("myops", "H"): (1.4, 5.0),
    ("liver", "A"): (1.25, 5.0),
    ("liver", "B1"): (1.1, 3.5),
    ("liver", "B2"): (1.3, 6.0),
    ("liver", "C"): (1.5, 7.0),
}

_CT_CENTRES = frozenset({("whs", "A"), ("whs", "B"), ("whs", "G")})

# MyoPS labels that a centre's readers leave out; oedema also needs a T2 image.
_NOT_ANNOTATED: Mapping[str, tuple[int, ...]] = {
    "A": (600, 1220),
    "E": (1220,),
    "F": (1220,),
    "G": (1220,),
    "H": (200, 500, 600, 1220),
}

_AXES = ("LPS", "LPS", "RAS", "LAS", "RPS", "PLS", "LSP", "PSR", "ASL", "RSA")


@dataclass(frozen=True)
class CohortPart:
    """One line of the table of cohorts.

    Attributes:
        track: the challenge's track.
        task: one of its tasks.
        split: ``training``, ``validation`` or ``test``.
        centre: name within track and task.
        cases: how many the challenge has.
        sequences: names, the reference first.
        distribution: ``ID`` or ``OOD``.
        vendor: who made the scanner, where that is published.
    """

    track: str
    task: str
    split: str
    centre: str
    cases: int
    sequences: tuple[str, ...]
    distribution: Literal["ID", "OOD"]
    vendor: str = ""


@dataclass(frozen=True)
class Centre:
    """A hospital, as far as its images show it.

    Attributes:
        name: within track and task.
        task: what it scans for.
        distribution: ``OOD`` centres differ more from the rest.
        vendor: who made the scanner.
        seed: what the protocol is drawn from.
        field_strengths_t: of its magnets; empty for CT.
        spacing_mm: in plane, and between slices.
        margin_mm: how far the field of view reaches beyond the organ.
        axes: order and direction of the files' axes, such as ``LPS``.
        severity: of artefacts and noise, 1 is usual.
        variation: of tissue contrast between patients, 1 is usual.
        breathing_mm: sd of the shift from slice to slice and from sequence to sequence.
        style: its readers' habits.
        missing: sequence to the share of cases that lack it.
    """

    name: str
    task: str
    distribution: Literal["ID", "OOD"]
    vendor: str
    seed: int
    field_strengths_t: tuple[float, ...]
    spacing_mm: tuple[float, float]
    margin_mm: float
    axes: str
    severity: float
    variation: float
    breathing_mm: float
    style: ReaderStyle
    missing: Mapping[str, float]

    def pulse(self, sequence: str, rng: np.random.Generator, field_strength_t: float) -> Pulse:
        """The centre's protocol; an inversion time is found anew for every patient, the rest stays."""
        drawn = sample_pulse(sequence, self._protocol(sequence), field_strength_t)
        if drawn.kind == "inversion":
            return replace(drawn, inversion=drawn.inversion * float(np.exp(rng.normal(0, 0.04))))
        return drawn

    def phase(self) -> str:
        """When its CTs are taken after iodine."""
        return str(self._protocol("phase").choice(["arterial", "arterial", "venous"]))

    def settings(
        self, sequence: str, rng: np.random.Generator, oversample: tuple[int, int, int]
    ) -> RenderSettings:
        """How its scanner renders one sequence of one case: the scanner's habits, and the case's own luck."""
        modality: Literal["CT", "MRI"] = "CT" if sequence == "CT" else "MRI"
        protocol = self._protocol(sequence)
        habit = sample_settings(
            protocol, modality=modality, severity=self.severity, oversample=oversample, slice_axis=2
        )
        luck = sample_settings(rng, modality=modality, severity=self.severity, slice_axis=2)
        return replace(
            habit,
            noise=habit.noise * float(np.exp(rng.normal(0, 0.25))),
            texture=luck.texture,
            coil=habit.coil * float(np.exp(rng.normal(0, 0.2))),
            ghost=luck.ghost,
            ghost_shift=luck.ghost_shift,
            scale=habit.scale * float(np.exp(rng.normal(0, 0.2))),
        )

    def annotated(self, track: str, sequences: tuple[str, ...]) -> tuple[int, ...]:
        """Label values that its readers draw."""
        labels = [item.labels[self.task] for item in structure_table().structures if self.task in item.labels]
        left_out = (
            set(_NOT_ANNOTATED.get(self.name, ())) if (track, self.task) == ("TFM4MedIA", "myops") else set()
        )
        if "T2" not in sequences:
            left_out.add(1220)
        return tuple(sorted(label for label in labels if label not in left_out))

    def _protocol(self, what: str) -> np.random.Generator:
        return np.random.default_rng([self.seed, stable_seed(what)])


def stable_seed(*words: object) -> int:
    """The same number for the same words, on every machine and in every run."""
    text = "\x1f".join(str(word) for word in words)
    return int.from_bytes(hashlib.blake2s(text.encode(), digest_size=6).digest(), "big")


@cache
def cohort_parts(track: str) -> tuple[CohortPart, ...]:
    """All lines of the table of cohorts of one track, in order.

    Raises:
        SettingsError: no such track.
    """
    text = resources.files("unicare.data.phantom").joinpath("cohorts.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(text.splitlines()))
    tracks = sorted({row["track"] for row in rows})
    if track not in tracks:
        raise SettingsError("no such track", found=track, expected=f"one of {', '.join(tracks)}")
    return tuple(_part(row) for row in rows if row["track"] == track)


def _part(row: Mapping[str, str]) -> CohortPart:
    sequences = tuple(row["sequences"].split("+"))
    if row["sequences"] == "MRI":
        sequences = LIVER_SEQUENCES if row["task"] == "liver" else ("bSSFP",)
    return CohortPart(
        track=row["track"],
        task=row["task"],
        split=row["split"],
        centre=row["centre"],
        cases=int(row["cases"]),
        sequences=sequences,
        distribution="OOD" if row["distribution"] == "OOD" else "ID",
        vendor=row["note"].removesuffix(" (new)") if row["note"].startswith("vendor") else "",
    )


@cache
def find_centre(part: CohortPart) -> Centre:
    """The centre of a part of a cohort: always the same one for the same track, task and name."""
    # Both atrial tasks are scanned in the same hospitals.
    task = "la" if part.task == "la_scar" else part.task
    seed = stable_seed(part.track, task, part.centre)
    rng = np.random.default_rng(seed)
    away = part.distribution == "OOD"
    is_ct = (task, part.centre) in _CT_CENTRES
    in_plane, between = _SPACING_MM.get((task, part.centre), (1.2, 3.0))
    strengths = ((1.5,), (3.0,), (1.5, 3.0))[int(rng.integers(3))]
    return Centre(
        name=part.centre,
        task=part.task,
        distribution=part.distribution,
        vendor=part.vendor or str(rng.choice(_VENDORS)),
        seed=seed,
        field_strengths_t=() if is_ct else ((0.55, 3.0)[int(rng.integers(2))],) if away else strengths,
        spacing_mm=(in_plane, between),
        margin_mm=float(rng.uniform(5, 15) if task == "whs" else rng.uniform(8, 30)),
        axes=str(rng.choice(_AXES)),
        severity=float(rng.uniform(1.2, 1.8) if away else rng.uniform(0.6, 1.2)),
        variation=1.4 if away else 1.0,
        breathing_mm=float(rng.uniform(1.5, 3.0) if away else rng.uniform(0.3, 2.0)),
        style=sample_style(rng),
        missing={name: float(rng.uniform(0.02, 0.35)) for name in LIVER_SEQUENCES[1:]}
        if task == "liver"
        else {},
    )
