"""Traces of patients in reference data: header texts, extensions, dates, columns that name a person.

Nothing here can prove that there are none; it finds what converters and archives usually leave behind. What
is found isn't repeated in the messages.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, cast

from unicare.core.errors import UnicareError
from unicare.data.cohort import CohortRow
from unicare.data.nifti import stem
from unicare.data.nifti_header import parse_header
from unicare.web.challenge.findings import Finding

__all__ = ["cohort_traces", "image_traces", "looks_personal"]

_DATE = re.compile(r"(?<!\d)(19|20)\d\d[-./]?(0[1-9]|1[0-2])[-./]?(0[1-9]|[12]\d|3[01])(?!\d)")
_NAME = re.compile(r"\w\^\w")  # as DICOM writes names: Family^Given
_TIME_TAG = re.compile(r"\b(time|date|name|birth\w*)\s*=", re.IGNORECASE)
_PERSONAL_COLUMN = re.compile(
    r"(^|_)(name|surname|forename|birth\w*|born|dob|address|phone|email|mrn|ssn|accession\w*|insurance)($|_)"
)
_TEXT_FIELDS = ("descrip", "aux_file", "db_name", "intent_name")
_FNAME_FLAG = 8  # of gzip's third flag byte: the packed file's own name follows


def looks_personal(text: str) -> bool:
    """Whether a text has a full date or a name as DICOM writes it."""
    return bool(_DATE.search(text) or _NAME.search(text))


def image_traces(path: Path, file: str) -> Iterator[Finding]:
    """What a NIfTI file says besides its voxels and geometry.

    Args:
        path: .nii or .nii.gz; one that can't be read has no traces.
        file: what findings name.
    """
    mend = "write the image anew, without it"
    if looks_personal(stem(path) or ""):
        yield Finding(
            "warning", file, "the file's name looks like a date or a person's name", mend="rename it"
        )
    try:
        packed_name, texts, extended = _besides(path)
    except (UnicareError, OSError, EOFError, zlib.error):
        return
    if extended:
        what = "the header has an extension, which may hold the patient's DICOM header"
        yield Finding("error", file, what, mend=mend)
    for field, text in texts.items():
        if looks_personal(text) or _TIME_TAG.search(text):
            what = f"the header's text {field} looks like a date, a time or a person's name"
            yield Finding("error", file, what, mend=mend)
    if packed_name and packed_name not in (path.name, path.name.removesuffix(".gz")):
        what = "the .gz remembers the file by another name, which may be the patient's"
        yield Finding("warning", file, what, mend="pack it again, for example with gzip --no-name")


def _besides(path: Path) -> tuple[str, dict[str, str], bool]:
    """The name inside a .gz, the header's texts, and whether it has extensions."""
    packed_name = _packed_name(path)
    with path.open("rb") as raw:
        zipped = raw.read(2) == b"\x1f\x8b"
        raw.seek(0)
        stream = cast("BinaryIO", gzip.GzipFile(fileobj=raw)) if zipped else raw
        header = parse_header(path, stream)
        flag = stream.read(4)
    texts = {}
    for field in _TEXT_FIELDS:
        if field in header:
            texts[field] = bytes(header[field].item()).decode("latin-1").strip("\0 ")
    return packed_name, texts, flag[:1] not in (b"", b"\0")


def _packed_name(path: Path) -> str:
    with path.open("rb") as raw:
        start = raw.read(1024)
    if start[:2] != b"\x1f\x8b" or len(start) < 10 or not start[3] & _FNAME_FLAG or start[3] & 4:
        return ""
    return Path(start[10:].split(b"\0", 1)[0].decode("latin-1")).name


def cohort_traces(rows: Sequence[CohortRow], file: str) -> Iterator[Finding]:
    """Columns and cells of a manifest that look like a person's."""
    columns = dict.fromkeys(name for row in rows for name in row.subgroups)
    for column in columns:
        if _PERSONAL_COLUMN.search(column.lower().replace(" ", "_").replace("-", "_")):
            yield Finding("error", file, f"column {column} sounds like a person's", mend="leave it out")
    for row in rows:
        cells = {"case": row.case, "patient": row.patient, "age_band": row.age_band, **row.subgroups}
        for column, cell in cells.items():
            if looks_personal(cell):
                what = f"case {row.case}: {column} looks like a date or a person's name"
                yield Finding("warning", file, what, mend="give opaque ids, and years at most")
