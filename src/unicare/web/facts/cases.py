"""Figures of single cases, and the worst of them to be looked at."""

from __future__ import annotations

from typing import Literal

from unicare.web.facts.base import Facts

__all__ = [
    "CaseFacts",
    "CasesFacts",
    "FigureOfCase",
    "MetricFacts",
    "StructureFacts",
    "WorstCaseFacts",
    "WorstFacts",
]


class MetricFacts(Facts):
    """Something that was measured.

    Attributes:
        name: as ``unicare evaluate`` names it.
        title: for people.
        unit: empty if it has none.
        better: which figures are better.
    """

    name: str
    title: str
    unit: str
    better: Literal["higher", "lower", "nearer_zero", "neither"]


class StructureFacts(Facts):
    """A structure.

    Attributes:
        label: in label maps; null for cases as a whole.
        name: for people.
    """

    label: int | None
    name: str


class FigureOfCase(Facts):
    """One figure of one structure in one case.

    Attributes:
        label: of the structure; null for the case as a whole.
        structure: its name.
        metric: what was measured.
        value: null where there is none.
        rule: of docs/metrics.md that it came from.
    """

    label: int | None
    structure: str
    metric: str
    value: float | None
    rule: str


class CaseFacts(Facts):
    """The figures of one case.

    Attributes:
        case: its id.
        distribution: ID or OOD; empty if not known.
        figures: by structure and metric.
    """

    case: str
    distribution: str
    figures: tuple[FigureOfCase, ...]


class CasesFacts(Facts):
    """The figures of all cases of a submission's last evaluation that has some.

    Attributes:
        submission: number.
        evaluation: its number; what was evaluated again has several.
        metrics: that were measured.
        structures: that were measured.
        cases: by id.
    """

    submission: int
    evaluation: int
    metrics: tuple[MetricFacts, ...]
    structures: tuple[StructureFacts, ...]
    cases: tuple[CaseFacts, ...]


class WorstCaseFacts(Facts):
    """A case to be looked at.

    Attributes:
        case: its id.
        distribution: ID or OOD; empty if not known.
        dice: mean over its structures.
        sequence: of the image that is shown, the one that the truth was drawn on; ``unknown`` if not said.
        figures: Dice of each structure.
        image: address of the volume, .nii.gz.
        truth: address of the label map.
        prediction: address of the team's label map.
    """

    case: str
    distribution: str
    dice: float
    sequence: str
    figures: tuple[FigureOfCase, ...]
    image: str
    truth: str
    prediction: str


class WorstFacts(Facts):
    """The cases of lowest mean Dice, worst first.

    Attributes:
        submission: number.
        evaluation: its number.
        by: how they were chosen.
        cases: a few.
    """

    submission: int
    evaluation: int
    by: str
    cases: tuple[WorstCaseFacts, ...]
