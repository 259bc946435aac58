"""What a study of robustness found, and its two files: a row a figure, and the curves."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unicare import __version__
from unicare.core.errors import ImageError
from unicare.evaluate.robustness.curves import Area, Condition, Curve, Interval
from unicare.evaluate.robustness.summary import Combination
from unicare.evaluate.rows import Row, write_text
from unicare.metrics.rules import DEFINITION

__all__ = ["CURVES_FILE", "TABLE_FILE", "RobustnessResult", "read_result", "write_result"]

TABLE_FILE = "robustness.csv"
CURVES_FILE = "robustness.json"

_COLUMNS = (
    *("kind", "level", "variant"),
    *("case", "centre", "distribution", "structure", "metric", "value", "rule"),
)


@dataclass(frozen=True)
class RobustnessResult:
    """What a study of robustness found.

    Attributes:
        predictor: its name.
        curves: see ``summary.curves_of``.
        combinations: see ``summary.combinations_of``; empty where no sequence could be missing.
        cases: how many were measured.
        conditions: how many conditions they were measured under.
        findings: what else is worth knowing.
    """

    predictor: str
    curves: tuple[Curve, ...]
    combinations: tuple[Combination, ...]
    cases: int
    conditions: int
    findings: tuple[str, ...]

    def as_dict(self) -> dict[str, object]:
        """Plain values, for robustness.json."""
        return {"unicare": __version__, "definition": DEFINITION, **asdict(self)}


def write_result(folder: Path, result: RobustnessResult, measured: Mapping[Condition, Iterable[Row]]) -> None:
    """Writes robustness.csv and robustness.json into a folder.

    Raises:
        OutputError: the place can't be written to.
    """
    write_text(folder / TABLE_FILE, _table(measured))
    text = json.dumps(result.as_dict(), indent=1, ensure_ascii=False, allow_nan=False)
    write_text(folder / CURVES_FILE, text + "\n")


def read_result(path: str | os.PathLike[str]) -> RobustnessResult:
    """Reads what ``write_result`` wrote.

    Args:
        path: robustness.json, or the folder that holds it.

    Raises:
        ImageError: it can't be read, or is something else.
    """
    file = Path(path) / CURVES_FILE if Path(path).is_dir() else Path(path)
    try:
        raw = json.loads(file.read_text(encoding="utf-8"))
        return RobustnessResult(
            predictor=raw["predictor"],
            curves=tuple(_curve(one) for one in raw["curves"]),
            combinations=tuple(
                Combination(**{**one, "figure": Interval(**one["figure"])}) for one in raw["combinations"]
            ),
            cases=raw["cases"],
            conditions=raw["conditions"],
            findings=tuple(raw["findings"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ImageError(
            f"{file}: not the curves of a study of robustness",
            found=repr(error),
            mend="make them with: unicare robustness INPUT TRUTH --out DIR",
        ) from None


def _curve(raw: Mapping[str, Any]) -> Curve:
    return Curve(
        **{
            **raw,
            "levels": tuple(raw["levels"]),
            "points": tuple(Interval(**point) for point in raw["points"]),
            "area": Area(**raw["area"]),
        }
    )


def _table(measured: Mapping[Condition, Iterable[Row]]) -> str:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for condition, rows in measured.items():
        for row in rows:
            place = (condition.kind, f"{condition.level:g}", condition.variant)
            value = "" if row.value is None else row.value
            names = (row.case, row.centre, row.distribution, row.structure, row.metric)
            writer.writerow([*place, *names, value, row.rule])
    return text.getvalue()
