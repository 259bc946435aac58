"""The rows of a submission's last evaluation: every figure of every case, and the worst cases."""

from __future__ import annotations

import csv
import io
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from unicare.evaluate.rows import ERROR, Row, plain, read_rows
from unicare.metrics.catalogue import CATALOGUE
from unicare.web.accounts.people import Person
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.database.tables import Evaluation, Submission
from unicare.web.facts.cases import CaseFacts, CasesFacts, FigureOfCase, MetricFacts, StructureFacts
from unicare.web.hand_in.sight import Sight, phase_of, sight_of, visible_submission
from unicare.web.life import WorkingSite
from unicare.web.sandbox.places import run_folder
from unicare.web.sheets import sheet_cell

__all__ = ["Results", "WorstCase", "case_facts", "cases_csv", "results_of", "worst_cases"]

MOST_WORST = 5

_COLUMNS = ("case", "distribution", "label", "structure", "metric", "value", "rule")
_BY = "dice"


@dataclass(frozen=True)
class Results:
    """What the last evaluation that came to its end found.

    Attributes:
        submission: that was evaluated.
        number: of the evaluation.
        rows: every figure.
        sight: what whoever asks may see.
    """

    submission: Submission
    number: int
    rows: tuple[Row, ...]
    sight: Sight


@dataclass(frozen=True)
class WorstCase:
    """A case, and how bad it is.

    Attributes:
        case: its id.
        distribution: ID or OOD; empty if not known.
        dice: mean over its structures.
        rows: their Dice.
    """

    case: str
    distribution: str
    dice: float
    rows: tuple[Row, ...]


def results_of(
    site: WorkingSite, person: Person, submission_id: int, now: datetime, *, worst: bool = False
) -> Results:
    """The rows of a submission, for somebody who may see its cases.

    Args:
        site: where it is.
        person: who asks.
        submission_id: which one.
        now: this moment.
        worst: whether its worst cases are asked for, which fewer may see.

    Raises:
        AccountError: there is none, its cases aren't shown (now), or it has no score.
    """
    with site.database.reading() as session:
        submission = visible_submission(session, person, submission_id)
        sight = sight_of(phase_of(site.challenge, submission.phase), person, now)
        _refuse_unless_shown(sight, submission, worst)
        every = select(Evaluation.number, Evaluation.rows_key).where(
            Evaluation.submission_id == submission_id, Evaluation.rows_key.is_not(None)
        )
        found = session.execute(every.order_by(Evaluation.number.desc()).limit(1)).one_or_none()
    if found is None or found.rows_key is None:
        raise AccountError("this submission has no score", Reason.NOT_FOUND)
    return Results(submission, found.number, _read(site, found.rows_key), sight)


def _refuse_unless_shown(sight: Sight, submission: Submission, worst: bool) -> None:
    if sight.cases and (sight.worst or not worst):
        return
    if submission.kind == "container":
        told = "cases of a hidden test set are shown to nobody"
    elif sight.cases:
        told = "worst cases of this phase aren't shown"
    elif sight.scores_from is not None:
        told = f"scores of this phase are shown from {sight.scores_from:%Y-%m-%d %H:%M} UTC on"
    else:
        told = "scores of this phase aren't shown"
    raise AccountError(told, Reason.NOT_ALLOWED)


def _read(site: WorkingSite, key: str) -> tuple[Row, ...]:
    with run_folder(site.scratch) as folder:
        file = folder / "rows.parquet"
        try:
            site.storage.get(key, file)
        except FileNotFoundError:
            raise AccountError("the figures of this submission's cases are gone", Reason.NOT_FOUND) from None
        return read_rows(file)


def case_facts(results: Results) -> CasesFacts:
    """All figures, by case."""
    figures = [row for row in results.rows if row.metric != ERROR]
    cases: dict[str, list[Row]] = {}
    for row in results.rows:
        cases.setdefault(row.case, []).append(row)
    return CasesFacts(
        submission=results.submission.id,
        evaluation=results.number,
        metrics=tuple(_metric(name) for name in dict.fromkeys(row.metric for row in figures)),
        structures=tuple(
            StructureFacts(label=label, name=name)
            for label, name in dict.fromkeys((row.label, row.structure) for row in figures)
        ),
        cases=tuple(
            CaseFacts(case=case, distribution=rows[0].distribution, figures=figures_of(rows))
            for case, rows in sorted(cases.items())
        ),
    )


def figures_of(rows: Iterable[Row]) -> tuple[FigureOfCase, ...]:
    """The same rows as they are answered with; infinite and undefined figures have no value."""
    return tuple(
        FigureOfCase(
            label=row.label,
            structure=row.structure,
            metric=row.metric,
            value=plain(row.value),  # type: ignore[arg-type]
            rule=row.rule,
        )
        for row in rows
    )


def cases_csv(results: Results) -> str:
    """One line for each figure, with all its digits, as in the metrics.csv of ``unicare evaluate``.

    Centres aren't told. Texts that a spreadsheet would take for a formula begin with an apostrophe.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(_COLUMNS)
    writer.writerows([sheet_cell(getattr(row, name)) for name in _COLUMNS] for row in results.rows)
    return text.getvalue()


def worst_cases(rows: Sequence[Row], most: int = MOST_WORST) -> tuple[WorstCase, ...]:
    """The cases of lowest Dice, which is the mean over the case's structures; ties by name.

    Always the same few: the files of others aren't given out, or all truths could be fetched one by one.
    """
    cases: dict[str, list[Row]] = {}
    for row in rows:
        if row.metric == _BY and row.label is not None and plain(row.value) is not None:
            cases.setdefault(row.case, []).append(row)
    found = [
        WorstCase(
            case,
            own[0].distribution,
            statistics.fmean(row.value for row in own if row.value is not None),
            tuple(own),
        )
        for case, own in cases.items()
    ]
    return tuple(sorted(found, key=lambda one: (one.dice, one.case))[:most])


def _metric(name: str) -> MetricFacts:
    metric = CATALOGUE.get(name)
    if metric is None:
        return MetricFacts(name=name, title=name, unit="", better="neither")
    return MetricFacts(name=name, title=metric.title, unit=metric.unit, better=metric.better)
