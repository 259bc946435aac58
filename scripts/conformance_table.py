"""Writes the tables of docs/metrics.md that show how libraries differ, from known shapes.

python scripts/conformance_table.py [docs/metrics.md]

Every number is computed by unicare, the libraries' ones with what stands behind --compat;
tests/metrics/compat/test_conformance.py holds those against the libraries themselves.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.metrics.catalogue import CATALOGUE
from unicare.metrics.compat import DEFINITIONS
from unicare.metrics.labelmaps import measure_labels
from unicare.metrics.rules import DEFINITION

START, END = "<!-- conformance tables: scripts/conformance_table.py -->", "<!-- end of conformance tables -->"
TOLERANCE_MM = 2.0
OWN = f"unicare {DEFINITION}"

Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Shapes:
    """A truth and a prediction, axes (P, L, S).

    Attributes:
        title: what is special about them.
        truth: mask.
        prediction: mask on the same grid.
        spacing_mm: distance between voxel centres along each axis.
    """

    title: str
    truth: Mask
    prediction: Mask
    spacing_mm: tuple[float, float, float]


def missed_end_slice() -> Shapes:
    """A stack of thick slices. The last one was missed, in another one the outline is 3 voxels too narrow."""
    rows, columns = np.indices((40, 40)) - 20
    wide, narrow = (rows**2 + columns**2 <= radius**2 for radius in (14, 11))
    truth = np.zeros((40, 40, 9), dtype=bool)
    truth[:, :, 1:8] = wide[:, :, None]
    prediction = truth.copy()
    prediction[:, :, 4] = narrow
    prediction[:, :, 7] = False
    return Shapes("end slice of a 23 mm stack missed", truth, prediction, (1.4, 1.4, 23.0))


def inner_hole() -> Shapes:
    """A cube of 47 voxels, in whose middle a cube of 7 voxels is left out."""
    truth = np.zeros((49, 49, 49), dtype=bool)
    truth[1:-1, 1:-1, 1:-1] = True
    prediction = truth.copy()
    prediction[21:28, 21:28, 21:28] = False
    return Shapes("inner hole", truth, prediction, (1.1, 1.1, 1.1))


def stray_voxel() -> Shapes:
    """A cube of 12 voxels and one voxel 30 mm beside it."""
    truth = np.zeros((16, 16, 48), dtype=bool)
    truth[2:14, 2:14, 2:14] = True
    prediction = truth.copy()
    prediction[8, 8, 43] = True
    return Shapes("one stray voxel", truth, prediction, (1.0, 1.0, 1.0))


def false_island() -> Shapes:
    """A cube of 10 voxels and an island whose border is 6.5 % of the predicted one."""
    truth = np.zeros((14, 14, 32), dtype=bool)
    truth[2:12, 2:12, 2:12] = True
    prediction = truth.copy()
    prediction[5:8, 5:8, 25:29] = True
    return Shapes("small false island", truth, prediction, (1.0, 1.0, 1.0))


def single_voxels() -> Shapes:
    """One voxel against another one, 3 and 4 voxels beside it."""
    truth, prediction = np.zeros((8, 8, 3), dtype=bool), np.zeros((8, 8, 3), dtype=bool)
    truth[1, 1, 1] = prediction[4, 5, 1] = True
    return Shapes("single voxels, 5 mm apart", truth, prediction, (1.0, 1.0, 8.0))


def at_the_edge() -> Shapes:
    """A block in a corner of the image, one voxel too short."""
    truth, prediction = np.zeros((12, 12, 6), dtype=bool), np.zeros((12, 12, 6), dtype=bool)
    truth[:6, :6, :3] = True
    prediction[:5, :6, :3] = True
    return Shapes("mask that touches the edge", truth, prediction, (2.0, 1.0, 5.0))


def whole_volume() -> Shapes:
    """All of the image against all of it but its first slice."""
    truth = np.ones((10, 10, 6), dtype=bool)
    prediction = truth.copy()
    prediction[:, :, 0] = False
    return Shapes("whole volume", truth, prediction, (1.0, 1.0, 6.0))


def single_slice() -> Shapes:
    """An image of one slice; the prediction leaves one voxel inside out."""
    truth = np.zeros((16, 16, 1), dtype=bool)
    truth[2:14, 2:14] = True
    prediction = truth.copy()
    prediction[7, 7] = False
    return Shapes("single slice with a hole", truth, prediction, (1.0, 1.0, 8.0))


def _some_and_none() -> tuple[Mask, Mask]:
    some = np.zeros((12, 12, 6), dtype=bool)
    some[3:9, 3:9, 2:5] = True
    return some, np.zeros_like(some)


def prediction_empty() -> Shapes:
    """Nothing was found."""
    some, none = _some_and_none()
    return Shapes("prediction empty", some, none, (1.0, 1.0, 5.0))


def truth_empty() -> Shapes:
    """Something was found that isn't there."""
    some, none = _some_and_none()
    return Shapes("truth empty", none, some, (1.0, 1.0, 5.0))


def both_empty() -> Shapes:
    """Nothing is there, nothing was found."""
    _, none = _some_and_none()
    return Shapes("both empty", none, none, (1.0, 1.0, 5.0))


CASES: tuple[Callable[[], Shapes], ...] = (
    missed_end_slice,
    inner_hole,
    stray_voxel,
    false_island,
    single_voxels,
    at_the_edge,
    whole_volume,
    single_slice,
    prediction_empty,
    truth_empty,
    both_empty,
)

METRICS = ("hausdorff_mm", "hd95_mm", "assd_mm", "nsd", "dice")


def figures(shapes: Shapes) -> dict[str, dict[str, float]]:
    """Who says it, to metric, to value."""
    own = measure_labels(
        shapes.truth.astype(np.uint8),
        shapes.prediction.astype(np.uint8),
        [1],
        shapes.spacing_mm,
        metrics=METRICS,
        tolerance_mm=TOLERANCE_MM,
    )[1]
    everyone = {OWN: own}
    for name, definition in DEFINITIONS.items():
        everyone[name] = definition.measure(
            shapes.truth, shapes.prediction, shapes.spacing_mm, tolerance_mm=TOLERANCE_MM
        )
    return {who: {metric: figure.value for metric, figure in said.items()} for who, said in everyone.items()}


def tables() -> str:
    """One table a metric: a row for each case on which not all agree, and all rows of the first metric."""
    measured = [(shapes.title, figures(shapes)) for shapes in (case() for case in CASES)]
    return "\n\n".join(_table(metric, measured, every_row=metric == METRICS[0]) for metric in METRICS)


def _table(
    metric: str, measured: Sequence[tuple[str, dict[str, dict[str, float]]]], *, every_row: bool
) -> str:
    offering = [who for who in (OWN, *DEFINITIONS) if who == OWN or metric in DEFINITIONS[who].metrics]
    lines = [f"| | {' | '.join(offering)} |", "|---|" + "---:|" * len(offering)]
    for title, everyone in measured:
        cells = [_number(everyone[who][metric]) for who in offering]
        if every_row or len(set(cells)) > 1:
            lines.append(f"| {title} | {' | '.join(cells)} |")
    found = CATALOGUE[metric]
    unit = f", {found.unit}" if found.unit else f", tolerance {TOLERANCE_MM:g} mm" if metric == "nsd" else ""
    return f"**{found.title}** (`{metric}`{unit})\n\n" + "\n".join(lines)


def _number(value: float) -> str:
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "∞"
    if value == 0:
        return "0"
    return f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def put_into(text: str) -> str:
    """A document with the tables between its two marks made anew.

    Raises:
        SettingsError: the marks aren't there.
    """
    if START not in text or END not in text:
        raise SettingsError(
            "no place for the tables", found="a text without marks", expected=f"{START} {END}"
        )
    before, rest = text.split(START, 1)
    return f"{before}{START}\n\n{tables()}\n\n{END}{rest.split(END, 1)[1]}"


def main(path: str = "docs/metrics.md") -> None:
    """Writes the tables into the document."""
    document = Path(path)
    document.write_text(put_into(document.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
