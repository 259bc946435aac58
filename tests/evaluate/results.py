"""Results of teams for the tests of ranking: tables from arrays, rows from numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unicare.data.cohort import CohortRow
from unicare.evaluate.ranking.table import CaseFacts, ResultTable
from unicare.evaluate.rows import Row


def row(case: str, value: float | None, metric: str = "dice", structure: str = "liver", **facts: Any) -> Row:
    place = {"centre": "", "distribution": "", "label": 1, "rule": "measured", **facts}
    return Row(case=case, structure=structure, metric=metric, value=value, **place)


def rows_of(values: Mapping[str, float | None], **facts: Any) -> list[Row]:
    return [row(case, value, **facts) for case, value in values.items()]


def patient(case: str, **facts: Any) -> CohortRow:
    plain: dict[str, Any] = {
        "patient": f"of {case}",
        "centre": "A",
        "vendor": "",
        "task": "liver",
        "split": "test",
        "distribution": "ID",
        "sequences": ("CT",),
        "annotated": (),
    }
    return CohortRow(case=case, **{**plain, **facts})


def table_of(
    dice: Any,
    hausdorff_mm: Any = None,
    *,
    facts: Sequence[CaseFacts] | None = None,
    teams: Sequence[str] | None = None,
) -> ResultTable:
    """A table from arrays of teams × cases, or teams × cases × structures."""
    metrics = {"dice": np.asarray(dice, dtype=float)}
    if hausdorff_mm is not None:
        metrics["hausdorff_mm"] = np.asarray(hausdorff_mm, dtype=float)
    values = np.stack(list(metrics.values()), axis=-1)
    if values.ndim == 3:
        values = values[:, :, None]
    count = values.shape[1]
    return ResultTable(
        teams=tuple(teams or (chr(ord("a") + index) for index in range(len(values)))),
        cases=tuple(facts or (CaseFacts(f"case{n:03d}", f"patient{n:03d}", "A") for n in range(count))),
        structures=tuple(f"structure {index}" for index in range(values.shape[2])),
        metrics=tuple(metrics),
        values=values,
    )
