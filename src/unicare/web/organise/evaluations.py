"""An evaluation of a submission, as organisers see it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from unicare.web.database.tables import Evaluation, EvaluationState
from unicare.web.facts.base import Facts

__all__ = ["EvaluationRecord", "MeanRecord", "evaluation_record"]


class MeanRecord(Facts):
    """A mean over cases.

    Attributes:
        structure: of what.
        label: its value in label maps; null for cases as a whole.
        metric: what was measured.
        mean: over the cases with a figure; null if there is none.
        sd: standard deviation; null for fewer than two cases.
        n: cases with a figure.
    """

    structure: str
    label: int | None
    metric: str
    mean: float | None
    sd: float | None
    n: int


class EvaluationRecord(Facts):
    """One evaluation of a submission.

    Attributes:
        id: of the evaluation.
        number: 1 for the first, 2 for the first rerun …
        state: where it is in its life.
        queued_at: when it was queued.
        started_at: of the last attempt; null if there was none.
        finished_at: when it ended, well or not; null if it hasn't.
        definition_version: of the metrics; null without a score.
        unicare_version: that scored it; the same.
        attempts: how often a worker took it.
        faults: how many of these ended by no fault of the team.
        worker: that has it; null if none has.
        lease_expires_at: when it is taken from a worker that isn't heard of.
        public_error: what the team is told.
        private_error: what went wrong, in full.
        cases: how many were scored; null without a score.
        figures: means of all structures and metrics.
    """

    id: int
    number: int
    state: EvaluationState
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    definition_version: str | None
    unicare_version: str | None
    attempts: int
    faults: int
    worker: str | None
    lease_expires_at: datetime | None
    public_error: str | None
    private_error: str | None
    cases: int | None
    figures: tuple[MeanRecord, ...]


def evaluation_record(row: Evaluation) -> EvaluationRecord:
    """All that is known of an evaluation."""
    summary: Mapping[str, Any] = row.summary or {}
    return EvaluationRecord(
        id=row.id,
        number=row.number,
        state=row.state,
        queued_at=row.queued_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        definition_version=row.definition_version,
        unicare_version=row.unicare_version,
        attempts=row.attempt,
        faults=row.failures,
        worker=row.lease_owner,
        lease_expires_at=row.lease_expires_at,
        public_error=row.public_error,
        private_error=row.private_error,
        cases=summary.get("scored"),
        figures=tuple(_figure(one) for one in summary.get("structures", ())),
    )


def _figure(one: Mapping[str, Any]) -> MeanRecord:
    return MeanRecord(
        structure=str(one["structure"]),
        label=one.get("label"),
        metric=str(one["metric"]),
        mean=one.get("mean"),
        sd=one.get("sd"),
        n=int(one.get("n", 0)),
    )
