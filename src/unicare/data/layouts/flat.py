"""The container's layout: ``<folder>/images/<case>.nii.gz`` or ``<case>_<sequence>.nii.gz``."""

from __future__ import annotations

import logging
import unicodedata
from collections.abc import Collection, Mapping
from pathlib import Path

from unicare.core.case import Case, sequence_name
from unicare.core.errors import ImageError
from unicare.data.nifti import load_volume, stem

__all__ = ["IMAGES_FOLDER", "list_cases", "read_case", "split_name"]

IMAGES_FOLDER = "images"

_log = logging.getLogger("unicare")


def split_name(name: str, known: Collection[str] | None = None) -> tuple[str, str]:
    """Splits a file's stem into case id and sequence name.

    A case id may end like a sequence: ``foo_T2`` is the case ``foo_T2`` when that one is known, else the T2
    image of ``foo``. Accented letters compare alike whichever way they are composed, and an id that is known
    comes back in the spelling in which it is known.

    Args:
        name: the file's name without .nii or .nii.gz.
        known: case ids known from elsewhere, or None.

    Returns:
        Case id, and one of ``SEQUENCES``; ``unknown`` when the name doesn't end in one.
    """
    spellings = {_composed(case): case for case in known or ()}
    if _composed(name) in spellings:
        return spellings[_composed(name)], "unknown"
    case, _, last = name.rpartition("_")
    sequence = sequence_name(last)
    if not case or sequence is None:
        return name, "unknown"
    return spellings.get(_composed(case), case), sequence


def list_cases(folder: Path, known: Collection[str] | None = None) -> dict[str, dict[str, Path]]:
    """Finds the cases of ``<folder>/images``; see ``Layout``.

    Sequence names are read in upper and lower case, ``DE`` as LGE and ``C0`` as bSSFP. Hidden files are
    passed over; two files of one case and sequence give a warning, and the first by name is taken.

    Raises:
        ImageError: there is no such folder, or no NIfTI file in it.
    """
    images = Path(folder) / IMAGES_FOLDER
    try:
        paths = sorted(path for path in images.iterdir() if not path.name.startswith("."))
    except OSError as error:
        raise ImageError(
            f"{images}: the folder of images can't be read",
            found=error.strerror or str(error),
            expected=f"a folder {IMAGES_FOLDER} with <case>.nii.gz or <case>_<sequence>.nii.gz",
        ) from None
    cases: dict[str, dict[str, Path]] = {}
    for path in paths:
        name = stem(path)
        if not name:
            _log.warning("%s: passed over, it is not named .nii or .nii.gz", path)
            continue
        case, sequence = split_name(name, known)
        files = cases.setdefault(case, {})
        if sequence in files:
            _log.warning(
                "%s: passed over, %s is already the %s image of case %s",
                path,
                files[sequence].name,
                sequence,
                case,
            )
            continue
        files[sequence] = path
    if not cases:
        raise ImageError(f"{images}: no images", found="no .nii.gz file", expected="one for every case")
    return dict(sorted(cases.items()))


def read_case(case_id: str, files: Mapping[str, Path]) -> Case:
    """Reads the images of one case, as ``list_cases`` gave them.

    Raises:
        UnicareError: a file can't be used; the message names it.
    """
    return Case(case_id, {sequence: load_volume(path) for sequence, path in files.items()})


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)
