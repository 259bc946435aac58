"""What teams have left of their evaluations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.web.accounts.people import Person
from unicare.web.challenge import Challenge, Phase
from unicare.web.database.tables import QuotaSlot, Submission, SubmissionKind
from unicare.web.facts.submissions import QuotaFacts
from unicare.web.life import State, WorkingSite
from unicare.web.life.site import largest_upload
from unicare.web.life.watch import unattended

__all__ = ["quota_of", "quotas_of", "task_title"]

_ARRIVING = (State.UPLOADING, State.UPLOADED, State.CHECKING)


def quotas_of(site: WorkingSite, person: Person, now: datetime) -> tuple[QuotaFacts, ...]:
    """What a person's team has left, for each phase and task in the challenge's order."""
    assert person.team_id is not None
    with site.database.reading() as session:
        taken = _slots(session, person.team_id)
        arriving = _arriving(session, person.team_id)
        waiting = unattended(session, site.challenge, now)
        return tuple(
            _quota_facts(site, phase, task.name, taken, arriving, waiting, now)
            for phase in site.challenge.phases
            for task in site.challenge.tasks_of(phase)
        )


def task_title(challenge: Challenge, name: str) -> str:
    """A task's title; its name if the challenge has it no more."""
    return next((one.title for one in challenge.tasks if one.name == name), name)


@dataclass(frozen=True)
class _Slots:
    scored: Mapping[tuple[str, str], int]
    at_work: Mapping[tuple[str, str], int]


def _slots(session: Session, team_id: int) -> _Slots:
    """What a team has taken, by phase and task."""
    count = select(QuotaSlot.phase, QuotaSlot.task, Submission.state, func.count()).join(
        Submission, Submission.id == QuotaSlot.submission_id
    )
    scored: dict[tuple[str, str], int] = {}
    at_work: dict[tuple[str, str], int] = {}
    groups = count.where(QuotaSlot.team_id == team_id)
    for phase, task, state, number in session.execute(
        groups.group_by(QuotaSlot.phase, QuotaSlot.task, Submission.state)
    ):
        part = scored if state == State.SCORED else at_work
        part[phase, task] = part.get((phase, task), 0) + number
    return _Slots(scored, at_work)


def _arriving(session: Session, team_id: int) -> dict[tuple[str, str], int]:
    count = select(Submission.phase, Submission.task, func.count()).where(
        Submission.team_id == team_id, Submission.state.in_(_ARRIVING)
    )
    rows = session.execute(count.group_by(Submission.phase, Submission.task))
    return {(phase, task): number for phase, task, number in rows}


def quota_of(
    session: Session, site: WorkingSite, team_id: int, phase: Phase | None, task: str, now: datetime
) -> QuotaFacts | None:
    """What a team has left for one task of one phase; None if the challenge has these no more."""
    if phase is None or all(one.name != task for one in site.challenge.tasks):
        return None
    waiting = unattended(session, site.challenge, now)
    return _quota_facts(
        site, phase, task, _slots(session, team_id), _arriving(session, team_id), waiting, now
    )


def _quota_facts(
    site: WorkingSite,
    phase: Phase,
    task: str,
    slots: _Slots,
    arriving: Mapping[tuple[str, str], int],
    waiting: Mapping[SubmissionKind, datetime],
    now: datetime,
) -> QuotaFacts:
    where = (phase.name, task)
    used, under_way = slots.scored.get(where, 0), slots.at_work.get(where, 0)
    return QuotaFacts(
        phase=phase.name,
        phase_title=phase.title or phase.name,
        task=task,
        task_title=task_title(site.challenge, task),
        kind=phase.kind,
        state=phase.state(now),
        closes=phase.closes,
        quota=phase.quota,
        used=used,
        under_way=under_way,
        left=max(0, phase.quota - used - under_way),
        arriving=arriving.get(where, 0),
        largest_bytes=largest_upload(site.challenge, phase, site.settings),
        hands_out_images=phase.hand_out_images and phase.kind == "predictions",
        unattended_since=waiting.get(phase.kind),
    )
