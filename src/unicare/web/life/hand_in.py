"""What teams and organisers do with submissions: hand in, queue, cancel, evaluate again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from unicare.core.errors import SubmissionError
from unicare.web.challenge import Challenge, Phase, PhaseState
from unicare.web.database import record
from unicare.web.database.tables import Evaluation, Submission, Team, Upload
from unicare.web.life.moves import latest_evaluation, move_evaluation, move_submission
from unicare.web.life.quota import check_failures, check_quota, take_slot
from unicare.web.life.states import HOLDS_SLOT, SUBMISSION_MOVES, MoveRefusedError, State, find_move

__all__ = [
    "begin_submission",
    "cancel_submission",
    "evaluate_again",
    "finish_upload",
    "place_in_queue",
    "queue_submission",
    "refuse_unless_taking_part",
]


def begin_submission(
    session: Session,
    challenge: Challenge,
    *,
    team_id: int,
    user_id: int,
    task: str,
    phase: str,
    upload_id: str,
    now: datetime,
    note: str = "",
) -> Submission:
    """A submission whose bytes are about to come.

    Args:
        session: of the transaction that announces the upload.
        challenge: that it is handed in to.
        team_id: whose it is.
        user_id: who hands it in.
        task: for which task.
        phase: in which phase; says what is handed in.
        upload_id: of the upload's row.
        now: when.
        note: the team's own words.

    Raises:
        SubmissionError: there is no such task or phase, or the phase isn't open; the team is off the boards.
        QuotaUsedUpError: all of the team's evaluations are used or under way, so many submissions wait
            already, or so many containers failed on the hidden cases.
    """
    where = _phase(challenge, task, phase)
    _refuse_unless_open(where, now)
    refuse_unless_taking_part(session, team_id)
    check_quota(session, team_id, task, where)
    if where.kind == "container":
        check_failures(session, team_id, task, phase, challenge.containers.failures)
    submission = Submission(
        team_id=team_id,
        user_id=user_id,
        task=task,
        phase=phase,
        kind=where.kind,
        state=State.UPLOADING.value,
        created_at=now,
        storage_key="",
        upload_id=upload_id,
        note=note,
    )
    session.add(submission)
    session.flush()
    return submission


def refuse_unless_taking_part(session: Session, team_id: int) -> None:
    """Refuses what a team asks for that is off the boards, or is none any more.

    Raises:
        SubmissionError: it is.
    """
    team = session.get_one(Team, team_id)
    if team.disqualified_at is not None or team.dissolved_at is not None:
        raise SubmissionError("the team can't hand anything in", mend="ask the organisers")


def finish_upload(
    session: Session, challenge: Challenge, submission_id: int, *, storage_key: str, whole_at: datetime
) -> None:
    """All bytes of a submission have come and lie in the storage; a second call changes nothing.

    Args:
        session: of the transaction.
        challenge: that it is handed in to.
        submission_id: which one.
        storage_key: where it lies.
        whole_at: when its last byte came.

    Raises:
        SubmissionError: the phase was closed by then; the submission is cancelled by the caller.
        MoveRefusedError: it was cancelled.
    """
    submission = session.get_one(Submission, submission_id)
    if submission.state not in (State.UPLOADING, State.CANCELLED):
        return
    _refuse_unless_open(_phase(challenge, submission.task, submission.phase), whole_at)
    submission.storage_key = storage_key
    move_submission(session, submission, "finish_upload", now=whole_at)
    if submission.upload_id is not None:
        session.get_one(Upload, submission.upload_id).finished_at = whole_at


def queue_submission(
    session: Session,
    challenge: Challenge,
    submission_id: int,
    *,
    now: datetime,
    actor_id: int | None = None,
    **details: Any,
) -> Evaluation:
    """Queues a submission for its evaluation, and takes one of its team's evaluations, both or neither.

    Args:
        session: of the transaction.
        challenge: that it is handed in to.
        submission_id: which one.
        now: when.
        actor_id: who asks for it; None if the site itself does.
        details: for the audit log, such as ``address`` and ``reason``.

    Raises:
        QuotaUsedUpError: none is left.
        MoveRefusedError: its check hasn't passed.
    """
    submission = session.get_one(Submission, submission_id)
    phase = _phase(challenge, submission.task, submission.phase)
    if submission.checked_at is None or submission.storage_key == "":
        raise MoveRefusedError("it can't be queued before its check has passed", found=submission.state)
    find_move(SUBMISSION_MOVES, "queue", submission.state)
    number = take_slot(session, submission, phase.quota, now)
    move_submission(session, submission, "queue", now=now, actor_id=actor_id)
    return _add_evaluation(session, submission, now, actor_id, slot=number, **details)


def cancel_submission(
    session: Session,
    submission_id: int,
    *,
    now: datetime,
    actor_id: int | None = None,
    reason: str = "",
    address: str = "",
) -> None:
    """Takes a submission back that has no score yet; its evaluation is given back.

    Raises:
        MoveRefusedError: it has come to its end.
    """
    submission = session.get_one(Submission, submission_id)
    evaluation = latest_evaluation(session, submission_id)
    if evaluation is not None and submission.state in (State.QUEUED, State.RUNNING):
        move_evaluation(
            session, evaluation, "cancel", now=now, actor_id=actor_id, reason=reason, address=address
        )
    else:
        move_submission(
            session, submission, "cancel", now=now, actor_id=actor_id, reason=reason, address=address
        )


def evaluate_again(
    session: Session,
    challenge: Challenge,
    submission_id: int,
    *,
    now: datetime,
    actor_id: int,
    reason: str,
    address: str = "",
) -> Evaluation | None:
    """An organiser has a submission evaluated again; what was found before stays.

    One that has a score keeps it, and its place in the quota, whatever comes of this. One whose check failed
    by a fault of the site is checked again first; then there is no evaluation yet.

    Raises:
        MoveRefusedError: it wasn't evaluated yet, or is being evaluated; it failed too long ago.
        QuotaUsedUpError: it failed before, and its team has used all its evaluations since.
    """
    submission = session.get_one(Submission, submission_id)
    before = latest_evaluation(session, submission_id)
    why = {"reason": reason, "address": address}
    if submission.state == State.FAILED and submission.storage_key == "":
        raise MoveRefusedError("it can't be evaluated again: its files aren't kept any more")
    if submission.state == State.FAILED and submission.checked_at is None:
        submission.failures = 0
        move_submission(session, submission, "recheck", now=now, actor_id=actor_id, **why)
        return None
    if before is None or before.state in (State.QUEUED, State.RUNNING):
        raise MoveRefusedError("it can't be evaluated again now", found=submission.state)
    if submission.state == State.SCORED:
        return _add_evaluation(session, submission, now, actor_id, **why)
    return queue_submission(session, challenge, submission_id, now=now, actor_id=actor_id, **why)


def place_in_queue(session: Session, evaluation: Evaluation) -> int | None:
    """1 for the evaluation that is next, 2 for the one after that …; None once it doesn't wait any more."""
    if State(evaluation.state) is not State.QUEUED:
        return None
    before = select(func.count()).select_from(Evaluation)
    never, sooner = Evaluation.number == 1, Evaluation.id < evaluation.id  # as ``claim`` takes them
    sooner = never & sooner if evaluation.number == 1 else never | sooner
    before = before.where(Evaluation.state == State.QUEUED, sooner)
    return 1 + (session.scalar(before) or 0)


def _add_evaluation(
    session: Session, submission: Submission, now: datetime, actor_id: int | None, **details: Any
) -> Evaluation:
    assert submission.state in HOLDS_SLOT
    before = latest_evaluation(session, submission.id)
    evaluation = Evaluation(
        submission_id=submission.id,
        number=1 if before is None else before.number + 1,
        state="queued",
        queued_at=now,
    )
    session.add(evaluation)
    session.flush()
    subject = f"evaluation:{evaluation.id}"
    record(session, "evaluation.queue", subject, now=now, actor_id=actor_id,
           submission=submission.id, number=evaluation.number, **details)  # fmt: skip
    return evaluation


def _phase(challenge: Challenge, task: str, phase: str) -> Phase:
    try:
        found = challenge.phase(phase)
        there = task in {one.name for one in challenge.tasks_of(found)}
    except KeyError:
        there = False
    if not there:
        raise SubmissionError("there is no such task in such a phase", found=f"{task!r} in {phase!r}")
    return found


def _refuse_unless_open(phase: Phase, now: datetime) -> None:
    state = phase.state(now)
    if state is not PhaseState.OPEN:
        raise SubmissionError(f"phase {phase.name} takes no submissions", found=f"it is {state.value}")
