"""Container submissions: the check with its smoke run, and the hidden run that makes predictions."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

from unicare.core.errors import ContainerError, SubmissionError
from unicare.evaluate.files import find_truths
from unicare.web.archive.contained import check_in_sandboxed_process
from unicare.web.archive.intake import IntakeResult, Reference
from unicare.web.challenge import Reference as PublicCases
from unicare.web.challenge import find_public
from unicare.web.interrupt import Interrupted
from unicare.web.life.lease import Claim
from unicare.web.life.reference import cohort_of, own_names, reference_of
from unicare.web.life.settle import Checked, Failed, Fault, Outcome, Refused
from unicare.web.life.site import WorkingSite
from unicare.web.sandbox.anonymise import CaseInput, list_inputs
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.images import ImageLimits
from unicare.web.sandbox.intake import loaded_image
from unicare.web.sandbox.phases import PhaseRun, hidden_report, run_phase, smoke_report
from unicare.web.sandbox.places import run_folder

__all__ = ["check_container", "make_predictions"]


def check_container(site: WorkingSite, mine: Claim, archive: Path, interrupted: Interrupted) -> Outcome:
    """Reads the archive from end to end, and runs it on the task's public cases if there are any.

    What it predicts there is checked as predictions are that a team uploads, so that a wrong label is found
    before it costs an evaluation.

    Raises:
        InterruptedWorkError: the worker has to stop, or the work isn't its any more.
        ContainerError: the engine or the host failed.
        UnicareError: the public cases can't be used.
    """
    engine, public = _engine(site), find_public(site.challenge, mine.task)
    try:
        with loaded_image(
            engine, archive, scratch=site.scratch, limits=_image_limits(site), interrupted=interrupted
        ) as image:
            if public is None:
                return Checked({"messages": ["There are no public cases to try it on."]}, mine.storage_key)
            cases = _cases(site, mine, public)
            with run_folder(site.scratch) as folder:
                run = _run(site, engine, image, cases, folder / "predictions", interrupted)
                told = smoke_report(run)
                report: dict[str, Any] = {"messages": list(told.messages), "log": told.log}
                if not told.passed:
                    return Refused(report)
                found = _check_predictions(site, mine, public, folder, interrupted)
    except SubmissionError as error:
        return Refused({"messages": [str(error)]})
    if found.organisers:
        return Fault("; ".join(found.organisers))
    report |= found.report()
    return Checked(report, mine.storage_key) if found.ok else Refused(report)


def make_predictions(
    site: WorkingSite, mine: Claim, archive: Path, predictions: Path, interrupted: Interrupted
) -> Failed | None:
    """Runs a container on the hidden cases; None if it made a prediction of every one.

    Raises:
        InterruptedWorkError: the worker has to stop, or the work isn't its any more.
        ContainerError: the engine or the host failed.
        UnicareError: the hidden cases can't be used.
    """
    engine = _engine(site)
    hidden = reference_of(site.challenge, mine.task, mine.phase)
    cases = _cases(site, mine, hidden.folder, find_truths(hidden.truth))
    try:
        with loaded_image(
            engine, archive, scratch=site.scratch, limits=_image_limits(site), interrupted=interrupted
        ) as image:
            run = _run(site, engine, image, cases, predictions, interrupted)
    except SubmissionError as error:
        return Failed(str(error))
    if run.completed:
        return None
    told = hidden_report(run)
    words = " ".join(told.messages) + (f" Its last words: {told.log}" if told.log else "")
    return Failed(words, private="\n".join(one.log_tail for one in run.runs)[-64_000:])


def _check_predictions(
    site: WorkingSite, mine: Claim, public: Path, folder: Path, interrupted: Interrupted
) -> IntakeResult:
    task, data = site.challenge.task(mine.task), PublicCases(public)
    return check_in_sandboxed_process(
        folder / "predictions",
        folder / "unpacked",
        Reference(data.images, cohort_of(data), task.care_task, own_names(task)),
        site.challenge.uploads.unpack_limits(),
        interrupted=interrupted,
    )


def _cases(site: WorkingSite, mine: Claim, folder: Path, known: Collection[str] = ()) -> list[CaseInput]:
    return list_inputs(folder, prompts=site.challenge.task(mine.task).prompts, known=known)


def _run(
    site: WorkingSite,
    engine: ContainerEngine,
    image: str,
    cases: list[CaseInput],
    predictions: Path,
    interrupted: Interrupted,
) -> PhaseRun:
    containers = site.challenge.containers
    return run_phase(
        engine,
        image,
        cases,
        predictions,
        containers.run_limits(len(cases)),
        scratch=site.scratch,
        case_by_case=containers.mode == "case_by_case",
        seconds_in_all=containers.limits.seconds_in_all,
        interrupted=interrupted,
    )


def _image_limits(site: WorkingSite) -> ImageLimits:
    most = round(site.challenge.containers.limits.image_gb * 2**30)
    return ImageLimits(archive_bytes=most, unpacked_bytes=max(2 * most, ImageLimits.unpacked_bytes))


def _engine(site: WorkingSite) -> ContainerEngine:
    if site.engine is None:
        raise ContainerError("this worker runs no containers")
    return site.engine
