"""Container submissions: the check with its smoke run, and the hidden run that makes predictions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unicare.core.errors import ContainerError, SubmissionError
from unicare.web.challenge import find_public
from unicare.web.life.lease import Claim
from unicare.web.life.reference import reference_of
from unicare.web.life.settle import Checked, Failed, Outcome, Refused
from unicare.web.life.site import WorkingSite
from unicare.web.sandbox.anonymise import list_inputs
from unicare.web.sandbox.engine import ContainerEngine
from unicare.web.sandbox.images import ImageLimits
from unicare.web.sandbox.intake import loaded_image
from unicare.web.sandbox.phases import PhaseRun, hidden_report, run_phase, smoke_report
from unicare.web.sandbox.places import run_folder

__all__ = ["check_container", "make_predictions"]


def check_container(site: WorkingSite, mine: Claim, archive: Path) -> Outcome:
    """Reads the archive from end to end, and runs it on the task's public cases if there are any.

    Raises:
        ContainerError: the engine or the host failed.
        UnicareError: the public cases can't be used.
    """
    engine, public = _engine(site), find_public(site.challenge, mine.task)
    try:
        with loaded_image(engine, archive, scratch=site.scratch, limits=_image_limits(site)) as image:
            if public is None:
                return Checked({"messages": ["There are no public cases to try it on."]}, mine.storage_key)
            with run_folder(site.scratch) as folder:
                run = _run(site, engine, image, public, folder / "predictions", site.scratch)
    except SubmissionError as error:
        return Refused({"messages": [str(error)]})
    told = smoke_report(run)
    report: dict[str, Any] = {"messages": list(told.messages), "log": told.log}
    return Checked(report, mine.storage_key) if told.passed else Refused(report)


def make_predictions(site: WorkingSite, mine: Claim, archive: Path, predictions: Path) -> Failed | None:
    """Runs a container on the hidden cases; None if it made a prediction of every one.

    Raises:
        ContainerError: the engine or the host failed.
        UnicareError: the hidden cases can't be used.
    """
    engine = _engine(site)
    hidden = reference_of(site.challenge, mine.task, mine.phase).folder
    try:
        with loaded_image(engine, archive, scratch=site.scratch, limits=_image_limits(site)) as image:
            run = _run(site, engine, image, hidden, predictions, site.scratch)
    except SubmissionError as error:
        return Failed(str(error))
    if run.completed:
        return None
    told = hidden_report(run)
    words = " ".join(told.messages) + (f" Its last words: {told.log}" if told.log else "")
    return Failed(words, private="\n".join(one.log_tail for one in run.runs)[-64_000:])


def _run(
    site: WorkingSite, engine: ContainerEngine, image: str, folder: Path, predictions: Path, scratch: Path
) -> PhaseRun:
    containers = site.challenge.containers
    return run_phase(
        engine,
        image,
        folder,
        predictions,
        containers.run_limits(len(list_inputs(folder))),
        scratch=scratch,
        case_by_case=containers.mode == "case_by_case",
    )


def _image_limits(site: WorkingSite) -> ImageLimits:
    return ImageLimits(archive_bytes=round(site.challenge.containers.limits.image_gb * 2**30))


def _engine(site: WorkingSite) -> ContainerEngine:
    if site.engine is None:
        raise ContainerError("this worker runs no containers")
    return site.engine
