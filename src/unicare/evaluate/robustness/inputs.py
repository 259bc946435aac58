"""Which conditions a study has, and the input folder of each: made worse, in the container's layout."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from unicare.core.case import Case
from unicare.core.errors import GeometryError, ImageError, OutputError, SettingsError, UnicareError
from unicare.core.prompt import CasePrompts
from unicare.core.volume import Volume
from unicare.data.layouts.flat import IMAGES_FOLDER, list_cases, read_case
from unicare.data.nifti import load_labels, load_volume, save_volume
from unicare.evaluate.files import find_truths
from unicare.evaluate.robustness.curves import CLEAN, KINDS, Condition, subset_name, subsets_of
from unicare.evaluate.robustness.perturb import add_noise, choose_points, jitter_case, noise_seed, onto_grid
from unicare.prompts.axes import fit_to_volume
from unicare.prompts.check import PROMPTS_FILE
from unicare.prompts.contract import read_prompts, write_prompts

__all__ = ["ALL_SEQUENCES", "POINT_VARIANTS", "Levels", "Study", "StudyCase", "read_study", "write_input"]

ALL_SEQUENCES = "all"
POINT_VARIANTS = ("box", "no box")


@dataclass(frozen=True)
class Levels:
    """How much worse inputs get.

    Attributes:
        missing: probabilities of a sequence being missing; they cost nothing, all combinations are measured.
        noise: standard deviation of the noise as a share of the image's own.
        jitter: furthest movement as a share of the box's sides.
        points: numbers of points, 1 to 5.
    """

    missing: tuple[float, ...] = tuple(step / 20 for step in range(21))
    noise: tuple[float, ...] = (0.0, 0.1, 0.2, 0.4, 0.8)
    jitter: tuple[float, ...] = (0.0, 0.05, 0.1, 0.2, 0.3)
    points: tuple[float, ...] = (1, 2, 3, 4, 5)

    def __post_init__(self) -> None:
        tops = {"missing": 1.0, "noise": 100.0, "jitter": 1.0, "points": 5.0}
        for kind in KINDS:
            levels = getattr(self, kind)
            lowest = 1.0 if kind == "points" else 0.0
            ascending = all(low < high for low, high in pairwise(levels))
            whole = kind != "points" or all(float(level).is_integer() for level in levels)
            numbers = "whole numbers" if kind == "points" else "numbers"
            if not (levels and ascending and whole and levels[0] >= lowest and levels[-1] <= tops[kind]):
                raise SettingsError(
                    f"levels of {kind}",
                    found=", ".join(f"{level:g}" for level in levels) or "none",
                    expected=f"ascending {numbers}, {lowest:g} to {tops[kind]:g}",
                )


@dataclass(frozen=True)
class StudyCase:
    """A case that has images, prompts and a truth.

    Attributes:
        id: its name.
        files: sequence to image.
        prompts: fitted to the reference sequence.
        slice_shape: (x, y) voxels of a slice.
        reference: the sequence on whose grid truth and prompts lie.
        truth: its label map.
    """

    id: str
    files: Mapping[str, Path]
    prompts: CasePrompts
    slice_shape: tuple[int, int]
    reference: str
    truth: Path


@dataclass(frozen=True)
class Study:
    """What is measured: the cases, where they come from, and what was left out and why."""

    input_dir: Path
    cases: tuple[StudyCase, ...]
    findings: tuple[str, ...]

    @property
    def sequences(self) -> tuple[str, ...]:
        """Every sequence that some case has."""
        return tuple(sorted({name for case in self.cases for name in case.files}))

    def conditions(self, kinds: Sequence[str], levels: Levels) -> list[Condition]:
        """Every condition that has to be measured, the clean one first.

        Raises:
            SettingsError: an unknown kind.
        """
        unknown = [kind for kind in kinds if kind not in KINDS]
        if unknown or not kinds:
            raise SettingsError(
                "kind of robustness", found=", ".join(unknown) or "none", expected=", ".join(KINDS)
            )
        found = [CLEAN]
        for kind in (kind for kind in KINDS if kind in kinds):
            if kind == "missing":
                found += self._missing()
                continue
            for variant in self.variants(kind):
                wanted = [Condition(kind, float(level), variant) for level in getattr(levels, kind)]
                found += [condition for condition in wanted if condition.level > 0]
        return found

    def variants(self, kind: str) -> tuple[str, ...]:
        """The variants of noise, jitter or points, a curve each."""
        if kind == "noise":
            several = any(len(case.files) > 1 for case in self.cases)
            return (*self.sequences, ALL_SEQUENCES) if several else self.sequences
        return POINT_VARIANTS if kind == "points" else ("",)

    def _missing(self) -> list[Condition]:
        """Every combination that lacks something of a case of several sequences."""
        needed: dict[frozenset[str], None] = {}
        for case in self.cases:
            if len(case.files) > 1:
                needed.update(dict.fromkeys(subsets_of(sorted(case.files))))
        most = max((len(subset) for subset in needed), default=0)
        found = [
            Condition("missing", float(most - len(subset)), subset_name(subset))
            for subset in sorted(needed, key=lambda one: (-len(one), sorted(one)))
        ]
        return [condition for condition in found if self.cases_of(condition)]

    def cases_of(self, condition: Condition) -> tuple[StudyCase, ...]:
        """The cases that a condition changes."""
        if condition.kind == "missing":
            left = _left(condition)
            return tuple(case for case in self.cases if len(case.files) > 1 and left < case.files.keys())
        if condition.kind == "noise" and condition.variant != ALL_SEQUENCES:
            return tuple(case for case in self.cases if condition.variant in case.files)
        return self.cases


def _left(condition: Condition) -> frozenset[str]:
    """The sequences that a condition leaves."""
    empty = condition.variant == subset_name(frozenset())
    return frozenset() if empty else frozenset(condition.variant.split("+"))


def read_study(input_dir: Path, truth_dir: Path) -> Study:
    """Finds the cases that can be measured, and reads each once to fit its prompts.

    Raises:
        UnicareError: there is no such folder, no prompts, or no case that has all it needs.
    """
    truths = find_truths(truth_dir)
    prompts, unreadable = read_prompts(input_dir / PROMPTS_FILE)
    images = list_cases(input_dir, [*prompts, *unreadable])
    findings = [f"case {case}: left out; {error}" for case, error in unreadable.items()]
    cases = []
    for name, truth in truths.items():
        if name not in images or name not in prompts:
            if name not in unreadable:
                what = "prompts" if name in images else "image"
                findings.append(f"case {name}: left out; a truth, but no {what}")
            continue
        try:
            cases.append(_study_case(name, images[name], prompts[name], truth))
        except UnicareError as error:
            findings.append(f"case {name}: left out; {error}")
    if not cases:
        raise ImageError(
            f"{input_dir}: no case that can be measured",
            found=findings[0] if findings else "no case with a truth",
            expected="cases with images, prompts and a truth",
        )
    without = len(images.keys() - truths.keys())
    if without:
        findings.append(f"{without} images without a truth are left out")
    return Study(input_dir, tuple(cases), tuple(findings))


def _study_case(name: str, files: Mapping[str, Path], prompts: CasePrompts, truth: Path) -> StudyCase:
    case = read_case(name, files)
    fitted = fit_to_volume(prompts, case.reference)
    _same_shape(truth, load_labels(truth), case.reference)
    rows, columns = (length for axis, length in enumerate(case.reference.shape) if axis != fitted.slice_axis)
    return StudyCase(name, dict(files), fitted, (rows, columns), case.reference_name, truth)


def _same_shape(path: Path, truth: Volume, reference: Volume) -> None:
    if truth.shape != reference.shape:
        raise GeometryError(
            f"{path}: the truth lies on another grid than the image",
            found=f"{truth.shape} voxels in PLS axes",
            expected=f"{reference.shape}",
        )


def write_input(study: Study, condition: Condition, folder: Path, seed: int) -> None:
    """Writes the input folder of a condition anew: images/, prompts.json and the masks that they name.

    Files that a condition doesn't change are copied, so that nothing can happen to the originals.

    Args:
        study: of which cases.
        condition: what is made worse.
        folder: made anew.
        seed: of noise, movements and points.

    Raises:
        OutputError: the folder can't be written to.
    """
    cases = study.cases_of(condition)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        (folder / IMAGES_FOLDER).mkdir(parents=True)
        for case in cases:
            _write_images(case, condition, folder / IMAGES_FOLDER, seed)
            _copy_masks(case, study.input_dir, folder)
    except OSError as error:
        raise OutputError(f"{folder}: can't be written", found=error.strerror or str(error)) from None
    write_prompts(folder / PROMPTS_FILE, [_prompts(case, condition, seed) for case in cases])


def _write_images(case: StudyCase, condition: Condition, folder: Path, seed: int) -> None:
    left = dict(case.files)
    if condition.kind == "missing":
        left = {name: path for name, path in left.items() if name in _left(condition)}
    volumes = _without_reference(case, left)
    for name, path in left.items():
        target = folder / path.name
        if condition.kind == "noise" and condition.variant in (name, ALL_SEQUENCES):
            noisy = add_noise(load_volume(path), condition.level, noise_seed(seed, case.id, name))
            save_volume(target, noisy)
        elif name in volumes:
            save_volume(target, volumes[name])
        else:
            shutil.copyfile(path, target)


def _without_reference(case: StudyCase, left: Mapping[str, Path]) -> dict[str, Volume]:
    """Where the sequence is gone on whose grid truth and prompts lie, the next one takes its grid."""
    if not left or case.reference in left:
        return {}
    remaining = Case(case.id, {name: load_volume(path) for name, path in left.items()})
    grid = load_volume(case.files[case.reference])
    return {remaining.reference_name: onto_grid(remaining.reference, grid)}


def _prompts(case: StudyCase, condition: Condition, seed: int) -> CasePrompts:
    if condition.kind == "jitter":
        return jitter_case(case.prompts, condition.level, case.slice_shape, seed)
    if condition.kind == "points":
        labels = load_labels(case.truth).data
        with_box = condition.variant == POINT_VARIANTS[0]
        return choose_points(case.prompts, labels, int(condition.level), box=with_box, seed=seed)
    return case.prompts


def _copy_masks(case: StudyCase, source: Path, folder: Path) -> None:
    for name in {prompt.mask for _, _, prompt in case.prompts if prompt.mask is not None}:
        target = folder / name
        inside = target.resolve().is_relative_to(folder.resolve())
        if inside and (source / name).is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / name, target)
