"""The figures of several teams as one dense array: teams × cases × structures × metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import SettingsError
from unicare.data.cohort import CohortRow
from unicare.evaluate.rows import ERROR, WHOLE_CASE, Row
from unicare.metrics.catalogue import CATALOGUE, Metric

__all__ = ["RANKABLE", "CaseFacts", "ResultTable", "build_table", "goodness"]

RANKABLE: Mapping[str, Metric] = {
    **{name: metric for name, metric in CATALOGUE.items() if metric.better != "neither"},
    "run_time_s": Metric("run_time_s", "Run time", "lower", "s", (0.0, None)),
}
"""What teams can be ranked by: the metrics of the catalogue that have a better end, and the run time."""


@dataclass(frozen=True)
class CaseFacts:
    """What is known of a case beside its figures.

    Attributes:
        case: its id.
        patient: whose case it is; the case's own id where that isn't known.
        centre: where it was scanned.
        distribution: ``ID``, ``OOD`` or empty.
        task: the challenge's task, empty if not known.
        subgroups: column of the manifest to the case's value.
    """

    case: str
    patient: str
    centre: str = ""
    distribution: str = ""
    task: str = ""
    subgroups: Mapping[str, str] = field(default_factory=dict)

    def subgroup(self, column: str) -> str:
        """The case's group by that column, empty if not known."""
        own = {"centre": self.centre, "distribution": self.distribution, "task": self.task}
        return own[column] if column in own else self.subgroups.get(column, "")


@dataclass(frozen=True, eq=False)
class ResultTable:
    """Figures of teams.

    Attributes:
        teams: their names, in the order they were given.
        cases: in order of task and id, whatever order the rows came in.
        structures: in order of appearance; ``all`` for figures of whole cases.
        metrics: in order of appearance.
        values: teams × cases × structures × metrics; nan where the team has no figure.
    """

    teams: tuple[str, ...]
    cases: tuple[CaseFacts, ...]
    structures: tuple[str, ...]
    metrics: tuple[str, ...]
    values: NDArray[np.float64]

    @cached_property
    def scored(self) -> NDArray[np.bool_]:
        """Cases × structures × metrics: where any team has a figure, so that every team should."""
        return np.asarray(~np.isnan(self.values).all(axis=0))

    def select(self, cases: NDArray[np.bool_], structures: Sequence[str] | None = None) -> ResultTable:
        """Some of the cases, and of the structures (those that are there); whole-case figures stay."""
        kept = [
            index
            for index, name in enumerate(self.structures)
            if structures is None or name in (*structures, WHOLE_CASE)
        ]
        return replace(
            self,
            cases=tuple(case for case, wanted in zip(self.cases, cases, strict=True) if wanted),
            structures=tuple(self.structures[index] for index in kept),
            values=self.values[:, cases][:, :, kept],
        )

    def figures(self, metric: str) -> NDArray[np.float64]:
        """One metric, a team's missing figures counted as the worst.

        The worst is the worst possible value of the metric (Dice 0). Where there is none (distances), it is
        the worst that any team has in these cases. Errors without a sign (``nearer_zero``) are made absolute.

        Returns:
            teams × cases × structures; nan where nobody has a figure.
        """
        found = self._plain(metric)
        scored = ~np.isnan(found).all(axis=0)
        filled = np.where(np.isnan(found), worst_figure(RANKABLE[metric], found), found)
        return np.where(scored, filled, np.nan)

    def missing(self, metric: str) -> NDArray[np.int64]:
        """For each team, the cases in which it lacks a figure that another team has."""
        found = self._plain(metric)
        scored = ~np.isnan(found).all(axis=0)
        return np.asarray((np.isnan(found) & scored).any(axis=2).sum(axis=1), dtype=np.int64)

    def has_results(self, metric: str) -> NDArray[np.bool_]:
        """For each team, whether it has any figure at all."""
        return np.asarray(~np.isnan(self._plain(metric)).all(axis=(1, 2)))

    def _plain(self, metric: str) -> NDArray[np.float64]:
        if metric not in self.metrics:
            return np.full(self.values.shape[:3], np.nan)
        values: NDArray[np.float64] = self.values[..., self.metrics.index(metric)]
        return np.abs(values) if RANKABLE[metric].better == "nearer_zero" else values


def worst_figure(metric: Metric, found: NDArray[np.float64]) -> float:
    """What a missing figure counts as: the worst possible one, or else the worst that was found."""
    higher = metric.better == "higher"
    bound = metric.bounds[0] if higher else metric.bounds[1]
    if bound is not None:
        return bound
    present = found[~np.isnan(found)]
    if not present.size:
        return float("nan")
    return float(present.min() if higher else present.max())


def goodness(metric: Metric, figures: NDArray[np.float64]) -> NDArray[np.float64]:
    """Figures turned so that higher is better; what isn't a finite number is the worst of all."""
    turned = figures if metric.better == "higher" else -figures
    return np.where(np.isfinite(figures), turned, -np.inf)


def build_table(results: Mapping[str, Sequence[Row]], cohort: Sequence[CohortRow] = ()) -> ResultTable:
    """Puts every team's rows into one array.

    Args:
        results: team to the rows of its evaluations, of one or of several tasks.
        cohort: rows of the manifest: patient, centre, distribution, task and subgroups of every case.

    Raises:
        SettingsError: no team, no figure, a figure given twice, or a case that could be of several tasks.
    """
    known: dict[str, list[CohortRow]] = {}
    for one in cohort:
        known.setdefault(one.case, []).append(one)
    cells: dict[tuple[str, tuple[str, str], str, str], float] = {}
    facts: dict[tuple[str, str], CaseFacts] = {}
    asked: dict[tuple[object, ...], CaseFacts] = {}
    for team, rows in results.items():
        for row in rows:
            if row.metric == ERROR or row.value is None or row.metric not in RANKABLE:
                continue
            place = (row.case, row.centre, row.distribution, row.label)
            if place not in asked:
                asked[place] = _facts(row, known.get(row.case, ()))
            case = asked[place]
            key = (team, (case.task, case.case), row.structure, row.metric)
            if key in cells:
                raise SettingsError(
                    f"team {team}: case {row.case} has {row.metric} of {row.structure} twice",
                    expected="one figure",
                    mend="give each evaluation once, and a manifest if several tasks share case names",
                )
            cells[key] = row.value
            facts.setdefault((case.task, case.case), case)
    if not cells:
        raise SettingsError(
            "nothing to rank", found=f"{len(results)} teams without a figure", expected="rows of metrics.csv"
        )
    return _dense(tuple(results), facts, cells)


def _dense(
    teams: tuple[str, ...],
    facts: Mapping[tuple[str, str], CaseFacts],
    cells: Mapping[tuple[str, tuple[str, str], str, str], float],
) -> ResultTable:
    cases = sorted(facts)
    structures = tuple(dict.fromkeys(key[2] for key in cells))
    metrics = tuple(dict.fromkeys(key[3] for key in cells))
    places = [
        {name: index for index, name in enumerate(axis)} for axis in (teams, cases, structures, metrics)
    ]
    values = np.full((len(teams), len(cases), len(structures), len(metrics)), np.nan)
    index = np.array([[place[part] for place, part in zip(places, key, strict=True)] for key in cells])
    values[tuple(index.T)] = np.fromiter(cells.values(), dtype=np.float64, count=len(cells))
    return ResultTable(teams, tuple(facts[case] for case in cases), structures, metrics, values)


def _facts(row: Row, candidates: Sequence[CohortRow]) -> CaseFacts:
    if not candidates:
        return CaseFacts(row.case, row.case, row.centre, row.distribution)
    fitting = [one for one in candidates if _fits(row, one)] if len(candidates) > 1 else candidates
    if len(fitting) != 1:
        raise SettingsError(
            f"case {row.case}: its figures fit {len(fitting)} of the manifest's rows",
            found=", ".join(one.task for one in fitting) or "none",
            expected="one row",
            mend="rank with a manifest in which every case has one task",
        )
    found = fitting[0]
    return CaseFacts(
        case=row.case,
        patient=found.patient or row.case,
        centre=found.centre,
        distribution=found.distribution,
        task=found.task,
        subgroups=_subgroups(found),
    )


def _fits(row: Row, candidate: CohortRow) -> bool:
    return (
        row.centre in ("", candidate.centre)
        and row.distribution in ("", candidate.distribution)
        and (row.label is None or not candidate.annotated or row.label in candidate.annotated)
    )


def _subgroups(row: CohortRow) -> dict[str, str]:
    strength = "" if row.field_strength_t is None else f"{row.field_strength_t:g}"
    plain = {
        "vendor": row.vendor,
        "sex": row.sex,
        "age_band": row.age_band,
        "field_strength_t": strength,
        "sequences": "+".join(row.sequences),
    }
    return {**plain, **getattr(row, "subgroups", {})}
