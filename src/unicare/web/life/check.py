"""Checking what a team handed in, before it counts."""

from __future__ import annotations

from pathlib import Path

from unicare.web.archive.contained import check_in_sandboxed_process
from unicare.web.archive.intake import Reference
from unicare.web.interrupt import Interrupted, check_wanted
from unicare.web.life.containers import check_container
from unicare.web.life.keys import predictions_folder
from unicare.web.life.lease import Claim
from unicare.web.life.reference import cohort_of, own_names, reference_of
from unicare.web.life.settle import Checked, Fault, Outcome, Refused
from unicare.web.life.site import WorkingSite
from unicare.web.sandbox.places import run_folder

__all__ = ["check_submission"]


def check_submission(site: WorkingSite, mine: Claim, interrupted: Interrupted) -> Outcome:
    """What came of a submission's check.

    Raises:
        InterruptedWorkError: the worker has to stop, or the work isn't its any more.
        UnicareError: the site can't do it at the moment.
        OSError: the same.
    """
    with run_folder(site.scratch) as folder:
        uploaded = folder / "upload"
        site.storage.get(mine.storage_key, uploaded)
        if mine.kind == "container":
            return check_container(site, mine, uploaded, interrupted)
        return _check_predictions(site, mine, uploaded, folder / "predictions", interrupted)


def _check_predictions(
    site: WorkingSite, mine: Claim, uploaded: Path, unpacked: Path, interrupted: Interrupted
) -> Outcome:
    task = site.challenge.task(mine.task)
    reference = reference_of(site.challenge, mine.task, mine.phase)
    against = Reference(reference.images, cohort_of(reference), task.care_task, own_names(task))
    limits = site.challenge.uploads.unpack_limits()
    result = check_in_sandboxed_process(uploaded, unpacked, against, limits, interrupted=interrupted)
    if result.organisers:
        return Fault("; ".join(result.organisers))
    report = result.report()
    if not result.ok:
        return Refused(report)
    folder = predictions_folder(mine)
    for path in sorted(path for path in unpacked.rglob("*") if path.is_file()):
        check_wanted(interrupted)
        site.storage.put(f"{folder}/{path.name}", path)
    return Checked(report, folder)
