"""One door for a user's own files: a NIfTI file, a folder of sequences, or a DICOM series."""

from __future__ import annotations

import logging
import os
import re
from pathlib import Path

from unicare.core.case import Case, sequence_name
from unicare.core.errors import ImageError
from unicare.data.dicom import pick_series, read_series
from unicare.data.nifti import load_volume, stem

__all__ = ["load"]

_log = logging.getLogger("unicare")


def load(path: str | os.PathLike[str], *, series_uid: str | None = None) -> Case:
    """Reads one patient's study.

    The last word of a file's name says which sequence it is (``patient7_LGE.nii.gz``, ``T2.nii.gz``, in upper
    or lower case, ``DE`` is LGE and ``C0`` is bSSFP); of a DICOM series the modality and the description say
    so. Anything else is ``unknown``, which is a legal name. In a folder where some files name their sequence,
    those that don't are passed over with a warning.

    Args:
        path: a NIfTI file, a folder of NIfTI files (one for each sequence), or a folder with a DICOM series.
        series_uid: which DICOM series to read, when the folder holds several.

    Returns:
        The case; its id is the name of the file or folder.

    Raises:
        UnicareError: something can't be used; the message names the file and says what to do.

    Example:
        >>> case = load("patient7/")  # doctest: +SKIP
        >>> sorted(case.sequences)  # doctest: +SKIP
        ['LGE', 'T2']
    """
    path = Path(path)
    try:
        if not path.is_dir():
            return _load_file(path)
        files = sorted(one for one in path.iterdir() if stem(one) and not one.name.startswith("."))
    except (OSError, ValueError) as error:
        raise ImageError(f"{path}: can't be read", found=str(error)) from None
    case_id = path.resolve().name
    if files:
        named = _by_sequence(path, files)
        return Case(case_id, {name: load_volume(file) for name, file in named.items()})
    series = pick_series(path, series_uid)
    return Case(case_id, {series.sequence: read_series(series)})


def _load_file(path: Path) -> Case:
    name = stem(path)
    if name is None and path.is_file():
        with path.open("rb") as file:
            if file.read(132)[128:] == b"DICM":
                raise ImageError(
                    f"{path}: a single DICOM file",
                    expected="a NIfTI file or a folder",
                    mend="name the folder that holds the series",
                )
    return Case(name or path.name, {_sequence(name or path.name): load_volume(path)})


def _sequence(name: str) -> str:
    return sequence_name(re.split(r"[\s_.-]+", name)[-1]) or "unknown"


def _by_sequence(folder: Path, files: list[Path]) -> dict[str, Path]:
    """Sequence name to file; the unnamed count only where nothing is named."""
    named: dict[str, list[Path]] = {}
    for file in files:
        named.setdefault(_sequence(stem(file) or ""), []).append(file)
    if len(named) > 1:
        for file in named.pop("unknown", []):
            _log.warning("%s: passed over, its name doesn't end in a sequence (LGE, T2, CT, …)", file)
    for name, several in named.items():
        if len(several) > 1:
            raise ImageError(
                f"{folder}: {len(several)} images of the sequence {name}",
                found=", ".join(file.name for file in several[:5]) + (", …" if len(several) > 5 else ""),
                expected="one patient's folder, with one image for each sequence",
                mend="name each file after its sequence (patient7_LGE.nii.gz), or load them one by one",
            )
    return {name: several[0] for name, several in named.items()}
