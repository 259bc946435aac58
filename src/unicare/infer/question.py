"""From volumes and prompts to what the network is given: windows, prompt channels, regions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from unicare.core.prompt import Box, Point, Prompt
from unicare.core.region import Region
from unicare.core.volume import Volume

__all__ = [
    "IMAGE_CHANNELS",
    "POINT_RADIUS",
    "PROMPT_CHANNELS",
    "draw_prompts",
    "extent_over_slices",
    "image_cover",
    "region_of",
    "runs_of_slices",
    "thickness_of",
    "window_image",
    "with_previous",
]

IMAGE_CHANNELS: tuple[str, ...] = ("whole", "near")
"""Each image is given twice: in the window of the whole region, and in that of what is pointed at."""

PROMPT_CHANNELS: tuple[str, ...] = ("box", "points", "negative_points", "previous", "others")
"""``others`` adds up the boxes of the other prompted labels, whose points are negative points."""

POINT_RADIUS = 1.5
"""Standard deviation of a drawn point, in grid points."""

BOX_CONTEXT = 1.35
"""Side of a region over the longer side of a box."""

POINTS_CONTEXT = 2.5
"""Side of a region over the extent of points, when there is no box to say how large the structure is."""


def runs_of_slices(slices: Sequence[int], longest: int) -> list[range]:
    """Cuts ascending slice indices into runs without gaps, nearly equal, at most ``longest`` long."""
    breaks = [0, *(i + 1 for i, (a, b) in enumerate(pairwise(slices)) if b != a + 1), len(slices)]
    runs = []
    for start, stop in pairwise(breaks):
        count = stop - start
        pieces = -(-count // longest)
        edges = [start + round(i * count / pieces) for i in range(pieces + 1)] if count else []
        runs += [range(slices[a], slices[b - 1] + 1) for a, b in pairwise(edges)]
    return runs


def extent_over_slices(prompts: Mapping[int, Prompt]) -> tuple[Box, bool]:
    """The box around everything positive on some slices, and whether boxes say so (else only points)."""
    extents = [extent for prompt in prompts.values() if (extent := prompt.extent()) is not None]
    union = extents[0]
    for extent in extents[1:]:
        union = union.union(extent)
    return union, any(prompt.box is not None for prompt in prompts.values())


def region_of(
    volume: Volume, slice_axis: int, slices: range, prompts: Mapping[int, Prompt], grid: int
) -> Region:
    """The region around the prompts of one structure on a run of slices."""
    box, sized = extent_over_slices(prompts)
    if not sized:
        box = _grown_to_share(box, volume, slice_axis)
    context = BOX_CONTEXT if sized else 1.0
    return Region.around(volume, box, slices, grid, slice_axis=slice_axis, context=context)


def _grown_to_share(box: Box, volume: Volume, slice_axis: int) -> Box:
    """A guess of the extent from points alone: their own extent widened, at least a fifth of the slice."""
    sides = np.delete(np.array(volume.shape), slice_axis)
    grown = []
    for low, high, side in ((box.x0, box.x1, sides[0]), (box.y0, box.y1, sides[1])):
        half = max(POINTS_CONTEXT * (high - low), 0.2 * side) / 2.0
        middle = (low + high) / 2.0
        grown.append((int(np.floor(middle - half)), int(np.ceil(middle + half))))
    return Box(grown[0][0], grown[1][0], grown[0][1], grown[1][1])


def thickness_of(region: Region) -> float:
    """log2 of the slice spacing over the grid spacing; 0 for a single slice."""
    if len(region.slices) == 1:
        return 0.0
    steps = np.sqrt((region.affine[:3, :3] ** 2).sum(axis=0))
    return float(np.log2(steps[0] / steps[1]))


def window_image(image: NDArray[np.float32], prompts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Normalises an image (D, H, W) in two windows, (2, D, H, W).

    The first is the window of the whole region (1st to 99th percentile). The second is centred on the values
    under the positive points (or in the middle of the box) and as wide as the values in the box are spread,
    so that soft tissue isn't squeezed by lung and bone.

    Args:
        image: (D, H, W), any unit.
        prompts: (P, D, H, W) in the order of ``PROMPT_CHANNELS``.
    """
    coarse = image[:, ::2, ::2]
    low, high = np.percentile(coarse, (1.0, 99.0))
    spread = max(float(high - low), 1e-6)
    whole = np.clip((image - low) / spread, -0.3, 1.3)
    whole = (whole - whole.mean()) / max(float(whole.std()), 1e-3)
    centre, width = _near_window(image, prompts, spread)
    near = np.tanh((image - centre) / width)
    return np.stack([whole, near]).astype(np.float32)


def _near_window(
    image: NDArray[np.float32], prompts: NDArray[np.float32], spread: float
) -> tuple[float, float]:
    pointed = image[prompts[1] > 0.4]
    boxed = image[:, ::2, ::2][prompts[0, :, ::2, ::2] > 0.5]
    if pointed.size == 0 and boxed.size == 0:
        return float(np.median(image)), spread
    centre = float(np.median(pointed if pointed.size else boxed))
    around = boxed if boxed.size else pointed
    width = 1.5 * float(np.median(np.abs(around - centre))) if around.size else spread
    return centre, max(width, 0.02 * spread, 1e-6)


def draw_prompts(
    region: Region,
    own: Mapping[int, Prompt],
    others: Mapping[int, Sequence[Prompt]],
    previous: NDArray[np.float32] | None = None,
    tight: bool = False,
) -> NDArray[np.float32]:
    """Draws prompts on a region's grid, (P, D, H, W) in the order of ``PROMPT_CHANNELS``.

    Args:
        region: where.
        own: slice index to the prompt of what is asked for.
        others: slice index to the prompts of other labels on it.
        previous: probabilities (D, H, W) of an earlier answer.
        tight: the boxes of what is asked for are known to touch it; they are drawn twice as strong.
    """
    depth, height, width = region.shape
    drawn = np.zeros((len(PROMPT_CHANNELS), depth, height, width), dtype=np.float32)
    for d, index in enumerate(region.slices):
        prompt = own.get(index)
        if prompt is not None:
            if prompt.box is not None:
                drawn[0, d] = (2.0 if tight else 1.0) * _box_cover(region, prompt.box)
            _draw_points(drawn[1, d], region, prompt.points)
            _draw_points(drawn[2, d], region, prompt.negative_points)
        for other in others.get(index, ()):
            _draw_points(drawn[2, d], region, other.points)
            if other.box is not None:
                drawn[4, d] += 0.5 * _box_cover(region, other.box)
    if previous is not None:
        drawn[3] = previous
    return drawn


def with_previous(prompts: NDArray[np.float32], previous: NDArray[np.float32]) -> NDArray[np.float32]:
    """Drawn prompts (P, D, H, W) with another earlier answer (D, H, W) in them."""
    drawn = prompts.copy()
    drawn[PROMPT_CHANNELS.index("previous")] = previous
    return drawn


def _box_cover(region: Region, box: Box) -> NDArray[np.float32]:
    """Share of each grid cell (H, W) that a box covers."""
    h0, w0 = region.to_grid(box.x0, box.y0)
    h1, w1 = region.to_grid(box.x1, box.y1)
    cover: NDArray[np.float32] = np.outer(
        _interval_cover(h0, h1, region.grid[0]), _interval_cover(w0, w1, region.grid[1])
    )
    return cover


def _interval_cover(low: float, high: float, count: int) -> NDArray[np.float32]:
    cells = np.arange(count, dtype=np.float32)
    cover: NDArray[np.float32] = np.clip(np.minimum(cells + 1, high) - np.maximum(cells, low), 0.0, 1.0)
    return cover


def _draw_points(canvas: NDArray[np.float32], region: Region, points: Sequence[Point]) -> None:
    """Adds soft dots to a canvas (H, W); the strongest wins where they meet."""
    reach = round(4 * POINT_RADIUS)
    for point in points:
        h, w = region.to_grid(point.x + 0.5, point.y + 0.5)
        top, left = max(0, int(h) - reach), max(0, int(w) - reach)
        window = canvas[top : max(top, int(h) + reach + 1), left : max(left, int(w) + reach + 1)]
        rows = np.arange(top, top + window.shape[0], dtype=np.float32)[:, None] + np.float32(0.5 - h)
        columns = np.arange(left, left + window.shape[1], dtype=np.float32) + np.float32(0.5 - w)
        np.maximum(window, np.exp((rows**2 + columns**2) * np.float32(-0.5 / POINT_RADIUS**2)), out=window)


def image_cover(region: Region, shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Share of each grid cell (H, W) that lies on a volume of some shape (P, L, S)."""
    height, width = (n for axis, n in enumerate(shape) if axis != region.slice_axis)
    return _box_cover(region, Box(0, 0, height, width))
