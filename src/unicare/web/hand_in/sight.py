"""Who may see which submission, and how much of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from unicare.web.accounts.people import Person, Role, check_participant
from unicare.web.accounts.refusals import AccountError, Reason
from unicare.web.challenge import Challenge, Phase
from unicare.web.database.tables import Submission

__all__ = ["Sight", "own_submission", "phase_of", "sight_of", "visible_submission"]


@dataclass(frozen=True)
class Sight:
    """What somebody may see of a submission at a moment.

    Attributes:
        scores: its figures.
        cases: those of single cases.
        worst: its worst cases, with images and truths.
        scores_from: when a team sees its figures, if not yet; None if that isn't set.
    """

    scores: bool
    cases: bool
    worst: bool
    scores_from: datetime | None = None


def sight_of(phase: Phase | None, person: Person, now: datetime) -> Sight:
    """What somebody may see of a submission that is the own team's, or who is an organiser.

    Nobody is shown cases of a phase that containers are handed in for, but organisers their figures.

    Args:
        phase: of the submission; None if the challenge has it no more.
        person: who asks.
        now: this moment.
    """
    organiser = person.role is Role.ORGANISER
    predictions = phase is not None and phase.kind == "predictions"
    if organiser:
        return Sight(scores=True, cases=True, worst=predictions)
    if phase is None:
        return Sight(scores=False, cases=False, worst=False)
    scores = phase.shows_scores(now)
    cases = scores and predictions
    return Sight(
        scores=scores,
        cases=cases,
        worst=cases and phase.show_worst_cases,
        scores_from=None if scores else phase.released_from,
    )


def visible_submission(session: Session, person: Person, submission_id: int) -> Submission:
    """A submission of one's own team; organisers see all.

    Raises:
        AccountError: there is none, or it is another team's, which is told in the same words; or the person
            may not take part.
    """
    organiser = person.role is Role.ORGANISER
    if not organiser:
        check_participant(person)
    submission = session.get(Submission, submission_id)
    if submission is None or not (organiser or submission.team_id == person.team_id):
        raise AccountError("there is no such submission", Reason.NOT_FOUND)
    return submission


def own_submission(session: Session, person: Person, submission_id: int) -> Submission:
    """A submission of one's own team, to do something with it; errors as for ``visible_submission``.

    Raises:
        AccountError: besides, an organiser who isn't in its team.
    """
    submission = visible_submission(session, person, submission_id)
    check_participant(person)
    if submission.team_id != person.team_id:
        raise AccountError("only its team may do this", Reason.NOT_ALLOWED)
    return submission


def phase_of(challenge: Challenge, name: str) -> Phase | None:
    """The phase of a name; None if challenge.yaml has it no more."""
    try:
        return challenge.phase(name)
    except KeyError:
        return None
