"""Makes inputs worse in a way that can be repeated: chance picks numbers, applying them is arithmetic.

The numbers depend on seed, case, slice, label and sequence only, never on the level: at twice the level
every edge moves twice as far and every voxel's noise is twice as large, so curves compare like with like.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unicare.core.errors import GeometryError, SettingsError
from unicare.core.prompt import Box, CasePrompts, Point, Prompt
from unicare.core.volume import Volume
from unicare.prompts.simulate import PromptSettings, prompt_generator, simulate_slice

__all__ = [
    "JitterDraw",
    "add_noise",
    "choose_points",
    "draw_jitter",
    "jitter_case",
    "jitter_prompt",
    "noise_seed",
    "onto_grid",
]

_MOST_POINTS = 5


@dataclass(frozen=True)
class JitterDraw:
    """Which way everything in a prompt moves, as shares from -1 to 1 of the furthest.

    Attributes:
        edges: of x0, y0, x1, y1.
        points: (x, y) of each positive, then of each negative point.
    """

    edges: tuple[float, float, float, float]
    points: tuple[tuple[float, float], ...]


def draw_jitter(prompt: Prompt, seed: int, case: str, index: int, label: int) -> JitterDraw:
    """Draws the movements of one prompt, uniformly; the same whatever other prompts there are."""
    rng = prompt_generator(seed, case, index, label)
    x0, y0, x1, y1 = rng.uniform(-1.0, 1.0, 4).tolist()
    count = len(prompt.points) + len(prompt.negative_points)
    points = tuple((x, y) for x, y in rng.uniform(-1.0, 1.0, (count, 2)).tolist())
    return JitterDraw((x0, y0, x1, y1), points)


def jitter_prompt(prompt: Prompt, draw: JitterDraw, share: float, shape: tuple[int, int]) -> Prompt:
    """Moves a box's edges and the points by up to a share of the box's sides.

    Where there is no box, the smallest one around the points is the measure. Boxes stay on the slice and
    keep a voxel; points stay on the slice, and those that were in their box stay in it, as nobody clicks
    outside their own box. Masks and text stay as they are.

    Args:
        prompt: of one label on one slice.
        draw: the movements.
        share: of the box's sides that an edge or point moves at most; 0 changes nothing.
        shape: (x, y) voxels of the slice.
    """
    size = prompt.extent()
    if share == 0 or size is None:
        return prompt
    sides = (size.x1 - size.x0, size.y1 - size.y0)
    box = None if prompt.box is None else _moved_box(prompt.box, draw.edges, share, shape)
    slice_box = Box(0, 0, *shape)

    def moved(point: Point, shares: tuple[float, float]) -> Point:
        inside = box if box is not None and size.contains(point) else slice_box
        x, y = (round(at + way * share * side) for at, way, side in zip(point, shares, sides, strict=True))
        return Point(min(max(x, inside.x0), inside.x1 - 1), min(max(y, inside.y0), inside.y1 - 1))

    count = len(prompt.points)
    return replace(
        prompt,
        box=box,
        points=tuple(map(moved, prompt.points, draw.points[:count])),
        negative_points=tuple(map(moved, prompt.negative_points, draw.points[count:])),
    )


def _moved_box(
    box: Box, ways: tuple[float, float, float, float], share: float, shape: tuple[int, int]
) -> Box:
    sides = (box.x1 - box.x0, box.y1 - box.y0) * 2
    x0, y0, x1, y1 = (round(at + way * share * side) for at, way, side in zip(box, ways, sides, strict=True))
    x0, y0 = min(max(x0, 0), shape[0] - 1), min(max(y0, 0), shape[1] - 1)
    return Box(x0, y0, min(max(x1, x0 + 1), shape[0]), min(max(y1, y0 + 1), shape[1]))


def jitter_case(prompts: CasePrompts, share: float, shape: tuple[int, int], seed: int) -> CasePrompts:
    """Moves every prompt of a case; see ``jitter_prompt``.

    Raises:
        SettingsError: a negative share or seed.
    """
    if share < 0:
        raise SettingsError("movement of prompts", found=share, expected="0 or more")

    def moved(index: int, label: int, prompt: Prompt) -> Prompt:
        return jitter_prompt(prompt, draw_jitter(prompt, seed, prompts.case, index, label), share, shape)

    return _each(prompts, moved)


def choose_points(
    prompts: CasePrompts, truth: NDArray[np.integer[Any]], count: int, *, box: bool, seed: int
) -> CasePrompts:
    """Gives every prompt so many points, drawn from the truth; fewer are the first of more.

    A prompt whose label the truth doesn't have on that slice keeps the first of its own points; one that
    would be left with nothing at all stays as it is.

    Args:
        prompts: of a case, fitted to its volume: which label is asked for on which slice, and its box.
        truth: (P, L, S) label map on the same grid.
        count: of points, 1 to 5; a structure of fewer voxels gets as many as it has.
        box: whether the prompts' own boxes are kept; else they are taken away.
        seed: of the points.

    Raises:
        SettingsError: an impossible number of points, or a negative seed.
    """
    if not 1 <= count <= _MOST_POINTS:
        raise SettingsError("number of points", found=count, expected=f"1 to {_MOST_POINTS}")
    stack = np.moveaxis(truth, prompts.slice_axis, 0)
    settings = PromptSettings(point_count=(count, count), min_foreground_voxels=1)

    def chosen(index: int, label: int, prompt: Prompt) -> Prompt:
        rng = prompt_generator(seed, prompts.case, index, label)
        drawn = simulate_slice(stack[index] == label, settings, rng)
        points = prompt.points[:count] if drawn is None else drawn.points
        kept = prompt.box if box else None
        if kept is None and not points:
            return prompt
        return replace(prompt, box=kept, points=points)

    return _each(prompts, chosen)


def _each(prompts: CasePrompts, change: Callable[[int, int, Prompt], Prompt]) -> CasePrompts:
    slices = {
        index: None
        if found is None
        else {label: change(index, label, prompt) for label, prompt in found.items()}
        for index, found in prompts.slices.items()
    }
    return replace(prompts, slices=slices)


def noise_seed(seed: int, case: str, sequence: str) -> tuple[int, int, int]:
    """What the noise of one sequence of one case follows from."""
    first, second = (zlib.crc32(text.encode("utf-8", "surrogatepass")) for text in (case, sequence))
    return (seed, first, second)


def add_noise(volume: Volume, share: float, seed: tuple[int, ...]) -> Volume:
    """Adds white Gaussian noise.

    Args:
        volume: an image.
        share: standard deviation of the noise as a share of the image's own, over all its voxels; 0 changes
            nothing.
        seed: the same seed gives the same noise, scaled by the share.

    Raises:
        SettingsError: a negative share.
    """
    if share < 0:
        raise SettingsError("level of noise", found=share, expected="0 or more")
    if share == 0:
        return volume
    spread = float(np.std(volume.data, dtype=np.float64))
    noise = np.random.default_rng(seed).standard_normal(volume.shape, dtype=np.float32)
    return volume.with_data(volume.data.astype(np.float32) + np.float32(share * spread) * noise)


def onto_grid(moving: Volume, grid: Volume) -> Volume:
    """A volume on another volume's grid: linear between voxels, beyond its edge the nearest one.

    Raises:
        GeometryError: the grid's slices don't meet the volume at all.
    """
    # PLS voxel of the grid -> millimetres -> PLS voxel of the moving volume
    between = np.linalg.inv(moving.affine) @ grid.affine
    corners = np.array(np.meshgrid(*((0, length - 1) for length in grid.shape))).reshape(3, -1)
    found = between[:3, :3] @ corners + between[:3, 3:]
    if (found.max(axis=1) < -0.5).any() or (found.min(axis=1) > np.array(moving.shape) - 0.5).any():
        raise GeometryError("two sequences of a case lie in different places", expected="ones that overlap")
    data = ndimage.affine_transform(
        moving.data.astype(np.float32),
        between[:3, :3],
        between[:3, 3],
        output_shape=grid.shape,
        order=1,
        mode="nearest",
    )
    return grid.with_data(data)
