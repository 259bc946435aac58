"""A board's state as the database keeps it: everything that is needed to show it, as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter

from unicare.evaluate.ranking.standings import BoardResult
from unicare.web.standings.counting import Run
from unicare.web.standings.rank import RankedRuns

__all__ = ["Place", "make_content", "places", "ranked_by", "team_names"]

_FORMAT = 1
_RESULT = TypeAdapter(BoardResult)


@dataclass(frozen=True)
class Place:
    """Where a team stands in a table.

    Attributes:
        score: what its rank follows from.
        rank: from 1.
    """

    score: float
    rank: int


def make_content(
    by_sort: Mapping[str, RankedRuns], counting: Sequence[Run], choices: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The content of a state.

    Args:
        by_sort: the board ranked by each column that one may choose.
        counting: the run of every team and task that stands on it.
        choices: between which runs the best ones were chosen, see ``unicare.web.standings.choose``.
    """
    ranked = list(by_sort.values())
    return {
        "format": _FORMAT,
        "sorts": {
            sort: {"teams": _kept(one.teams), "baselines": _kept(one.baselines)}
            for sort, one in by_sort.items()
        },
        "teams": [
            {"id": number, "name": name}
            for number, name in dict.fromkeys((run.team_id, run.team) for run in counting)
        ],
        "runs": [
            {
                "team": run.team_id,
                "task": run.task,
                "submission": run.submission_id,
                "evaluation": run.evaluation_id,
                "definition": run.definition,
            }
            for run in counting
        ],
        "choices": list(choices),
        "notes": [*dict.fromkeys(note for one in ranked for note in one.notes), *_definitions(counting)],
    }


def ranked_by(content: Mapping[str, Any], sort: str) -> RankedRuns:
    """What ``make_content`` was given, but for the p of single pairs, which no page shows.

    A sort that the state doesn't have, since the board's rules have changed, stands for the first.
    """
    sorts = content["sorts"]
    found = sorts.get(sort) or next(iter(sorts.values()), {"teams": None, "baselines": None})
    return RankedRuns(_read(found["teams"]), _read(found["baselines"]), tuple(content["notes"]))


def team_names(content: Mapping[str, Any]) -> dict[int, str]:
    """Number to name of the teams on the board."""
    return {one["id"]: one["name"] for one in content["teams"]}


def places(content: Mapping[str, Any]) -> dict[tuple[str, str, int], Place]:
    """Sort, table and team's number to where the team stands."""
    numbers = {one["name"]: one["id"] for one in content["teams"]}
    return {
        (sort, table["name"], numbers[row["team"]]): Place(row["score"]["value"], row["rank"]["rank"])
        for sort, found in content["sorts"].items()
        if found["teams"] is not None
        for table in _tables(found["teams"])
        for row in table["rows"]
        if row["score"]["value"] is not None
    }


def _tables(result: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from result["tables"]
    if result["overall"] is not None:
        yield result["overall"]


def _kept(result: BoardResult | None) -> dict[str, object] | None:
    if result is None:
        return None
    overall = None if result.overall is None else replace(result.overall, p_values=None)
    tables = tuple(replace(table, p_values=None) for table in result.tables)
    return replace(result, tables=tables, overall=overall).as_dict()


def _read(kept: Mapping[str, Any] | None) -> BoardResult | None:
    return None if kept is None else _RESULT.validate_python(kept)


def _definitions(counting: Sequence[Run]) -> list[str]:
    """A sentence where not all runs were measured alike, while they are evaluated again."""
    versions = sorted({run.definition for run in counting})
    if len(versions) < 2:
        return []
    return [f"not all runs are evaluated alike yet: by versions {' and '.join(versions)} of the metrics"]
