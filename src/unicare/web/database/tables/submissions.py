"""What teams handed in, how it was evaluated, and what it cost of their quota."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from unicare.web.database.base import JSON_TYPE, Base, one_of

__all__ = ["Evaluation", "EvaluationState", "QuotaSlot", "Submission", "SubmissionKind"]

SubmissionKind = Literal["predictions", "container"]
EvaluationState = Literal["queued", "running", "scored", "failed", "cancelled"]


class Submission(Base):
    """What a team handed in for a task of a phase.

    Attributes:
        id: number.
        team_id: whose.
        user_id: by whom.
        task: as in challenge.yaml.
        phase: as in challenge.yaml.
        kind: label maps, or a container that makes them.
        state: where it is in its life.
        created_at: when it was handed in.
        storage_key: where it lies in the storage.
        upload_id: what it came by.
        note: the team's own words.
        report: what the team is told of its check.
        private_error: what organisers see of it.
        checked_at: when the check ended.
        attempt: how often a worker took it for checking; what an earlier attempt brings is refused.
        failures: how many of these attempts ended by no fault of the team.
        lease_owner: the worker that checks it.
        lease_expires_at: when it is taken from a worker that isn't heard of.
    """

    __tablename__ = "submissions"
    __table_args__ = (Index(None, "task", "phase", "team_id"),)

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), index=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    task: Mapped[str] = mapped_column(String(40))
    phase: Mapped[str] = mapped_column(String(40))
    kind: Mapped[SubmissionKind] = mapped_column(one_of("kind", "predictions", "container"))
    state: Mapped[str] = mapped_column(String(20), index=True)
    created_at: Mapped[datetime]
    storage_key: Mapped[str] = mapped_column(String(300))
    upload_id: Mapped[str | None] = mapped_column(ForeignKey("uploads.id"), default=None)
    note: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[dict[str, Any] | None] = mapped_column(JSON_TYPE, default=None)
    private_error: Mapped[str | None] = mapped_column(Text, default=None)
    checked_at: Mapped[datetime | None] = mapped_column(default=None)
    attempt: Mapped[int] = mapped_column(default=0, server_default="0")
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_owner: Mapped[str | None] = mapped_column(String(100), default=None)
    lease_expires_at: Mapped[datetime | None] = mapped_column(default=None)


class Evaluation(Base):
    """One evaluation of a submission; older ones stay when it is evaluated again.

    Attributes:
        id: number.
        submission_id: of what.
        number: 1 for the first, 2 for the first rerun …
        state: where it is in its life.
        queued_at: when it was queued.
        definition_version: of the metrics.
        unicare_version: that evaluated it.
        attempt: how often a worker took it; what an earlier attempt brings is refused.
        failures: how many of these attempts ended by no fault of the team.
        lease_owner: the worker that has it.
        lease_expires_at: when it is taken from a worker that isn't heard of.
        started_at: of the last attempt.
        finished_at: when it ended, well or not.
        public_error: what the team is told.
        private_error: what organisers see.
        summary: the scores.
        rows_key: where the rows of all cases lie in the storage.
    """

    __tablename__ = "evaluations"
    __table_args__ = (UniqueConstraint("submission_id", "number"), Index(None, "state", "queued_at"))

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"))
    number: Mapped[int]
    state: Mapped[EvaluationState] = mapped_column(
        one_of("state", "queued", "running", "scored", "failed", "cancelled")
    )
    queued_at: Mapped[datetime]
    definition_version: Mapped[str | None] = mapped_column(String(40), default=None)
    unicare_version: Mapped[str | None] = mapped_column(String(40), default=None)
    attempt: Mapped[int] = mapped_column(default=0)
    failures: Mapped[int] = mapped_column(default=0, server_default="0")
    lease_owner: Mapped[str | None] = mapped_column(String(100), default=None)
    lease_expires_at: Mapped[datetime | None] = mapped_column(default=None)
    started_at: Mapped[datetime | None] = mapped_column(default=None)
    finished_at: Mapped[datetime | None] = mapped_column(default=None)
    public_error: Mapped[str | None] = mapped_column(Text, default=None)
    private_error: Mapped[str | None] = mapped_column(Text, default=None)
    summary: Mapped[dict[str, Any] | None] = mapped_column(JSON_TYPE, default=None)
    rows_key: Mapped[str | None] = mapped_column(String(300), default=None)


class QuotaSlot(Base):
    """One of a team's numbered evaluations, taken by a submission; no number twice, so never one too many.

    Attributes:
        id: number of the row.
        team_id: whose quota.
        task: as in challenge.yaml.
        phase: as in challenge.yaml.
        number: from 1 to the quota.
        submission_id: what took it; a submission takes one.
        taken_at: when.
    """

    __tablename__ = "quota_slots"
    __table_args__ = (
        UniqueConstraint("team_id", "task", "phase", "number"),
        CheckConstraint("number >= 1", name="number"),
    )

    id: Mapped[int] = mapped_column(primary_key=True, init=False)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    task: Mapped[str] = mapped_column(String(40))
    phase: Mapped[str] = mapped_column(String(40))
    number: Mapped[int]
    submission_id: Mapped[int] = mapped_column(ForeignKey("submissions.id"), unique=True)
    taken_at: Mapped[datetime]
