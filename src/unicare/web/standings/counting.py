"""Which runs can count for a board, as the database has them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from unicare.web.boards.rules import frozen_from
from unicare.web.challenge import BoardEntry, Challenge
from unicare.web.database.tables import BaselineRun, Evaluation, Submission, Team, Upload

__all__ = ["Candidates", "Run", "RunOfBaseline", "candidates", "digest", "still_running"]

_HANDED_IN = func.coalesce(Upload.finished_at, Submission.created_at)
_ON_ITS_WAY = ("uploaded", "checking", "queued", "running")


@dataclass(frozen=True)
class Run:
    """The newest scored evaluation of a submission.

    Attributes:
        team_id: whose.
        team: its name.
        task: as in challenge.yaml.
        submission_id: which submission.
        evaluation_id: which of its evaluations.
        rows_key: where its rows lie in the storage.
        definition: version of the metrics.
    """

    team_id: int
    team: str
    task: str
    submission_id: int
    evaluation_id: int
    rows_key: str
    definition: str


@dataclass(frozen=True)
class RunOfBaseline:
    """An evaluated baseline.

    Attributes:
        name: as in challenge.yaml.
        task: the same.
        run_id: number of the evaluation.
        rows_key: where its rows lie in the storage.
    """

    name: str
    task: str
    run_id: int
    rows_key: str


@dataclass(frozen=True)
class Candidates:
    """All runs that a board is made of, or chosen from.

    Attributes:
        runs: of teams, those of a team and task in the order in which they were handed in.
        baselines: of organisers.
    """

    runs: tuple[Run, ...]
    baselines: tuple[RunOfBaseline, ...]

    @property
    def digest(self) -> str:
        """Another one for other runs, or other names of teams."""
        runs = [
            (one.team_id, one.team, one.task, one.submission_id, one.evaluation_id, one.definition)
            for one in self.runs
        ]
        return digest([runs, [(one.name, one.task, one.run_id) for one in self.baselines]])


def digest(value: Any) -> str:
    """SHA-256 of a JSON value."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def candidates(session: Session, challenge: Challenge, entry: BoardEntry) -> Candidates:
    """The runs that can count for a board at this moment.

    Of each submission it is the newest evaluation that has a score. A submission is handed in when its last
    byte has come; those handed in after the board is frozen don't count, nor do teams that are disqualified
    or dissolved.
    """
    tasks = [task.name for task in challenge.tasks_on(entry)]
    return Candidates(
        _runs(session, tasks, entry.phase, frozen_from(challenge, entry)),
        _baselines(session, [one.name for one in challenge.baselines], tasks, entry.phase),
    )


def _runs(session: Session, tasks: Sequence[str], phase: str, until: datetime | None) -> tuple[Run, ...]:
    newest = (
        select(Evaluation.submission_id, func.max(Evaluation.number).label("number"))
        .where(Evaluation.state == "scored")
        .group_by(Evaluation.submission_id)
        .subquery()
    )
    wanted = (
        select(
            *(Submission.team_id, Team.name.label("team"), Submission.task, Evaluation.submission_id),
            *(Evaluation.id.label("evaluation_id"), Evaluation.rows_key),
            func.coalesce(Evaluation.definition_version, "").label("definition"),
        )
        .join(Team, Team.id == Submission.team_id)
        .join(newest, newest.c.submission_id == Submission.id)
        .join(
            Evaluation,
            (Evaluation.submission_id == newest.c.submission_id) & (Evaluation.number == newest.c.number),
        )
        .join(Upload, Upload.id == Submission.upload_id, isouter=True)
        .where(Submission.phase == phase, Submission.task.in_(tasks))
        .where(Team.disqualified_at.is_(None), Team.dissolved_at.is_(None), Evaluation.rows_key.is_not(None))
        .order_by(Team.name, Team.id, Submission.task, _HANDED_IN, Submission.id)
    )
    if until is not None:
        wanted = wanted.where(until > _HANDED_IN)
    return tuple(Run(**row._mapping) for row in session.execute(wanted))


def _baselines(
    session: Session, names: Sequence[str], tasks: Sequence[str], phase: str
) -> tuple[RunOfBaseline, ...]:
    """The last one of each baseline and task."""
    if not names:
        return ()
    every = select(BaselineRun).where(
        BaselineRun.name.in_(names), BaselineRun.phase == phase, BaselineRun.task.in_(tasks)
    )
    last = {
        (one.name, one.task): one
        for one in session.scalars(every.order_by(BaselineRun.evaluated_at, BaselineRun.id))
    }
    return tuple(
        RunOfBaseline(one.name, one.task, one.id, one.rows_key)
        for _, one in sorted(last.items())
        if one.rows_key is not None
    )


def still_running(
    session: Session, challenge: Challenge, entry: BoardEntry, *, uploading_since: datetime | None = None
) -> bool:
    """Whether anything that was handed in for a board before it is frozen hasn't come to its end.

    Args:
        session: of the transaction.
        challenge: whose board it is.
        entry: the board.
        uploading_since: uploads that were begun before this moment are waited for as well, since their last
            byte may have come in time.
    """
    tasks = [task.name for task in challenge.tasks_on(entry)]
    whole = (Submission.state == "uploading") & Upload.finished_at.is_not(None)
    states = Submission.state.in_(_ON_ITS_WAY) | Evaluation.state.in_(("queued", "running")) | whole
    until = frozen_from(challenge, entry)
    found: ColumnElement[bool] = states if until is None else (until > _HANDED_IN) & states
    if uploading_since is not None:
        found = or_(found, (Submission.state == "uploading") & (Submission.created_at < uploading_since))
    waiting = (
        select(Submission.id)
        .join(Team, Team.id == Submission.team_id)
        .join(Upload, Upload.id == Submission.upload_id, isouter=True)
        .join(Evaluation, Evaluation.submission_id == Submission.id, isouter=True)
        .where(Submission.phase == entry.phase, Submission.task.in_(tasks))
        .where(Team.disqualified_at.is_(None), Team.dissolved_at.is_(None))
        .where(found)
        .limit(1)
    )
    return session.scalar(waiting) is not None
