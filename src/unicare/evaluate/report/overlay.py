"""One slice as a picture: image, outlines of truth and prediction, prompts; ready for a page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.prompt import Prompt
from unicare.core.volume import Volume
from unicare.evaluate.report.slices import View, view_of

__all__ = ["Overlay", "draw_overlay"]

_CONTEXT = 0.5  # of the structure's larger side, on every side
_LEAST_SIDE_MM = 60.0
_CT_WINDOW_HU = (-160.0, 300.0)
_AIR_BELOW_HU = -600.0
_LEAST_AIR = 0.02
_LARGEST_PIXELS = 288
_QUALITY = 68
"""Of WebP: noise keeps its look, and a cut-out takes a few kilobytes."""

_STRAIGHT_MM2 = 1e-6

_Window = tuple[int, int, int, int]


@dataclass(frozen=True)
class Overlay:
    """A cut-out of a slice; coordinates in mm from its upper left corner.

    Attributes:
        width_mm: of the cut-out.
        height_mm: of the cut-out.
        image: the image as a data URI; None where the case has no image on the truth's grid.
        truth: SVG path of the truth's outline; empty where there is none.
        predictions: SVG path of each prediction's outline.
        box: x, y, width, height of the prompt's box.
        points: x, y of each point inside the structure.
        negative_points: x, y of each point outside it.
        letters: where the left, top, right and bottom lie in the patient.
    """

    width_mm: float
    height_mm: float
    image: str | None
    truth: str
    predictions: tuple[str, ...]
    box: tuple[float, float, float, float] | None
    points: tuple[tuple[float, float], ...]
    negative_points: tuple[tuple[float, float], ...]
    letters: tuple[str, str, str, str]


def draw_overlay(
    image: Volume | None,
    truth: Volume,
    predictions: Sequence[NDArray[Any]],
    label: int,
    slice_axis: int,
    index: int,
    prompt: Prompt | None,
) -> Overlay:
    """Cuts the surroundings of a structure out of a slice and draws what is known there.

    The cut-out is the same for all predictions, so that they can be compared.

    Args:
        image: on the truth's grid, or None.
        truth: label map (P, L, S).
        predictions: label maps (P, L, S) on the same grid.
        label: the structure's value.
        slice_axis: the axis that slices are counted along.
        index: the slice.
        prompt: what was given there for this label.
    """
    view = view_of(slice_axis)
    in_truth = view.take(truth.data, index) == label
    in_predictions = [view.take(prediction, index) == label for prediction in predictions]
    spacing = view.spacing_mm(truth)
    rows = in_truth.shape[0]
    box = _page_box(view, prompt, rows)
    window = _cut(np.logical_or.reduce([in_truth, *in_predictions]), box, spacing)
    top, left, bottom, right = window
    cut = (slice(top, bottom), slice(left, right))

    def place(column: float, row: float) -> tuple[float, float]:
        return round((column - left) * spacing[1], 2), round((row - top) * spacing[0], 2)

    return Overlay(
        width_mm=round((right - left) * spacing[1], 2),
        height_mm=round((bottom - top) * spacing[0], 2),
        image=None if image is None else _data_uri(_grey(image, view.take(image.data, index)[cut]), spacing),
        truth=_outline(in_truth[cut], spacing),
        predictions=tuple(_outline(mask[cut], spacing) for mask in in_predictions),
        box=None if box is None else _rectangle(place(box[1], box[0]), place(box[3], box[2])),
        points=tuple(
            place(*view.to_page(p.x + 0.5, p.y + 0.5, rows)) for p in (prompt.points if prompt else ())
        ),
        negative_points=tuple(
            place(*view.to_page(p.x + 0.5, p.y + 0.5, rows))
            for p in (prompt.negative_points if prompt else ())
        ),
        letters=view.letters,
    )


def _page_box(view: View, prompt: Prompt | None, rows: int) -> _Window | None:
    """Top, left, bottom, right of the prompt's box on the page."""
    if prompt is None or prompt.box is None:
        return None
    corners = (
        view.to_page(prompt.box.x0, prompt.box.y0, rows),
        view.to_page(prompt.box.x1, prompt.box.y1, rows),
    )
    columns, lines = zip(*corners, strict=True)
    return int(min(lines)), int(min(columns)), int(max(lines)), int(max(columns))


def _rectangle(start: tuple[float, float], end: tuple[float, float]) -> tuple[float, float, float, float]:
    return start[0], start[1], round(end[0] - start[0], 2), round(end[1] - start[1], 2)


def _cut(mask: NDArray[np.bool_], box: _Window | None, spacing: tuple[float, float]) -> _Window:
    """Top, left, bottom, right of a square (in mm) around mask and box, as far as the image goes."""
    lines, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if lines.size:
        low = np.array([lines[0], columns[0]], dtype=float)
        high = np.array([lines[-1] + 1, columns[-1] + 1], dtype=float)
    else:
        low, high = np.zeros(2), np.array(mask.shape, dtype=float)
    if box is not None:
        low, high = np.minimum(low, box[:2]), np.maximum(high, box[2:])
    side_mm = max(float(((high - low) * spacing).max()) * (1 + 2 * _CONTEXT), _LEAST_SIDE_MM)
    half = side_mm / 2 / np.array(spacing)
    middle = (low + high) / 2
    start = np.maximum(np.floor(middle - half), 0).astype(int)
    end = np.minimum(np.ceil(middle + half), mask.shape).astype(int)
    return int(start[0]), int(start[1]), int(end[0]), int(end[1])


def _grey(image: Volume, cut: NDArray[Any]) -> NDArray[np.uint8]:
    """Grey values 0 to 255: a soft tissue window for CT, else what lies between the cut-out's percentiles."""
    values = cut.astype(np.float64)
    if _is_ct(image):
        low, high = _CT_WINDOW_HU
    else:
        low, high = (float(v) for v in np.percentile(values, (1.0, 99.5)))
        if high <= low:  # a few bright voxels on a plain ground
            low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 128, dtype=np.uint8)
    return (np.clip((values - low) / (high - low), 0.0, 1.0) * 255.0).round().astype(np.uint8)


def _is_ct(image: Volume) -> bool:
    """Whether the values look like Hounsfield units: a good part of the image is air."""
    some = image.data[::4, ::4, :: max(1, image.shape[2] // 50)]
    return bool(np.count_nonzero(some < _AIR_BELOW_HU) > _LEAST_AIR * some.size)


def _data_uri(grey: NDArray[np.uint8], spacing: tuple[float, float]) -> str:
    """A WebP with square pixels, as small as the finer spacing allows."""
    from PIL import Image

    picture = Image.fromarray(grey)
    finest = max(min(spacing), max(grey.shape[0] * spacing[0], grey.shape[1] * spacing[1]) / _LARGEST_PIXELS)
    size = (
        max(1, round(grey.shape[1] * spacing[1] / finest)),
        max(1, round(grey.shape[0] * spacing[0] / finest)),
    )
    if size != picture.size:
        picture = picture.resize(size, Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, format="WEBP", quality=_QUALITY, method=4)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _outline(mask: NDArray[np.bool_], spacing: tuple[float, float]) -> str:
    """SVG path around a mask, half way between voxels inside and outside; in mm."""
    from contourpy import contour_generator

    if not mask.any():
        return ""
    padded = np.pad(mask.astype(np.float64), 1)
    x_mm = (np.arange(padded.shape[1]) - 0.5) * spacing[1]
    y_mm = (np.arange(padded.shape[0]) - 0.5) * spacing[0]
    lines = contour_generator(x=x_mm, y=y_mm, z=padded).lines(0.5)
    return "".join(_closed_path(np.asarray(line)) for line in lines)


def _closed_path(line: NDArray[np.float64]) -> str:
    """A ring of points as a path: straight runs as one step, steps relative, in tenths of a millimetre."""
    points = line[:-1]
    before, after = points - np.roll(points, 1, axis=0), np.roll(points, -1, axis=0) - points
    turns = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > _STRAIGHT_MM2
    corners = np.rint((points[turns] if turns.sum() > 2 else points) * 10).astype(int)
    steps = np.diff(corners, axis=0)
    start = f"M{corners[0, 0] / 10:g},{corners[0, 1] / 10:g}"
    return start + "l" + " ".join(f"{_short(x)},{_short(y)}" for x, y in steps) + "z"


def _short(tenths: int) -> str:
    """A number of tenths without a zero that says nothing."""
    return f"{tenths / 10:g}".replace("0.", ".", 1) if abs(tenths) < 10 else f"{tenths / 10:g}"
