"""Looks at an input folder and says what is wrong with it, without running a model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from unicare.core.errors import PromptError, UnicareError
from unicare.core.prompt import CasePrompts
from unicare.data.layouts.flat import IMAGES_FOLDER, list_cases, read_case
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.contract import PromptFile, read_prompts
from unicare.prompts.entry import show_name

__all__ = ["PROMPTS_FILE", "Finding", "check_input"]

PROMPTS_FILE = "prompts.json"

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Finding:
    """Something that is wrong with an input.

    Attributes:
        case: the case's id; empty when it isn't about one case.
        severity: ``"error"`` (the case can't be predicted) or ``"warning"`` (it can, but look at it).
        message: what was found, what was expected, what to do.
    """

    case: str
    severity: Severity
    message: str


def check_input(input_dir: Path, slice_axis: str | int = "auto", prompt_axes: str = "pl") -> list[Finding]:
    """Reads every image and every prompt of an input folder and fits them together.

    Args:
        input_dir: holds ``images/`` and ``prompts.json``.
        slice_axis: as for ``fit_to_volume``.
        prompt_axes: as for ``fit_to_volume``.

    Returns:
        Everything that is wrong, what is about the whole folder first, then by case; empty when all is well.
    """
    folder = Path(input_dir)
    findings: list[Finding] = []
    prompts: PromptFile | None = None
    try:
        prompts = read_prompts(folder / PROMPTS_FILE)
    except PromptError as error:
        findings.append(Finding("", "error", str(error)))
    named = () if prompts is None else (*prompts.cases, *prompts.errors)
    images: Mapping[str, Mapping[str, Path]] = {}
    try:
        images = list_cases(folder, named or None)
    except UnicareError as error:
        findings.append(Finding("", "error", str(error)))
    for case_id in sorted({*images, *named}):
        findings += _check_case(
            folder, case_id, images.get(case_id), prompts, slice_axis=slice_axis, prompt_axes=prompt_axes
        )
    return findings


def _check_case(
    folder: Path,
    case_id: str,
    files: Mapping[str, Path] | None,
    prompts: PromptFile | None,
    *,
    slice_axis: str | int,
    prompt_axes: str,
) -> list[Finding]:
    """What is wrong with one case: its prompts, its images, or how they fit."""
    found: list[Finding] = []
    where = f"case {show_name(case_id)}"
    mine: CasePrompts | None = None
    if prompts is not None:
        mine = prompts.cases.get(case_id)
        if case_id in prompts.errors:
            found.append(Finding(case_id, "error", str(prompts.errors[case_id])))
        elif mine is None:
            missing = PromptError(
                f"{where}: an image without prompts",
                expected=f"the case in {folder / PROMPTS_FILE}",
                mend="add its prompts, or remove the image",
            )
            found.append(Finding(case_id, "error", str(missing)))
        elif not mine.labels:
            found.append(
                Finding(case_id, "warning", f"{where}: nothing is prompted; the answer will be empty")
            )
        if mine is not None:
            found += _missing_masks(folder, mine)
    if files is None:
        absent = PromptError(
            f"{where}: prompts without an image",
            expected=f"{show_name(case_id)}.nii.gz, or one file a sequence, in {folder / IMAGES_FOLDER}",
            mend="add the image, or remove the case from the prompts",
        )
        return [*found, Finding(case_id, "error", str(absent))]
    try:
        case = read_case(case_id, files)
        if mine is not None:
            fit_to_volume(mine, case.reference, slice_axis, prompt_axes)
    except UnicareError as error:
        found.append(Finding(case_id, "error", str(error)))
    return found


def _missing_masks(folder: Path, prompts: CasePrompts) -> list[Finding]:
    """Mask prompts whose file isn't there; every file is named once."""
    found: dict[str, Finding] = {}
    for index, label, prompt in prompts:
        if prompt.mask is None or prompt.mask in found:
            continue
        if not _is_file(folder / prompt.mask):
            missing = PromptError(
                f"case {show_name(prompts.case)}, slice {index}, label {label}: mask: no such file",
                found=show_name(prompt.mask),
                expected=f"the path of a NIfTI file, seen from {folder}",
            )
            found[prompt.mask] = Finding(prompts.case, "error", str(missing))
    return list(found.values())


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False
