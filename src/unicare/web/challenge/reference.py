"""Reference data of a phase: where they lie, and whether they fit together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unicare.core.errors import UnicareError
from unicare.data.cohort import MANIFEST_NAME, CohortRow, read_cohort
from unicare.data.layouts.flat import IMAGES_FOLDER, list_cases
from unicare.data.nifti import load_labels
from unicare.evaluate.files import find_truths
from unicare.evaluate.findings import name_some
from unicare.evaluate.grid import compare_grids, load_grid
from unicare.prompts.check import PROMPTS_FILE, check_input
from unicare.prompts.contract import read_prompts
from unicare.web.challenge.findings import Finding, Severity
from unicare.web.challenge.misfits import by_case, misfits_of, misfits_of_prompts
from unicare.web.challenge.privacy import cohort_traces, image_traces
from unicare.web.challenge.schema import Challenge, Task

__all__ = ["REFERENCE_FOLDER", "Reference", "check_reference", "find_reference"]

REFERENCE_FOLDER = "reference"
TRUTH_FOLDER = "truth"
UNKNOWN = "unknown"

Progress = Callable[[int, int, str], None]

_PARTS = (TRUTH_FOLDER, IMAGES_FOLDER, PROMPTS_FILE, MANIFEST_NAME)
_REFERENCE_ORDER = ("LGE", "T2", "bSSFP")  # whose grid a case's truth lies on (the container's contract)


@dataclass(frozen=True)
class Reference:
    """The reference data of one task in one phase; organisers' only.

    Attributes:
        folder: ``reference/<task>/<phase>``, absolute.
    """

    folder: Path

    @property
    def truth(self) -> Path:
        """Folder with ``<case>.nii.gz``."""
        return self.folder / TRUTH_FOLDER

    @property
    def images(self) -> Path:
        """Folder with ``<case>.nii.gz`` or ``<case>_<sequence>.nii.gz``."""
        return self.folder / IMAGES_FOLDER

    @property
    def prompts(self) -> Path:
        """The file prompts.json."""
        return self.folder / PROMPTS_FILE

    @property
    def cohort(self) -> Path:
        """The manifest."""
        return self.folder / MANIFEST_NAME


def find_reference(challenge: Challenge, task: str, phase: str) -> Reference | None:
    """The reference data of a task in a phase, or None where there are none yet.

    Raises:
        KeyError: no such task or phase.
        ValueError: the folder is a link that leads out of the challenge's.
    """
    root = challenge.folder
    written = Path(REFERENCE_FOLDER, challenge.task(task).name, challenge.phase(phase).name)
    folder = (root / written).resolve()
    if not folder.is_relative_to(root):
        raise ValueError(f"{written.as_posix()} leaves the challenge's folder through a link")
    return Reference(folder) if folder.is_dir() else None


def check_reference(
    reference: Reference, task: Task, root: Path, progress: Progress | None = None
) -> tuple[list[Finding], dict[str, int]]:
    """What is wrong with a phase's reference data; reads every image and truth.

    Args:
        reference: of ``find_reference``.
        task: what the data are of.
        root: the challenge's folder, from which findings name files.
        progress: told after every case.

    Returns:
        Findings, and how many cases of each distribution there are; ``unknown`` where no manifest says it.
    """
    look = _Look(reference, task, root)
    look.check_parts()
    rows = look.read_manifest()
    truths = look.read_truths()
    images = look.read_images(truths)
    look.check_cases(truths, images, rows)
    for done, (case, path) in enumerate(truths.items(), start=1):
        look.check_case(path, images.get(case, {}), rows.get(case) if rows else None)
        if progress is not None:
            progress(done, len(truths), case)
    look.check_rows(truths, images, rows or {})
    if task.prompts:
        look.check_prompts()
    if rows is None:  # cases are there all the same
        return look.findings, {UNKNOWN: len(truths)} if truths else {}
    counts = Counter(row.distribution for row in rows.values())
    return look.findings, {name: counts[name] for name in ("ID", "OOD") if counts[name]}


class _Look:
    """One phase's data of one task, and what was found about them."""

    def __init__(self, reference: Reference, task: Task, root: Path) -> None:
        self.reference = reference
        self.task = task
        self.root = root
        self.findings: list[Finding] = []

    def tell(
        self,
        path: Path,
        what: str,
        *,
        found: object = "",
        expected: object = "",
        mend: str = "",
        severity: Severity = "error",
    ) -> None:
        what = what.replace(f"{self.root}/", "")
        self.findings.append(Finding(severity, self.named(path), what, None, str(found), str(expected), mend))

    def named(self, path: Path) -> str:
        return path.relative_to(self.root).as_posix() if path.is_relative_to(self.root) else path.name

    def check_parts(self) -> None:
        """What else lies there, and links that lead out."""
        for path in sorted(self.reference.folder.iterdir()):
            if path.name not in _PARTS and not path.name.startswith("."):
                mend = f"a phase's reference has {', '.join(_PARTS)}; move the rest elsewhere"
                self.tell(path, "isn't part of a phase's reference", mend=mend, severity="warning")
        for path in sorted(self.reference.folder.rglob("*")):
            if path.is_symlink() and not path.resolve().is_relative_to(self.root):
                self.tell(path, "leads out of the challenge's folder", mend="copy what it points to")

    def read_manifest(self) -> dict[str, CohortRow] | None:
        file = self.reference.cohort
        if not file.exists():
            mend = "make it: docs/challenge.md shows one"
            self.tell(file, "isn't there", expected="a manifest with a row for each case", mend=mend)
            return None
        try:
            rows = read_cohort(file)
        except UnicareError as error:
            self.tell(file, str(error))
            return None
        self.findings += cohort_traces(rows, self.named(file))
        for task in sorted({row.task for row in rows} - {self.task.care_task}):
            self.tell(file, "rows of another task", found=task, expected=self.task.care_task)
        there = {row.distribution for row in rows}
        for name in self.task.distributions:
            if name not in there:
                what = f"no case is {name}, though the task has such cases; its {name} tables stay empty"
                self.tell(file, what, severity="warning")
        return {row.case: row for row in rows}

    def read_truths(self) -> dict[str, Path]:
        try:
            return find_truths(self.reference.truth)
        except UnicareError as error:
            self.tell(self.reference.truth, str(error))
            return {}

    def read_images(self, truths: Mapping[str, Path]) -> dict[str, dict[str, Path]]:
        try:
            return list_cases(self.reference.folder, truths)
        except UnicareError as error:
            self.tell(self.reference.images, str(error))
            return {}

    def check_cases(
        self,
        truths: Mapping[str, Path],
        images: Mapping[str, Mapping[str, Path]],
        rows: Mapping[str, CohortRow] | None,
    ) -> None:
        """Truths, images and the manifest have the same cases."""
        places: list[tuple[Path, Iterable[str], str]] = []
        if images:
            places.append((self.reference.images, images, "an image"))
        if rows is not None:
            places.append((self.reference.cohort, rows, "a row"))
        for path, cases, what in places if truths else ():
            without = sorted(set(truths) - set(cases))
            alone = sorted(set(cases) - set(truths))
            if without:
                self.tell(path, f"cases that have a truth, but not {what}", found=name_some(without))
            if alone:
                self.tell(path, f"cases that have {what}, but no truth", found=name_some(alone))

    def check_rows(
        self,
        truths: Iterable[str],
        images: Mapping[str, Mapping[str, Path]],
        rows: Mapping[str, CohortRow],
    ) -> None:
        """What the manifest says of cases fits the task and the files; the same of many is one finding."""
        there = [rows[case] for case in truths if case in rows]
        misfits = {row.case: misfits_of(row, self.task, images.get(row.case, {})) for row in there}
        for told, cases in by_case(misfits).items():
            self.tell(self.reference.cohort, told.of(cases), found=told.found, expected=told.expected)

    def check_case(self, truth: Path, images: Mapping[str, Path], row: CohortRow | None) -> None:
        """One case's labels, grid, sequences and headers."""
        for path in (truth, *images.values()):
            self.findings += image_traces(path, self.named(path))
        try:
            labels = load_labels(truth)
        except UnicareError as error:
            self.tell(truth, str(error))
            return
        values = {int(value) for value in np.unique(labels.data)} - {0}
        self._check_labels(truth, values, row)
        name = next((name for name in _REFERENCE_ORDER if name in images), next(iter(images), None))
        if name is None:
            return
        try:
            different = compare_grids(labels, load_grid(images[name]))
        except UnicareError as error:
            self.tell(images[name], str(error))
            return
        if different is not None:
            mend = f"truth and image {images[name].name} must lie on the same grid"
            self.tell(truth, different.kind, found=different.expected, expected=different.found, mend=mend)

    def _check_labels(self, truth: Path, values: set[int], row: CohortRow | None) -> None:
        strange = sorted(values - set(self.task.labels))
        if strange:
            self.tell(
                truth,
                "labels that the task doesn't have",
                found=name_some(map(str, strange)),
                expected=f"some of {', '.join(map(str, self.task.labels))}",
                mend="mend the truth, or add them under labels: in challenge.yaml",
            )
        if not values:
            self.tell(truth, "nothing is drawn in it", severity="warning")
        if row is not None and row.annotated and (values & set(self.task.labels)) - set(row.annotated):
            left_out = sorted((values & set(self.task.labels)) - set(row.annotated))
            self.tell(
                truth,
                f"has labels that {MANIFEST_NAME} doesn't list as annotated, so they don't count",
                found=", ".join(map(str, left_out)),
                severity="warning",
            )

    def check_prompts(self) -> None:
        """prompts.json fits the images and the task."""
        file = self.reference.prompts
        for one in check_input(self.reference.folder):
            message = one.message.replace(f"{self.reference.folder}/", "")
            self.tell(file, message, severity=one.severity)
        try:
            cases = read_prompts(file).cases
        except UnicareError:
            return
        strange = {
            case: misfits_of_prompts(prompts.labels, self.task.labels) for case, prompts in cases.items()
        }
        for told, named in by_case(strange).items():
            self.tell(file, told.of(named), found=told.found, expected=told.expected)
