"""Runs that nobody handed in, ranked as real ones are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np

from unicare.data.cohort import CohortRow
from unicare.evaluate.ranking.rank import rank_teams
from unicare.evaluate.ranking.table import build_table
from unicare.evaluate.rows import Row
from unicare.web.boards import Change, NoScores, Scored
from unicare.web.challenge import BoardEntry

AS_OF = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

DISTRIBUTIONS: tuple[Literal["ID", "OOD"], ...] = ("ID", "OOD")
SKILL = {"North": 0.90, "East": 0.88, "South": 0.80, "<b>West</b> & =1+1": 0.60}


class MadeScores(NoScores):
    """Ranks made-up rows: eight patients of two centres for each task and distribution."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, datetime | None]] = []

    def scored(self, entry: BoardEntry, sort: str, until: datetime | None) -> Scored | None:
        """Ranks them."""
        self.asked.append((entry.name, sort, until))
        tasks = sorted({part.task or "la" for part in entry.board.parts})
        results, cohort = made_rows(tuple(tasks))
        table = build_table(results, cohort)
        result = rank_teams(entry.board, table, sort=sort or None, bootstrap=50)
        return Scored(result, AS_OF)

    def history(self, entry: BoardEntry, sort: str, number: int | None) -> tuple[Change, ...]:
        """Every team was half as good a month before; the first had left for a week."""
        shown = self.scored(entry, sort, None)
        assert shown is not None
        assert shown.result is not None
        return tuple(
            Change(table.name, row.team, AS_OF - timedelta(days=days), score, rank)
            for days, part in ((30, 0.5), (20, None), (13, 1.0))
            for table in shown.result.tables
            for row in table.rows
            for score, rank in [
                (None, None) if part is None else ((row.score.value or 0) * part, row.rank.rank)
            ]
            if part is not None or row.team == "North"
        )


def made_rows(tasks: tuple[str, ...]) -> tuple[dict[str, list[Row]], list[CohortRow]]:
    """Rows of every team, and the manifest."""
    random = np.random.default_rng(0)
    results: dict[str, list[Row]] = {team: [] for team in SKILL}
    cohort = []
    for task in tasks:
        for distribution in DISTRIBUTIONS:
            for number in range(8):
                case = f"{task}{distribution}{number}"
                centre = f"{distribution}{number % 2}"
                cohort.append(
                    CohortRow(case, case, centre, "made", task, "test", distribution, ("LGE",), (420,))
                )
                for team, skill in SKILL.items():
                    dice = skill - (distribution == "OOD") * 0.1 + random.normal(0, 0.02)
                    for metric, value in (("dice", dice), ("hausdorff_mm", 40 * (1 - dice))):
                        results[team].append(
                            Row(case, centre, distribution, 420, "left atrium", metric, value, "measured")
                        )
    return results, cohort
