"""What things are called in the storage. Every attempt has names of its own, so none spoils another's."""

from __future__ import annotations

from unicare.web.life.lease import Claim

__all__ = ["predictions_folder", "result_folder", "upload_key"]


def upload_key(submission_id: int) -> str:
    """A submission as it was uploaded."""
    return f"submissions/{submission_id}/upload"


def predictions_folder(mine: Claim) -> str:
    """Its predictions, unpacked and checked; of a container, those that it made in an evaluation."""
    if mine.job == "check":
        return f"submissions/{mine.submission_id}/predictions-{mine.attempt}"
    return f"evaluations/{mine.id}/{mine.attempt}/predictions"


def result_folder(mine: Claim) -> str:
    """Rows and summary of an evaluation."""
    return f"evaluations/{mine.id}/{mine.attempt}"
