"""Which of a team's runs stands on a board: the latest, or the best by the board's own sort."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unicare.evaluate.ranking.boards import Board
from unicare.evaluate.rows import Row
from unicare.web.standings.counting import Run
from unicare.web.standings.rank import TaskRows, best_run

__all__ = ["Choices", "by_team_and_task"]


def by_team_and_task(runs: Sequence[Run]) -> dict[tuple[int, str], list[Run]]:
    """The runs of each team and task, in the order in which they were handed in."""
    found: dict[tuple[int, str], list[Run]] = {}
    for run in runs:
        found.setdefault((run.team_id, run.task), []).append(run)
    return found


class Choices:
    """The best of a team's runs; what was chosen before between the same runs isn't looked at again.

    Args:
        board: whose own sort decides.
        kinds: task to what boards call it.
        read: gives the rows of a run.
        manifest: gives a task's manifest.
        before: ``made`` of the state before, if the same rules hold.

    Attributes:
        made: all choices, for the next state.
    """

    def __init__(
        self,
        board: Board,
        kinds: Mapping[str, str],
        read: Callable[[str], Sequence[Row]],
        manifest: Callable[[str], Sequence[Any]],
        before: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self._board = board
        self._kinds = kinds
        self._read = read
        self._manifest = manifest
        self._before = {tuple(one["among"]): one["chosen"] for one in before}
        self.made: list[dict[str, Any]] = []

    def best(self, runs: Sequence[Run]) -> Run:
        """The best of the runs of one team and task, in the order in which they were handed in."""
        if len(runs) == 1:
            return runs[0]
        by_id = {run.evaluation_id: run for run in runs}
        among = tuple(by_id)
        chosen = self._before.get(among)
        if chosen is None:
            task = runs[0].task
            rows = {str(run.evaluation_id): self._read(run.rows_key) for run in runs}
            chosen = int(best_run(self._board, TaskRows(self._kinds[task], rows, self._manifest(task))))
        self.made.append({"among": list(among), "chosen": chosen})
        return by_id[chosen]
