"""Evaluating a submission: predictions out of the storage, scored, rows and summary into the storage."""

from __future__ import annotations

import json
from pathlib import Path

from unicare.core.errors import OutputError
from unicare.evaluate.run import PARQUET_FILE, SUMMARY_FILE
from unicare.web.interrupt import Interrupted, check_wanted
from unicare.web.life.containers import make_predictions
from unicare.web.life.keys import predictions_folder, result_folder
from unicare.web.life.lease import Claim
from unicare.web.life.reference import cohort_of, own_names, reference_of
from unicare.web.life.scoring import ScoringEnd, score_in_process
from unicare.web.life.settle import Failed, Fault, HandedBack, Outcome, Scored
from unicare.web.life.site import WorkingSite
from unicare.web.sandbox.places import run_folder

__all__ = ["evaluate_submission"]


def evaluate_submission(site: WorkingSite, mine: Claim, interrupted: Interrupted) -> Outcome:
    """What came of an evaluation.

    Raises:
        InterruptedWorkError: the worker has to stop, or the work isn't its any more.
        UnicareError: the site can't do it at the moment.
        OSError: the same.
    """
    with run_folder(site.scratch) as folder:
        predictions, out = folder / "predictions", folder / "out"
        predictions.mkdir()
        if mine.kind == "container":
            archive = folder / "image"
            site.storage.get(mine.storage_key, archive)
            failed = make_predictions(site, mine, archive, predictions, interrupted)
            if failed is not None:
                return failed
        else:
            _fetch_predictions(site, mine, predictions, interrupted)
        check_wanted(interrupted)
        return _outcome(site, mine, predictions, out, _score(site, mine, predictions, out, interrupted))


def _fetch_predictions(site: WorkingSite, mine: Claim, folder: Path, interrupted: Interrupted) -> None:
    """What the check has kept.

    Raises:
        OutputError: nothing is there. It isn't the team's doing: its check had passed.
        InterruptedWorkError: the worker has to stop, or the work isn't its any more.
    """
    keys = site.storage.keys(mine.storage_key)
    if not keys:
        raise OutputError(
            "the storage has no files of this submission",
            found=f"nothing under {mine.storage_key}",
            mend="check UNICARE_STORAGE_URL, and whether the disk is mounted",
        )
    for key in keys:
        check_wanted(interrupted)
        site.storage.get(key, folder / key.rpartition("/")[2])


def _score(
    site: WorkingSite, mine: Claim, predictions: Path, out: Path, interrupted: Interrupted
) -> ScoringEnd:
    task = site.challenge.task(mine.task)
    reference = reference_of(site.challenge, mine.task, mine.phase)
    return score_in_process(
        predictions,
        reference.truth,
        out,
        cohort=cohort_of(reference),
        task=task.care_task,
        names=own_names(task),
        limits=site.scoring_limits,
        interrupted=interrupted,
    )


def _outcome(site: WorkingSite, mine: Claim, predictions: Path, out: Path, end: ScoringEnd) -> Outcome:
    if end.interrupted:
        return HandedBack()
    if end.too_much:
        return Failed(
            f"The evaluation was stopped: {end.too_much}. It doesn't count against your evaluations; hand in "
            "label maps of their images' sizes, in a small integer type."
        )
    if not end.done:
        return Fault(end.private)
    if end.errors and mine.kind == "predictions":  # its check had passed, so this isn't the team's fault
        return Fault("\n".join(end.errors.values()))
    summary = json.loads((out / SUMMARY_FILE).read_text(encoding="utf-8"))
    if summary["missing_predictions"]:  # neither is this: all of them were there
        return Fault(f"predictions are missing by now: {', '.join(summary['missing_predictions'])}")
    folder = result_folder(mine)
    if mine.kind == "container":
        for path in sorted(predictions.iterdir()):
            site.storage.put(f"{predictions_folder(mine)}/{path.name}", path)
    for name in (PARQUET_FILE, SUMMARY_FILE):
        site.storage.put(f"{folder}/{name}", out / name)
    return Scored(summary, f"{folder}/{PARQUET_FILE}")
