"""What things are called in the storage. Every attempt has names of its own, so none spoils another's."""

from __future__ import annotations

from unicare.web.life.lease import Claim

__all__ = [
    "EVALUATIONS",
    "SUBMISSIONS",
    "predictions_folder",
    "result_folder",
    "submission_folder",
    "unit_of",
    "upload_key",
]

SUBMISSIONS = "submissions"
EVALUATIONS = "evaluations"
_UNIT_PARTS = 3


def submission_folder(submission_id: int) -> str:
    """All that was handed in as one submission."""
    return f"{SUBMISSIONS}/{submission_id}"


def upload_key(submission_id: int) -> str:
    """A submission as it was uploaded."""
    return f"{submission_folder(submission_id)}/upload"


def predictions_folder(mine: Claim) -> str:
    """Its predictions, unpacked and checked; of a container, those that it made in an evaluation."""
    if mine.job == "check":
        return f"{submission_folder(mine.submission_id)}/predictions-{mine.attempt}"
    return f"{result_folder(mine)}/predictions"


def result_folder(mine: Claim) -> str:
    """Rows and summary of an evaluation."""
    return f"{EVALUATIONS}/{mine.id}/{mine.attempt}"


def unit_of(key: str) -> str:
    """What a key is a part of and goes with: an upload, a check's predictions, an evaluation's attempt."""
    return "/".join(key.split("/")[:_UNIT_PARTS])
