"""Prompts from label maps as the challenge draws them: loose boxes, a few points, null where little is."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unicare.core.errors import GeometryError, ImageError, PromptError, SettingsError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.core.volume import Volume
from unicare.prompts.axes import choose_slice_axis
from unicare.prompts.contract import LARGEST_LABEL, MAX_POINTS, write_prompts

__all__ = [
    "PromptSettings",
    "prompt_generator",
    "simulate_case",
    "simulate_folder",
    "simulate_slice",
    "simulate_slice_labels",
]

LABEL_SUFFIXES = ("_gd", "_label", "_labels", "_seg", "_mask")
"""Ends of label files' names that aren't part of the case's name."""

_BINCOUNT_LIMIT = 1_000_000
"""Above this label, counting by index would cost more memory than sorting."""

_BLOCK_SLICES = 16
"""Slices that are copied together: as many as share the cache lines of a volume that lies the other way."""


@dataclass(frozen=True)
class PromptSettings:
    """How prompts are drawn from masks.

    Attributes:
        box: whether a box is given.
        points: whether points are given.
        box_margin_voxels: (least, most) voxels between structure and box, drawn for each side by itself;
            (0, 0) is tight.
        box_jitter_fraction: each edge is then moved by up to ± this fraction of the box's side (0 to 0.2).
        point_count: (least, most) points; the number is drawn uniformly, the points uniformly in the mask.
        negative_point_count: points in the box but outside the structure.
        min_foreground_voxels: a label with fewer voxels on a slice isn't prompted there.
        labels: label values to prompt; None means all that occur.
    """

    box: bool = True
    points: bool = True
    box_margin_voxels: tuple[int, int] = (1, 5)
    box_jitter_fraction: float = 0.0
    point_count: tuple[int, int] = (1, MAX_POINTS)
    negative_point_count: int = 0
    min_foreground_voxels: int = 10
    labels: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "box_margin_voxels", tuple(self.box_margin_voxels))
        object.__setattr__(self, "point_count", tuple(self.point_count))
        if self.labels is not None:
            object.__setattr__(self, "labels", tuple(self.labels))
        if not (self.box or self.points):
            raise SettingsError("prompts with neither box nor points", expected="at least one of them")
        _check_range("box_margin_voxels", self.box_margin_voxels, 0, 1000)
        _check_range("point_count", self.point_count, 1, MAX_POINTS)
        _check_range("negative_point_count", (self.negative_point_count,) * 2, 0, 1000)
        _check_range("min_foreground_voxels", (self.min_foreground_voxels,) * 2, 0, 2**31)
        if not 0.0 <= self.box_jitter_fraction <= 0.2:
            raise SettingsError(
                "box_jitter_fraction out of range", found=self.box_jitter_fraction, expected="0 to 0.2"
            )


def _check_range(name: str, values: tuple[int, ...], lowest: int, highest: int) -> None:
    whole = all(isinstance(value, int) for value in values)
    if len(values) != 2 or not whole or not lowest <= values[0] <= values[1] <= highest:
        raise SettingsError(
            f"{name} out of range",
            found=values,
            expected=f"(least, most), whole numbers between {lowest} and {highest}",
        )


def prompt_generator(seed: int, case_id: str, index: int, label: int) -> np.random.Generator:
    """The random numbers of one label on one slice, the same whatever other cases, slices, labels there are.

    Raises:
        SettingsError: the seed is negative.
    """
    if seed < 0:
        raise SettingsError("the seed is negative", found=seed, expected="0 or more")
    entropy = [seed, zlib.crc32(case_id.encode("utf-8", "surrogatepass")), index, label]
    return np.random.default_rng(np.random.SeedSequence(entropy))


def simulate_slice(
    mask: NDArray[np.bool_], settings: PromptSettings, rng: np.random.Generator
) -> Prompt | None:
    """Draws the prompt of one structure on one slice.

    The numbers that place the box come before those that place the points, and are always drawn, so that the
    points stay the same when only the box changes, and one point is the first of five.

    Args:
        mask: (H, W) where the structure is; x counts along axis 0, y along axis 1.
        settings: how to draw.
        rng: drawn from; ``prompt_generator`` makes one that can be found again.

    Returns:
        The prompt, or None where the structure has fewer voxels than ``settings.min_foreground_voxels``.
    """
    rows = np.flatnonzero(mask.any(axis=1))
    if rows.size == 0:
        return None
    x0, x1 = int(rows[0]), int(rows[-1]) + 1
    columns = np.flatnonzero(mask[x0:x1].any(axis=0))
    y0, y1 = int(columns[0]), int(columns[-1]) + 1
    tight = Box(x0, y0, x1, y1)
    inside = np.flatnonzero(mask[x0:x1, y0:y1])
    if inside.size < settings.min_foreground_voxels:
        return None
    draws = rng.random(9).tolist()
    box = _draw_box(tight, (mask.shape[0], mask.shape[1]), settings, draws)
    least, most = settings.point_count
    count = min(least + int(draws[8] * (most - least + 1)), inside.size)
    points = _draw_points(inside, count, tight, rng) if settings.points else ()
    negative: tuple[Point, ...] = ()
    if settings.negative_point_count:
        negative = _draw_negative_points(mask, box, settings.negative_point_count, rng)
    return Prompt(box=box if settings.box else None, points=points, negative_points=negative)


def _draw_box(tight: Box, shape: tuple[int, int], settings: PromptSettings, draws: list[float]) -> Box:
    """Loosens and jitters a tight box by eight uniform numbers; never outside the slice, never empty."""
    least, most = settings.box_margin_voxels
    margins = [least + int(draw * (most - least + 1)) for draw in draws[:4]]
    loose = (
        max(tight.x0 - margins[0], 0),
        max(tight.y0 - margins[1], 0),
        min(tight.x1 + margins[2], shape[0]),
        min(tight.y1 + margins[3], shape[1]),
    )
    if settings.box_jitter_fraction == 0:
        return Box(*loose)
    sides = (loose[2] - loose[0], loose[3] - loose[1])
    moved = [
        edge + round((2 * draw - 1) * settings.box_jitter_fraction * sides[i % 2])
        for i, (edge, draw) in enumerate(zip(loose, draws[4:8], strict=True))
    ]
    x0 = min(max(moved[0], 0), shape[0] - 1)
    y0 = min(max(moved[1], 0), shape[1] - 1)
    return Box(x0, y0, min(max(moved[2], x0 + 1), shape[0]), min(max(moved[3], y0 + 1), shape[1]))


def _draw_points(
    inside: NDArray[np.intp], count: int, frame: Box, rng: np.random.Generator
) -> tuple[Point, ...]:
    """Draws from flat indices into a frame without replacement; a longer draw begins like a shorter one."""
    chosen: dict[int, None] = {}
    size = inside.size
    while len(chosen) < count:
        chosen[int(inside[int(rng.random() * size)])] = None
    width = frame.y1 - frame.y0
    return tuple(Point(frame.x0 + i // width, frame.y0 + i % width) for i in chosen)


def _draw_negative_points(
    mask: NDArray[np.bool_], box: Box, count: int, rng: np.random.Generator
) -> tuple[Point, ...]:
    """Draws voxels outside the structure: in its box, or anywhere when the box holds nothing else."""
    for frame in (box, Box(0, 0, mask.shape[0], mask.shape[1])):
        outside = np.flatnonzero(~mask[frame.x0 : frame.x1, frame.y0 : frame.y1])
        if outside.size:
            return _draw_points(outside, min(count, outside.size), frame, rng)
    return ()


def simulate_slice_labels(
    labels: NDArray[np.integer[Any]], settings: PromptSettings, case_id: str, index: int, seed: int
) -> dict[int, Prompt] | None:
    """Draws the prompts of every label on one slice.

    Args:
        labels: (H, W) label values, 0 is background.
        settings: how to draw, and which labels.
        case_id: name of the case; goes into the random numbers.
        index: index of the slice; goes into the random numbers.
        seed: of the whole draw.

    Returns:
        Label to prompt, or None where nothing is prompted.
    """
    prompts: dict[int, Prompt] = {}
    for label in _labels_on(labels, settings):
        rng = prompt_generator(seed, case_id, index, label)
        prompt = simulate_slice(labels == label, settings, rng)
        if prompt is not None:
            prompts[label] = prompt
    return prompts or None


def _labels_on(labels: NDArray[np.integer[Any]], settings: PromptSettings) -> list[int]:
    """Positive label values on a slice with enough voxels, ascending; only the wanted ones."""
    highest = int(labels.max(initial=0))
    if highest <= 0:
        return []
    if highest < _BINCOUNT_LIMIT:
        counts = np.bincount(labels.ravel())
        found = np.flatnonzero(counts)
        counts = counts[found]
    else:
        found, counts = np.unique(labels, return_counts=True)
    wanted = set(settings.labels) if settings.labels is not None else None
    return [
        int(label)
        for label, count in zip(found.tolist(), counts.tolist(), strict=True)
        if label > 0 and count >= settings.min_foreground_voxels and (wanted is None or label in wanted)
    ]


def simulate_case(
    case_id: str,
    labels: Volume,
    settings: PromptSettings | None = None,
    seed: int = 0,
    slice_axis: str | int = "pls",
) -> CasePrompts:
    """Draws the prompts of a case from its label map.

    Args:
        case_id: name of the case; the same name, seed and labels give the same prompts.
        labels: label map; float files with whole numbers are fine.
        settings: how to draw.
        seed: of the whole draw.
        slice_axis: ``"pls"`` (axis 2 of the PLS volume, as the challenge's page says), ``"acquisition"`` (the
            axis of a stack's thick slices, if there is one), ``"auto"`` (the same as ``"pls"``), or 0, 1, 2.

    Returns:
        Every slice of the axis, None where nothing is.

    Raises:
        PromptError: the volume isn't a label map.
        SettingsError: an unknown slice axis or a negative seed.
    """
    axis = choose_slice_axis(labels, slice_axis)
    values = _as_labels(case_id, labels.data)
    chosen = settings or PromptSettings()
    slices = {
        index: simulate_slice_labels(labels_on_slice, chosen, case_id, index, seed)
        for index, labels_on_slice in enumerate(_slices(values, axis))
    }
    return CasePrompts(case=case_id, slices=slices, slice_axis=axis)


def _slices(values: NDArray[np.integer[Any]], axis: int) -> Iterator[NDArray[np.integer[Any]]]:
    """The slices along an axis, each contiguous; copied in blocks, as one by one would miss the cache."""
    stacked = np.moveaxis(values, axis, 0)
    for start in range(0, len(stacked), _BLOCK_SLICES):
        yield from np.ascontiguousarray(stacked[start : start + _BLOCK_SLICES])


def _as_labels(case_id: str, data: NDArray[Any]) -> NDArray[np.integer[Any]]:
    """A label map's values as integers, refused unless whole numbers from 0 to the largest int32."""
    values = data
    if not np.issubdtype(data.dtype, np.integer):
        if data.dtype != np.bool_ and not np.issubdtype(data.dtype, np.floating):
            raise PromptError(f"{case_id}: not a label map", found=f"type {data.dtype}", expected="integers")
        if not np.isfinite(data).all():
            raise PromptError(
                f"{case_id}: not a label map", found="NaN or infinite values", expected="integers"
            )
        values = np.rint(data.astype(np.float64)).astype(np.int64)
        if np.abs(values - data).max(initial=0.0) > 0.01:
            raise PromptError(f"{case_id}: not a label map", found="fractions", expected="whole numbers")
    lowest, highest = int(values.min(initial=0)), int(values.max(initial=0))
    if lowest < 0 or highest > LARGEST_LABEL:
        raise PromptError(
            f"{case_id}: not a label map",
            found=f"values from {lowest} to {highest}",
            expected=f"0 to {LARGEST_LABEL}",
        )
    return values if np.can_cast(values.dtype, np.int64) else values.astype(np.int64)


def simulate_folder(
    labels_dir: Path,
    out_json: Path,
    settings: PromptSettings | None = None,
    seed: int = 0,
    *,
    slice_axis: str | int = "pls",
    suffixes: Iterable[str] = LABEL_SUFFIXES,
) -> Mapping[str, Exception]:
    """Draws the prompts of every label map in a folder and writes them as one prompts.json.

    Args:
        labels_dir: folder of ``<case>.nii.gz`` or ``<case><suffix>.nii.gz`` (also ``.nii``).
        out_json: written at the end, all at once.
        settings: how to draw.
        seed: of the whole draw; a case's prompts don't depend on the others.
        slice_axis: as in ``simulate_case``.
        suffixes: ends of file names that aren't part of the case's name.

    Returns:
        File name to error, for the label maps that couldn't be used; the others are written.

    Raises:
        PromptError: there is no label map in the folder, or two for one case.
        OutputError: the file can't be written.
    """
    from unicare.data.nifti import load_labels

    cases: list[CasePrompts] = []
    failed: dict[str, Exception] = {}
    for case_id, path in _label_files(labels_dir, tuple(suffixes)).items():
        try:
            cases.append(simulate_case(case_id, load_labels(path), settings, seed, slice_axis))
        except (GeometryError, ImageError, PromptError) as error:
            failed[path.name] = error
    write_prompts(out_json, cases)
    return failed


def _label_files(labels_dir: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    """Case to label file, sorted by name."""
    files: dict[str, Path] = {}
    for path in sorted(Path(labels_dir).glob("*.nii*")):
        if not path.name.endswith((".nii", ".nii.gz")) or path.name.startswith("."):
            continue
        name = path.name.removesuffix(".gz").removesuffix(".nii")
        ending = next((end for end in suffixes if name.endswith(end) and name != end), "")
        case_id = name.removesuffix(ending)
        if case_id in files:
            raise PromptError(
                f"{labels_dir}: two label maps for case {case_id}",
                found=f"{files[case_id].name} and {path.name}",
                expected="one",
            )
        files[case_id] = path
    if not files:
        raise PromptError(f"{labels_dir}: no label maps", expected="files named <case>.nii.gz")
    return files
