"""Which file is the truth of a case, which its prediction, and which belong to no case."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from unicare.core.errors import ImageError
from unicare.data.nifti import NIFTI_SUFFIXES, stem
from unicare.prompts.simulate import LABEL_SUFFIXES

__all__ = [
    "PREDICTION_ENDS",
    "find_extras",
    "find_prediction",
    "find_probabilities",
    "find_probability",
    "find_truths",
    "without_label_end",
]

PREDICTION_ENDS = ("_pred", "")
"""What stands between the case's name and .nii.gz in a prediction's file name, in order of preference."""

_PROBABILITY_END = re.compile(r"_prob_-?\d+$")


def find_truths(truth_dir: Path) -> dict[str, Path]:
    """Case to label map, for every NIfTI file in a folder, in order of the cases' names.

    ``_label`` and the like at the end of a file's name is no part of it, as for ``prompts simulate``.

    Raises:
        ImageError: there is no such folder, no label map in it, or two for one case.
    """
    try:
        paths = sorted(path for path in Path(truth_dir).iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ImageError(
            f"{truth_dir}: the folder of truths can't be read",
            found=error.strerror or str(error),
            expected="a folder with <case>.nii.gz for every case",
        ) from None
    truths: dict[str, Path] = {}
    for path in paths:
        name = stem(path)
        if not name:
            continue
        case = without_label_end(name)
        if case in truths:
            raise ImageError(
                f"{truth_dir}: two truths for case {case}",
                found=f"{truths[case].name} and {path.name}",
                expected="one label map for every case",
            )
        truths[case] = path
    if not truths:
        raise ImageError(f"{truth_dir}: no truth", found="no .nii.gz file", expected="one for every case")
    return dict(sorted(truths.items()))


def without_label_end(name: str) -> str:
    """The case's name, from that of its label map's file without .nii.gz: ``a`` of ``a_label``."""
    for end in LABEL_SUFFIXES:
        if len(name) > len(end) and name.endswith(end):
            return name[: -len(end)]
    return name


def find_prediction(predictions_dir: Path, case: str, truth: Path) -> Path | None:
    """The prediction of a case, or None.

    Args:
        predictions_dir: where predictions lie.
        case: looked for as ``<case>_pred.nii.gz`` and ``<case>.nii.gz`` (also .nii).
        truth: the case's truth; a prediction of the same file name is taken last.
    """
    names = [case + end + suffix for end in PREDICTION_ENDS for suffix in NIFTI_SUFFIXES]
    return _first_file(predictions_dir, (*names, truth.name))


def find_extras(predictions_dir: Path, predictions: Iterable[Path | None]) -> list[Path]:
    """The NIfTI files of a folder of predictions that are no prediction of any truth, by name.

    Args:
        predictions_dir: where predictions lie.
        predictions: those that were found for truths.

    Hidden files and maps of probabilities (``<case>_prob_<label>``) are passed over.
    """
    taken = {path.name for path in predictions if path is not None}
    extras = []
    for path in sorted(Path(predictions_dir).iterdir()):
        name = stem(path)
        if name and not name.startswith(".") and not _PROBABILITY_END.search(name) and path.is_file():
            extras.append(path)
    return [path for path in extras if path.name not in taken]


def find_probability(folder: Path, case: str, label: int) -> Path | None:
    """The map of a label's probabilities in a case, ``<case>_prob_<label>.nii.gz`` (also .nii), or None."""
    return _first_file(folder, [f"{case}_prob_{label}{suffix}" for suffix in NIFTI_SUFFIXES])


def find_probabilities(folder: Path, case: str) -> list[Path]:
    """The maps of probabilities of a case, whatever their labels, by name."""
    start = unicodedata.normalize("NFC", f"{case}_prob_")
    try:
        every = sorted(Path(folder).iterdir())
    except OSError:
        return []
    return [path for path in every if unicodedata.normalize("NFC", path.name).startswith(start)]


def _first_file(folder: Path, names: Iterable[str]) -> Path | None:
    """The first of several names that a folder holds, however its accents are composed."""
    for name in names:
        for form in ("NFC", "NFD"):
            path = Path(folder) / unicodedata.normalize(form, name)
            if path.is_file():
                return path
    return None
