"""DICOM series in, their slices sorted and spaced by where they lie in the patient."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.case import sequence_name
from unicare.core.errors import GeometryError, ImageError, UnicareError
from unicare.core.volume import Volume
from unicare.data.dicom_stack import Slice, stack_affine

__all__ = ["Series", "find_series", "load_series", "pick_series", "read_series"]

_MAX_BYTES = 2**32
_SLICE_CLASSES = ("1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.4")  # CT and MR image storage
_LPS_TO_RAS = np.diag([-1.0, -1.0, 1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Series:
    """The images of one series, in no particular order.

    Attributes:
        uid: SeriesInstanceUID.
        description: SeriesDescription.
        sequence: one of ``SEQUENCES``: CT by modality, others by the words of the description.
        slices: one for each image.
    """

    uid: str
    description: str
    sequence: str
    slices: tuple[Slice, ...]


def load_series(folder: str | Path, *, series_uid: str | None = None) -> Volume:
    """Reads a DICOM series.

    Args:
        folder: holds the series, in its subfolders as well; what isn't a DICOM image is passed over.
        series_uid: which series to read, when the folder holds several.

    Returns:
        RescaleSlope times value plus RescaleIntercept, float32 (P, L, S).

    Raises:
        ImageError: no such folder or series, several series and none chosen, pixels that can't be read.
        GeometryError: slices are missing, doubled, unevenly spaced or not parallel.
    """
    return read_series(pick_series(Path(folder), series_uid))


def pick_series(folder: Path, series_uid: str | None = None) -> Series:
    """The only series of a folder, or the one that is named.

    Raises:
        ImageError: there is none, or several and none is named; the message lists them.
    """
    found = find_series(folder)
    if not found:
        raise ImageError(f"{folder}: no DICOM series", expected="files of a CT or MR series")
    listed = ", ".join(
        f"{s.uid} ({s.description or 'no name'}, {len(s.slices)} slices)" for s in found.values()
    )
    if series_uid is not None:
        if series_uid not in found:
            raise ImageError(f"{folder}: no series {series_uid}", found=listed)
        return found[series_uid]
    if len(found) > 1:
        raise ImageError(
            f"{folder}: more than one series",
            found=listed,
            expected="one",
            mend="choose with series_uid, or give each a folder of its own",
        )
    return next(iter(found.values()))


def find_series(folder: Path) -> dict[str, Series]:
    """All image series in a folder and its subfolders, by SeriesInstanceUID; pixels aren't read.

    Raises:
        ImageError: the folder can't be read, or a header is damaged.
    """
    pydicom = _pydicom()
    try:
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        raise ImageError(f"{folder}: can't be read", found=error.strerror or str(error)) from None
    series: dict[str, Series] = {}
    for path in paths:
        try:
            dataset = pydicom.dcmread(path, stop_before_pixels=True)
            if not _is_slice(path, dataset):
                continue
            uid = str(dataset.get("SeriesInstanceUID", ""))
            description = str(dataset.get("SeriesDescription", ""))
            known = series.get(uid) or Series(uid, description, _sequence(dataset, description), ())
            series[uid] = replace(known, slices=(*known.slices, _slice(path, dataset)))
        except pydicom.errors.InvalidDicomError:
            continue
        except UnicareError:
            raise
        except Exception as error:  # pydicom raises whatever a damaged file makes it stumble over
            raise ImageError(f"{path}: a damaged DICOM file", found=str(error)) from None
    return series


def read_series(series: Series) -> Volume:
    """Reads the pixels of a series.

    Raises:
        ImageError: pixels can't be read.
        GeometryError: slices are missing, doubled, unevenly spaced or not parallel.
    """
    slices = sorted(series.slices, key=lambda one: one.height_mm)
    affine = _LPS_TO_RAS @ stack_affine(series.uid, slices)
    rows, columns = slices[0].shape
    if rows * columns * len(slices) * 4 > _MAX_BYTES:
        raise ImageError(
            f"series {series.uid}: too big", found=(columns, rows, len(slices)), expected="at most 4 GB"
        )
    values = np.empty((columns, rows, len(slices)), dtype=np.float32)  # axes as dcm2niix and ITK have them
    for index, one in enumerate(slices):
        values[:, :, index] = _pixels(one).T
    volume = Volume.from_file_axes(values, affine)
    return volume.with_data(np.ascontiguousarray(volume.data))


def _pydicom() -> ModuleType:
    try:
        import pydicom
        import pydicom.errors
    except ImportError:
        raise ImageError("DICOM can't be read without pydicom", mend="pip install pydicom") from None
    return pydicom


def _is_slice(path: Path, dataset: Any) -> bool:
    """Whether it is an image with a place of its own; segmentations, reports and screenshots are not."""
    meta = getattr(dataset, "file_meta", {})
    kind = dataset.get("SOPClassUID") or meta.get("MediaStorageSOPClassUID")
    if not kind:
        raise ImageError(
            f"{path}: a damaged DICOM file",
            found="no SOPClassUID",
            expected="a complete image",
            mend="copy the file again, or take it out of the folder",
        )
    if "PerFrameFunctionalGroupsSequence" in dataset and dataset.get("Modality") in ("CT", "MR"):
        # left out silently, these would be missing slices
        raise ImageError(
            f"{path}: an enhanced multi-frame DICOM image",
            expected="one file per slice, or NIfTI",
            mend="convert it with dcm2niix",
        )
    # a slice cut off before its geometry must be told, or the stack would end early
    return kind in _SLICE_CLASSES or ("Rows" in dataset and "PixelSpacing" in dataset)


def _sequence(dataset: Any, description: str) -> str:
    if dataset.get("Modality") == "CT":
        return "CT"
    words = re.split(r"[^A-Za-z0-9]+", description)
    return next((name for word in words if (name := sequence_name(word))), "unknown")


def _slice(path: Path, dataset: Any) -> Slice:
    directions = np.array(_numbers(path, dataset, "ImageOrientationPatient", 6)).reshape(2, 3)
    lengths = np.linalg.norm(directions, axis=1)
    if np.abs(lengths - 1).max() > 0.01 or abs(directions[0] @ directions[1]) > 0.01:
        raise GeometryError(
            f"{path}: ImageOrientationPatient is impossible",
            found=directions.round(4).tolist(),
            expected="two perpendicular unit vectors",
        )
    row_spacing, column_spacing = _numbers(path, dataset, "PixelSpacing", 2)
    if min(row_spacing, column_spacing) <= 0:
        raise GeometryError(
            f"{path}: PixelSpacing is impossible",
            found=f"{row_spacing:g} × {column_spacing:g} mm",
            expected="two positive numbers",
        )
    rows, columns = (int(_numbers(path, dataset, keyword, 1)[0]) for keyword in ("Rows", "Columns"))
    thickness = dataset.get("SliceThickness") or None
    return Slice(
        path=path,
        shape=(rows, columns),
        position=np.array(_numbers(path, dataset, "ImagePositionPatient", 3)),
        directions=directions / lengths[:, None],
        spacing_mm=(row_spacing, column_spacing),
        thickness_mm=None if thickness is None else float(thickness),
    )


def _numbers(path: Path, dataset: Any, keyword: str, count: int) -> list[float]:
    """The finite numbers of an element."""
    try:
        value = dataset[keyword].value
        numbers = [float(number) for number in ([value] if count == 1 else value)]
    except (KeyError, TypeError, ValueError, OverflowError):
        numbers = []
    if len(numbers) != count or not np.isfinite(numbers).all():
        raise ImageError(
            f"{path}: the DICOM element {keyword} is missing or damaged",
            found=dataset.get(keyword, "nothing"),
            expected=f"{count} number{'s' if count > 1 else ''}",
            mend="leave out images that are no slices of the scan (scouts, secondary captures)",
        )
    return numbers


def _pixels(one: Slice) -> NDArray[np.float32]:
    """(rows, columns) values after rescaling."""
    pydicom = _pydicom()
    try:
        dataset = pydicom.dcmread(one.path)
        stored = np.asarray(dataset.pixel_array)
        slope = float(dataset.get("RescaleSlope", 1))
        intercept = float(dataset.get("RescaleIntercept", 0))
    except Exception as error:  # pydicom and its decoders raise whatever they stumble over
        raise ImageError(
            f"{one.path}: the pixels can't be read",
            found=str(error).splitlines()[0] if str(error) else type(error).__name__,
            mend="copy the file again; compressed pixels need pylibjpeg or gdcm installed",
        ) from None
    if stored.shape != one.shape:
        raise ImageError(
            f"{one.path}: not a single grey image",
            found=f"pixels of shape {stored.shape}",
            expected=f"{one.shape}",
        )
    values = (stored * slope + intercept).astype(np.float32)
    if not np.isfinite(values).all():
        raise ImageError(
            f"{one.path}: values that aren't finite",
            found=f"RescaleSlope {slope}, RescaleIntercept {intercept}",
        )
    return values
