"""Who takes part in the demo, and what they hand in."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["TEAMS", "DemoTeam", "HandIn"]


@dataclass(frozen=True)
class HandIn:
    """Something that a team hands in for a task.

    Attributes:
        how: what it is: a key of ``demo_hand_ins.PREDICTIONS``, or ``container``.
        note: the team's own words.
        phase: of the challenge.
        tasks: for which of them; empty for all.
        voxels: how far the truth is moved, where it is.
        missing: cases that are left out.
        seconds: that its evaluation may take; None for as long as the site allows.
    """

    how: str
    note: str
    phase: str = "validation"
    tasks: tuple[str, ...] = ()
    voxels: int = 0
    missing: int = 0
    seconds: int | None = None


@dataclass(frozen=True)
class DemoTeam:
    """A team, and what it hands in, one after the other.

    Attributes:
        name: of the team.
        people: their names; the first is captain.
        hand_ins: for the challenge's tasks.
    """

    name: str
    people: tuple[str, ...]
    hand_ins: tuple[HandIn, ...]


TEAMS = (
    DemoTeam(
        "Lodestar",
        ("Ada Lodestar", "Ben Lodestar"),
        (HandIn("network", "The weights that come with unicare."),),
    ),
    DemoTeam(
        "Plain Ovals",
        ("Olga Oval", "Otto Oval"),
        (
            HandIn("ellipse", "One case is missing here.", tasks=("la",), missing=1),
            HandIn("ellipse", "An ellipse in each box; no image was looked at."),
            HandIn("container", "A shell that fills each box.", phase="test", tasks=("la",)),
        ),
    ),
    DemoTeam(
        "Crib Sheet",
        ("Cleo Crib", "Cyrus Crib"),
        (
            HandIn("truth", "The truth, moved by four voxels.", voxels=4),
            HandIn(
                "truth", "The truth, moved by one voxel. Only virtual patients let a team do that.", voxels=1
            ),
            HandIn(
                "truth",
                "Evaluated with a limit of one second, so that it fails.",
                tasks=("la",),
                voxels=1,
                seconds=1,
            ),
        ),
    ),
)
