"""Inputs as CARE's tracks hand them to containers: names, order, dates and remarks say nothing.

``images/<id>.nii.gz`` (or ``<id>_C0``, ``<id>_LGE``, ``<id>_T2``) and, where the task has prompts as those of
TFM4MedIA have, ``prompts.json``; tasks of CARE-Cardiac have images only. The ids come from a secret of the
run. Which case is which stays outside. What an image itself shows, grid and grey values, stays as it is.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from unicare.core.errors import ImageError, PromptError
from unicare.core.prompt import CasePrompts, Prompt
from unicare.data.layouts.flat import IMAGES_FOLDER, list_cases
from unicare.data.nifti import MAX_BYTES
from unicare.data.nifti_bytes import read_values, written_beside
from unicare.prompts.contract import read_prompts, write_prompts

__all__ = [
    "PROMPTS_FILE",
    "CaseInput",
    "list_inputs",
    "opaque_ids",
    "prediction_name",
    "scrub_nifti",
    "stage_input",
]

PROMPTS_FILE = "prompts.json"

_SUFFIXES = {"bSSFP": "_C0", "unknown": ""}
"""How a sequence is written in a file's name, where that isn't its own name."""

_GRID_AND_VALUES = (
    *("dim", "datatype", "bitpix", "magic", "scl_slope", "scl_inter", "qform_code", "sform_code"),
    *("quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y", "qoffset_z"),
    *("srow_x", "srow_y", "srow_z"),
)
_UNIT_OF_LENGTH = 7  # the bits of xyzt_units that say it; the others say a unit of time
_DATE = (946684800, 946684800)  # 1 January 2000, of every file


@dataclass(frozen=True)
class CaseInput:
    """One case as the organisers have it.

    Attributes:
        case: its name, which no container sees.
        images: sequence to file.
        prompts: boxes and points; None where the task has none.
    """

    case: str
    images: Mapping[str, Path]
    prompts: CasePrompts | None


def list_inputs(folder: Path, *, prompts: bool = True, known: Collection[str] = ()) -> list[CaseInput]:
    """The cases of a folder with ``images/`` and perhaps ``prompts.json``, in order of their names.

    Args:
        folder: what else lies in it isn't looked at.
        prompts: whether the task has prompts; without, a ``prompts.json`` that lies there isn't read.
        known: names of cases, where they are known from elsewhere and the task has no prompts; they settle
            whether ``a_T2.nii.gz`` is the case ``a_T2`` or a sequence of ``a``.

    Raises:
        ImageError: a case without an image, or no images.
        PromptError: prompts that can't be read, or a case without any.
    """
    if prompts:
        return _with_prompts(Path(folder))
    return [CaseInput(case, images, None) for case, images in list_cases(Path(folder), known).items()]


def _with_prompts(folder: Path) -> list[CaseInput]:
    prompts = read_prompts(folder / PROMPTS_FILE)
    for error in prompts.errors.values():
        raise error
    images = list_cases(folder, prompts.cases)
    for case in sorted(images.keys() ^ prompts.cases.keys()):
        if case in images:
            raise PromptError(f"{folder}: case {case} has an image, but no prompts")
        raise ImageError(f"{folder}: case {case} has prompts, but no image")
    return [CaseInput(case, images[case], prompts.cases[case]) for case in sorted(images)]


def opaque_ids(cases: Collection[str], secret: bytes) -> dict[str, str]:
    """Case to id: without the secret nobody can tell which is which, and their order says nothing.

    Args:
        cases: the cases' names.
        secret: of the run; random, at least 16 bytes.
    """
    if len(secret) < 16:
        raise ValueError("a secret of at least 16 bytes is needed")
    ids = {case: f"case-{hmac.digest(secret, case.encode(), 'sha256').hex()[:16]}" for case in cases}
    assert len(set(ids.values())) == len(ids)
    return dict(sorted(ids.items(), key=lambda pair: pair[1]))


def prediction_name(case_or_id: str) -> str:
    """The file that a container writes for a case."""
    return f"{case_or_id}_pred.nii.gz"


def stage_input(cases: Sequence[CaseInput], ids: Mapping[str, str], folder: Path) -> None:
    """Writes what a container gets to see.

    Args:
        cases: those of this run.
        ids: as ``opaque_ids`` gives them.
        folder: made; readable for everybody, once one is in the folder above it.

    Raises:
        UnicareError: an image or a prompt can't be used; names the case, so that is not for teams.
        OutputError: no room.
    """
    images = folder / IMAGES_FOLDER
    images.mkdir(parents=True)
    cases = sorted(cases, key=lambda one: ids[one.case])
    for one in cases:
        for sequence, path in one.images.items():
            suffix = _SUFFIXES.get(sequence, f"_{sequence}")
            scrub_nifti(path, images / f"{ids[one.case]}{suffix}.nii.gz")
    prompts = [_anonymous(ids[one.case], one.case, one.prompts) for one in cases if one.prompts is not None]
    written = list(images.iterdir())
    if prompts:
        written.append(folder / PROMPTS_FILE)
        write_prompts(written[-1], prompts)
    for path in written:
        path.chmod(0o644)
        os.utime(path, _DATE)
    for place in (images, folder):
        place.chmod(0o755)
        os.utime(place, _DATE)


def scrub_nifti(source: Path, target: Path) -> None:
    """Copies an image under a new header, that has grid and values and nothing else of the old one.

    No remarks, names, extensions; no time between volumes either, which some converters write.

    Args:
        source: .nii or .nii.gz.
        target: .nii.gz, without file name and time in the gzip header.

    Raises:
        ImageError: the source can't be read.
        GeometryError: the source doesn't say how it lies in the patient.
        OutputError: the target can't be written.
    """
    layout, values = read_values(source, MAX_BYTES)
    given: Any = layout.header
    header = type(given)(endianness=given.endianness)
    for name in _GRID_AND_VALUES:
        header[name] = given[name]
    axes = int(given["dim"][0])
    header["dim"][1 + axes :] = 1
    header["pixdim"][: 1 + min(axes, 3)] = given["pixdim"][: 1 + min(axes, 3)]
    header["xyzt_units"] = given["xyzt_units"] & _UNIT_OF_LENGTH
    no_extensions = bytes(4)
    header["vox_offset"] = header.sizeof_hdr + len(no_extensions)
    with written_beside(target) as file:
        file.write(header.binaryblock)
        file.write(no_extensions)
        file.write(values.view(np.uint8).data)


def _anonymous(opaque: str, case: str, given: CasePrompts) -> CasePrompts:
    """Boxes and points alone: a text would name the structure, hence the task."""
    slices: dict[int, dict[int, Prompt] | None] = {}
    for index, prompts in given.slices.items():
        kept = {}
        for label, prompt in (prompts or {}).items():
            if prompt.box is None and not prompt.points:
                raise PromptError(
                    f"case {case}, slice {index}, label {label}: no box and no points",
                    mend="texts and masks are not handed to containers; give a box or points",
                )
            kept[label] = Prompt(box=prompt.box, points=prompt.points)
        slices[index] = kept or None
    return CasePrompts(opaque, slices, given.slice_axis)
