"""Which file is the truth of a case, and which its prediction."""

from __future__ import annotations

import unicodedata
from pathlib import Path

from unicare.core.errors import ImageError
from unicare.data.nifti import NIFTI_SUFFIXES, stem
from unicare.prompts.simulate import LABEL_SUFFIXES

__all__ = ["PREDICTION_ENDS", "find_prediction", "find_truths"]

PREDICTION_ENDS = ("_pred", "")
"""What stands between the case's name and .nii.gz in a prediction's file name, in order of preference."""


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
        case = _case_of(path)
        if case is None:
            continue
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


def find_prediction(predictions_dir: Path, case: str, truth: Path) -> Path | None:
    """The prediction of a case, or None.

    Args:
        predictions_dir: where predictions lie.
        case: looked for as ``<case>_pred.nii.gz`` and ``<case>.nii.gz`` (also .nii).
        truth: the case's truth; a prediction of the same file name is taken last.
    """
    names = [case + end + suffix for end in PREDICTION_ENDS for suffix in NIFTI_SUFFIXES]
    for name in (*names, truth.name):
        for form in ("NFC", "NFD"):
            path = Path(predictions_dir) / unicodedata.normalize(form, name)
            if path.is_file():
                return path
    return None


def _case_of(path: Path) -> str | None:
    name = stem(path)
    if not name:
        return None
    for end in LABEL_SUFFIXES:
        if len(name) > len(end) and name.endswith(end):
            return name[: -len(end)]
    return name
