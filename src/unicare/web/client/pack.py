"""What is to be uploaded, as one file."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from unicare.core.errors import OutputError, SubmissionError
from unicare.data.nifti import stem

__all__ = ["Packed", "packed_for_upload"]

_DAY = (1980, 1, 1, 0, 0, 0)  # so that the same files make the same archive, which an upload can go on with
_PROBABILITIES = re.compile(r"_prob_-?\d+$")
_BLOCK_BYTES = 2**20


@dataclass(frozen=True)
class Packed:
    """A file that can be uploaded.

    Attributes:
        path: where it lies.
        name: as the site is told.
        left_out: files of a folder that are no label maps.
    """

    path: Path
    name: str
    left_out: tuple[str, ...] = ()


@contextmanager
def packed_for_upload(path: Path, kind: str) -> Iterator[Packed]:
    """A zip or an image archive as it is; the label maps of a folder in a zip that goes when it isn't needed.

    Args:
        path: file or folder.
        kind: ``predictions`` or ``container``.

    Raises:
        SubmissionError: there is no such file, or nothing in the folder that can be handed in.
        OutputError: there is no room for the zip.
    """
    if path.is_file():
        if path.stat().st_size == 0:
            raise SubmissionError(f"{path}: the file is empty")
        yield Packed(path, path.name)
        return
    if not path.is_dir():
        raise SubmissionError(f"{path}: there is no such file or folder")
    if kind == "container":
        raise SubmissionError(
            f"{path}: a folder",
            expected="one image archive",
            mend="make it with: podman save -o image.tar NAME",
        )
    files, left_out = _label_maps(path)
    with tempfile.TemporaryDirectory(prefix="unicare-") as folder:
        target = Path(folder) / "predictions.zip"
        _write(files, target)
        yield Packed(target, f"{path.resolve().name}.zip", left_out)


def _label_maps(folder: Path) -> tuple[list[Path], tuple[str, ...]]:
    every = sorted(one for one in folder.iterdir() if not one.name.startswith("."))
    files = [
        one for one in every if one.is_file() and stem(one) and not _PROBABILITIES.search(stem(one) or "")
    ]
    if not files:
        raise SubmissionError(
            f"{folder}: no prediction", found="no .nii.gz file", expected="<case>_pred.nii.gz for each case"
        )
    return files, tuple(one.name for one in every if one not in files)


def _write(files: list[Path], target: Path) -> None:
    """Stored, as .nii.gz can't be made smaller."""
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
            for path in files:
                about = zipfile.ZipInfo(path.name, _DAY)
                about.file_size = path.stat().st_size
                with path.open("rb") as source, archive.open(about, "w") as packed:
                    shutil.copyfileobj(source, packed, _BLOCK_BYTES)
    except OSError as error:
        raise OutputError(
            f"{target.parent}: the zip can't be written",
            found=error.strerror,
            mend="free some room there, set TMPDIR, or zip the predictions by yourself",
        ) from None
