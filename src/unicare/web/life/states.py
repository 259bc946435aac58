"""The lives of submissions and evaluations: which states there are, and what leads from one to another."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from unicare.core.errors import SubmissionError

__all__ = [
    "EVALUATION_MOVES",
    "HOLDS_SLOT",
    "OUR_FAULT",
    "SUBMISSION_MOVES",
    "WAITS_FOR_SLOT",
    "Move",
    "MoveRefusedError",
    "State",
    "find_move",
]


class State(StrEnum):
    """Where a submission is. An evaluation knows the last five but ``cancelled``, and that one."""

    UPLOADING = "uploading"
    UPLOADED = "uploaded"
    CHECKING = "checking"
    REFUSED = "refused"
    CHECKED = "checked"
    QUEUED = "queued"
    RUNNING = "running"
    SCORED = "scored"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Move:
    """Something that may happen.

    Attributes:
        sources: the states in which it may.
        target: the state that it leads to.
    """

    sources: frozenset[State]
    target: State


def _move(target: State, *sources: State) -> Move:
    return Move(frozenset(sources), target)


SUBMISSION_MOVES: Mapping[str, Move] = {
    "finish_upload": _move(State.UPLOADED, State.UPLOADING),
    "begin_check": _move(State.CHECKING, State.UPLOADED),
    "check_again": _move(State.UPLOADED, State.CHECKING),
    "refuse": _move(State.REFUSED, State.CHECKING),
    "recheck": _move(State.UPLOADED, State.FAILED),
    "pass": _move(State.CHECKED, State.CHECKING),
    "queue": _move(State.QUEUED, State.CHECKED, State.FAILED),
    "start": _move(State.RUNNING, State.QUEUED),
    "requeue": _move(State.QUEUED, State.RUNNING),
    "score": _move(State.SCORED, State.RUNNING),
    "fail": _move(State.FAILED, State.CHECKING, State.RUNNING),
    "give_up": _move(State.FAILED, State.UPLOADED, State.QUEUED),
    "cancel": _move(
        State.CANCELLED,
        *(State.UPLOADING, State.UPLOADED, State.CHECKING, State.CHECKED, State.QUEUED, State.RUNNING),
    ),
}
"""What may happen to a submission, by name."""

EVALUATION_MOVES: Mapping[str, Move] = {
    "start": _move(State.RUNNING, State.QUEUED),
    "requeue": _move(State.QUEUED, State.RUNNING),
    "score": _move(State.SCORED, State.RUNNING),
    "fail": _move(State.FAILED, State.RUNNING),
    "give_up": _move(State.FAILED, State.QUEUED),
    "cancel": _move(State.CANCELLED, State.QUEUED, State.RUNNING),
}
"""What may happen to an evaluation; its submission follows by the move of the same name."""

HOLDS_SLOT = frozenset({State.QUEUED, State.RUNNING, State.SCORED})
"""In these states a submission has one of its team's evaluations, in no others."""


WAITS_FOR_SLOT = frozenset({State.UPLOADING, State.UPLOADED, State.CHECKING, State.CHECKED})
"""In these states a submission may still be evaluated, and has none of its team's evaluations."""


OUR_FAULT = (
    "It could not be evaluated, by a fault that isn't yours; the organisers see what happened. "
    "It doesn't count against your evaluations."
)
"""What a team is told where the site failed, and not its submission."""


class MoveRefusedError(SubmissionError):
    """Something that can't happen to a submission as it is now."""


def find_move(moves: Mapping[str, Move], name: str, state: str) -> Move:
    """The move of a name, if it may happen in a state.

    Raises:
        MoveRefusedError: it may not.
        KeyError: there is no such move.
    """
    move = moves[name]
    if state not in move.sources:
        expected = " or ".join(one for one in State if one in move.sources)
        raise MoveRefusedError(f"{name.replace('_', ' ')} isn't possible now", found=state, expected=expected)
    return move
