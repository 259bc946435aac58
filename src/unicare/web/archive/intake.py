"""What a team handed in, unpacked and checked: everything that is wrong, in one list.

The check is that of ``unicare evaluate --check``, so that a team can run it at home.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from unicare.core.errors import SubmissionError, UnicareError
from unicare.data.nifti import NIFTI_SUFFIXES
from unicare.evaluate.findings import Finding, Kind
from unicare.web.archive.findings import FindingList, UploadFinding, UploadKind
from unicare.web.archive.names import clean_sentence, shown, spelling
from unicare.web.archive.sources import Source
from unicare.web.archive.unpack import Unpacked, UnpackedFile, UnpackLimits, unpack

__all__ = ["IntakeResult", "Reference", "take_in"]

Progress = Callable[[int, int], None]
"""Told after every case: cases done, cases in all."""


@dataclass(frozen=True)
class Reference:
    """What predictions are checked against.

    Attributes:
        folder: images or truths, as ``unicare.evaluate.check.check_predictions`` takes them.
        cohort: manifest that says which labels are annotated in which case.
        task: the challenge's task, which says what labels there may be.
        names: label to structure's name, for labels that aren't CARE's.
        geometry_only: only the grids of ``folder`` are looked at, not its voxels. A check costs no quota, so
            a team that was told what else the truth holds could ask for it bit by bit.
    """

    folder: Path
    cohort: Path | None = None
    task: str | None = None
    names: Mapping[int, str] | None = None
    geometry_only: bool = True


@dataclass(frozen=True)
class IntakeResult:
    """What came of taking a submission in.

    Attributes:
        files: the predictions that were taken, by name.
        findings: for the team; safe to show.
        cases: how many predictions were expected; None where it didn't come to that.
        organisers: for the organisers only: what is wrong on their side. May hold paths.
    """

    files: tuple[UnpackedFile, ...] = ()
    findings: tuple[UploadFinding, ...] = ()
    cases: int | None = None
    organisers: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether it may be evaluated: all was looked at, and nothing is wrong on either side."""
        return self.cases is not None and not self.organisers and all(one.note for one in self.findings)

    def report(self) -> dict[str, Any]:
        """What a team is told, as it is kept with its submission."""
        return {"cases": self.cases, "findings": [one.as_dict() for one in self.findings]}

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON; ``from_dict`` takes them."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> IntakeResult:
        """The result that ``as_dict`` told."""
        return cls(
            files=tuple(UnpackedFile(**one) for one in values["files"]),
            findings=tuple(UploadFinding(**one) for one in values["findings"]),
            cases=values["cases"],
            organisers=tuple(values["organisers"]),
        )


def take_in(
    source: Source,
    target: Path,
    reference: Reference,
    limits: UnpackLimits | None = None,
    progress: Progress | None = None,
) -> IntakeResult:
    """Unpacks a submission and checks its predictions, in this process.

    ``contained.check_in_sandboxed_process`` does the same where a hostile file can't harm.

    Args:
        source: a zip archive, a folder, or files that came one by one: names and places.
        target: a folder that isn't there yet.
        reference: what predictions are checked against.
        limits: how much is taken.
        progress: told after every case.

    Raises:
        OutputError: the target can't be written to, or is there.
    """
    limits = limits or UnpackLimits()
    try:
        unpacked = unpack(source, target, limits)
    except SubmissionError as error:
        return IntakeResult(findings=(UploadFinding(UploadKind.ARCHIVE, clean_sentence(str(error))),))
    findings = FindingList(limits.findings)
    findings.extend(unpacked.findings)
    organisers: list[str] = []
    cases = None
    try:
        cases = _check(unpacked, reference, findings, organisers, progress)
    except (
        UnicareError
    ) as error:  # all that is wrong with single predictions is listed; this is the reference
        organisers.append(str(error))
    return IntakeResult(unpacked.files, findings.every(), cases, tuple(organisers))


def _check(
    unpacked: Unpacked,
    reference: Reference,
    findings: FindingList,
    organisers: list[str],
    progress: Progress | None,
) -> int:
    """Adds what ``check_predictions`` finds; gives the number of cases."""
    from unicare.evaluate.check import check_predictions

    result = check_predictions(
        unpacked.folder,
        reference.folder,
        reference.cohort,
        None if progress is None else lambda done, total, _: progress(done, total),
        task=reference.task,
        names=reference.names,
        geometry_only=reference.geometry_only,
    )
    told = {spelling(name) for name in unpacked.refused}
    folders = (unpacked.folder, reference.folder)
    names = tuple(file.name for file in unpacked.files)
    for problem in result.problems:
        if problem.kind is Kind.TRUTH:
            organisers.append(f"case {problem.case}: {problem.text}")
        elif problem.kind is not Kind.MISSING or not told & _file_names(problem.case):
            findings.add(_as_told(problem, clean_sentence(_without_paths(problem.text, folders), names)))
    return result.cases


def _as_told(problem: Finding, text: str) -> UploadFinding:
    """A finding of the check with the words for one case alone, or for one file."""
    case = shown(problem.case)
    if problem.kind is Kind.MISSING:
        text = f"no prediction; add {case}_pred.nii.gz"
    name, told, rest = text.rpartition(": ")
    if problem.kind is Kind.EXTRA and told:
        return UploadFinding(problem.kind, rest, name=name)
    return UploadFinding(problem.kind, text, case=case, voxels=problem.voxels)


def _file_names(case: str) -> set[str]:
    """What a prediction of a case may be called, as ``spelling`` says it."""
    ends = ("_pred", "")
    return {spelling(f"{case}{end}{suffix}") for end in ends for suffix in NIFTI_SUFFIXES}


def _without_paths(text: str, folders: tuple[Path, ...]) -> str:
    for folder in folders:
        text = text.replace(f"{folder}{os.sep}", "").replace(str(folder), "the submission")
    return text
