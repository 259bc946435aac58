"""A world of random shapes in random contrasts: nothing anatomical, so that nothing is taken for granted.

After the idea of SynthSeg (Billot et al., Medical Image Analysis 2023) and of the synthetic tasks of
ScribblePrompt (Wong et al., ECCV 2024): a network that has seen every contrast relies on none.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unicare.train.scene import Scene

__all__ = ["RandomShapes", "smooth_noise"]

Array = NDArray[np.float32]


class RandomShapes:
    """Scenes of warped blobs, rings, crescents, tubes and patches over a random background.

    Args:
        longest: slices of the deepest stack.
    """

    def __init__(self, longest: int = 8) -> None:
        self.longest = longest

    def scene(self, rng: np.random.Generator) -> Scene:
        """Draws one scene; its labels are unnamed."""
        depth = 1 if rng.random() < 0.3 else int(rng.integers(2, self.longest + 1))
        side = int(rng.integers(56, 132))
        canvas = _Canvas(rng, (depth, side, side))
        for _ in range(int(rng.integers(3, 9))):
            kind = rng.choice(len(_KINDS), p=_CHANCES)
            _KINDS[kind](canvas, rng)
        spacing = float(np.exp(rng.uniform(np.log(0.6), np.log(3.0))))
        return Scene(
            images={"unknown": canvas.finish(rng)},
            labels=canvas.labels,
            structures=dict.fromkeys(range(1, canvas.count + 1), 0),
            spacing_mm=(spacing * canvas.thickness, spacing, spacing),
        )


class _Canvas:
    """Labels and an image that shapes are painted on, in coordinates that are smoothly warped."""

    def __init__(self, rng: np.random.Generator, shape: tuple[int, int, int]) -> None:
        depth, height, width = shape
        self.shape = shape
        self.thickness = float(np.exp(rng.uniform(0.0, np.log(9.0))))
        z = (np.arange(depth, dtype=np.float32) - (depth - 1) / 2.0) * (2.0 * self.thickness / height)
        self.z = z[:, None, None]
        axis = np.linspace(-1.0, 1.0, height, dtype=np.float32)
        cells = int(rng.integers(2, 6))
        strength = float(rng.uniform(0.0, 0.35)) / cells
        self.y = axis[None, :, None] + strength * smooth_noise(rng, shape, cells)
        self.x = axis[None, None, :width] + strength * smooth_noise(rng, shape, cells)
        self.rough = smooth_noise(rng, shape, int(rng.integers(5, 14)))
        self.labels = np.zeros(shape, dtype=np.int16)
        self.count = 0
        self.image = self._background(rng)
        self.levels: list[float] = [float(rng.random())]

    def _background(self, rng: np.random.Generator) -> Array:
        regions = int(rng.integers(1, 7))
        image = np.full(self.shape, rng.random(), dtype=np.float32)
        for _ in range(regions - 1):
            field = smooth_noise(rng, self.shape, int(rng.integers(2, 8)))
            image[field > rng.uniform(-0.5, 1.2)] = rng.random()
        return image

    def level(self, rng: np.random.Generator) -> float:
        """A grey value: often far from those before, sometimes close to one of them."""
        if rng.random() < 0.45:
            return float(rng.choice(self.levels) + rng.choice((-1.0, 1.0)) * rng.uniform(0.06, 0.25))
        return float(rng.random())

    def paint(self, mask: NDArray[np.bool_], level: float, rng: np.random.Generator) -> int:
        """Gives a mask a new label and a grey value; returns the label."""
        self.count += 1
        self.labels[mask] = self.count
        self.image[mask] = level
        self.levels.append(level)
        if rng.random() < 0.35:
            self._include(mask, rng)
        return self.count

    def _include(self, mask: NDArray[np.bool_], rng: np.random.Generator) -> None:
        """Paints spots, veins or gradients into the image of a structure, that belong to it all the same."""
        field = smooth_noise(rng, self.shape, int(rng.integers(6, 20)))
        choice = rng.random()
        if choice < 0.4:
            spots = mask & (field > rng.uniform(0.7, 1.4))
            self.image[spots] = rng.choice(self.levels) if rng.random() < 0.6 else rng.random()
        elif choice < 0.7:
            veins = mask & (np.abs(field) < rng.uniform(0.03, 0.12))
            self.image[veins] += rng.normal(0.0, 0.25)
        else:
            self.image[mask] += float(rng.normal(0.0, 0.15)) * field[mask]

    def blob(
        self, rng: np.random.Generator, radius: float, centre: tuple[float, float] | None = None
    ) -> Array:
        """An implicit blob (D, H, W): negative inside, about -1 at its centre, 0 on its surface."""
        cy, cx = centre if centre is not None else rng.uniform(-0.55, 0.55, 2)
        drift = rng.normal(0.0, 0.25, 2)
        y = self.y - np.float32(cy) - np.float32(drift[0]) * self.z
        x = self.x - np.float32(cx) - np.float32(drift[1]) * self.z
        angle = rng.uniform(0, np.pi)
        stretch = np.exp(rng.normal(0.0, 0.35))
        cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
        u = (cos * y + sin * x) * np.float32(1.0 / (radius * stretch))
        v = (cos * x - sin * y) * np.float32(stretch / radius)
        power = float(rng.choice((2.0, 2.0, 2.0, 3.0, 1.4)))
        span = radius * float(np.exp(rng.uniform(-0.3, 1.6)))
        centre_z = float(rng.uniform(-0.5, 0.5)) * float(np.abs(self.z).max())
        w2 = ((self.z - centre_z) / span) ** 2
        distance = (
            (np.abs(u) ** power + np.abs(v) ** power) ** (1.0 / power)
            if power != 2.0
            else np.sqrt(u * u + v * v)
        )
        field = np.sqrt(distance * distance + w2).astype(np.float32) - 1.0
        if rng.random() < 0.6:
            lobes = int(rng.integers(2, 7))
            field += np.float32(rng.uniform(0.0, 0.3)) * np.cos(
                lobes * np.arctan2(v, u) + np.float32(rng.uniform(0, 6.3))
            )
        return field + np.float32(rng.choice((0.0, rng.uniform(0.0, 0.3)))) * self.rough

    def finish(self, rng: np.random.Generator) -> Array:
        """The image as a scanner would give it: point spread, texture, shading, noise, unit."""
        image = self.image
        image = image + float(rng.choice((0.0, rng.uniform(0.0, 0.08)))) * smooth_noise(rng, self.shape, 24)
        blur = float(rng.uniform(0.2, 1.3))
        image = ndimage.gaussian_filter(image, (0.0, blur, blur), mode="nearest", truncate=2.5)
        if rng.random() < 0.5:
            image = image * np.exp(float(rng.uniform(0.0, 0.5)) * smooth_noise(rng, self.shape, 2))
        noise = rng.standard_normal(self.shape, dtype=np.float32)
        if rng.random() < 0.4:
            noise = 1.8 * ndimage.gaussian_filter(noise, (0.0, 0.7, 0.7), mode="nearest", truncate=2.0)
        image = image + float(rng.choice((rng.uniform(0.0, 0.03), rng.uniform(0.0, 0.14)))) * noise
        if self.shape[0] > 1 and rng.random() < 0.3:
            image = image * rng.uniform(0.85, 1.15, (self.shape[0], 1, 1)).astype(np.float32)
        return image.astype(np.float32)


def _blob(canvas: _Canvas, rng: np.random.Generator) -> None:
    canvas.paint(canvas.blob(rng, rng.uniform(0.12, 0.6)) < 0, canvas.level(rng), rng)


def _ring(canvas: _Canvas, rng: np.random.Generator) -> None:
    field = canvas.blob(rng, rng.uniform(0.2, 0.55))
    wall = np.float32(rng.uniform(0.12, 0.5))
    wall_here = wall * (1.0 + 0.5 * canvas.rough) if rng.random() < 0.5 else wall
    level = canvas.level(rng)
    canvas.paint(field < 0, level, rng)
    canvas.paint(field < -wall_here, canvas.level(rng), rng)
    if rng.random() < 0.4:
        patch = (field < 0) & (field > -wall_here) & (canvas.blob(rng, 0.5) < 0)
        canvas.paint(patch, canvas.level(rng), rng)


def _crescent(canvas: _Canvas, rng: np.random.Generator) -> None:
    centre = rng.uniform(-0.4, 0.4, 2)
    offset = rng.normal(0.0, 0.25, 2)
    radius = rng.uniform(0.25, 0.5)
    outer = canvas.blob(rng, radius, (float(centre[0]), float(centre[1])))
    inner = canvas.blob(
        rng, radius * rng.uniform(0.6, 1.1), (float(centre[0] + offset[0]), float(centre[1] + offset[1]))
    )
    canvas.paint((outer < 0) & (inner > 0), canvas.level(rng), rng)
    if rng.random() < 0.5:
        canvas.paint(inner < -0.1, canvas.level(rng), rng)


def _tube(canvas: _Canvas, rng: np.random.Generator) -> None:
    bend = rng.normal(0.0, 0.6, 3)
    angle = rng.uniform(0, np.pi)
    along = np.cos(angle) * canvas.y + np.sin(angle) * canvas.x
    across = np.cos(angle) * canvas.x - np.sin(angle) * canvas.y
    centre = bend[0] * 0.5 + bend[1] * along + bend[2] * along**2 + rng.normal(0.0, 0.3) * canvas.z
    radius = rng.uniform(0.04, 0.2) * (1.0 + 0.3 * canvas.rough)
    start = rng.uniform(-0.9, 0.2)
    length = rng.uniform(0.3, 1.4)
    mask = (np.abs(across - centre) < radius) & (along > start) & (along < start + length)
    canvas.paint(mask, canvas.level(rng), rng)


def _twins(canvas: _Canvas, rng: np.random.Generator) -> None:
    mask = canvas.blob(rng, rng.uniform(0.1, 0.35)) < 0
    for _ in range(int(rng.integers(1, 4))):
        mask |= canvas.blob(rng, rng.uniform(0.06, 0.3)) < 0
    canvas.paint(mask, canvas.level(rng), rng)


def _patch(canvas: _Canvas, rng: np.random.Generator) -> None:
    field = smooth_noise(rng, canvas.shape, int(rng.integers(3, 12)))
    mask = (field > rng.uniform(0.2, 0.9)) & (canvas.blob(rng, rng.uniform(0.2, 0.6)) < 0)
    canvas.paint(mask, canvas.level(rng), rng)


def _organ(canvas: _Canvas, rng: np.random.Generator) -> None:
    field = np.minimum(canvas.blob(rng, rng.uniform(0.3, 0.7)), canvas.blob(rng, rng.uniform(0.2, 0.6)))
    for _ in range(int(rng.integers(0, 3))):
        field = np.maximum(field, -canvas.blob(rng, rng.uniform(0.2, 0.5)))
    canvas.paint(field < 0, canvas.level(rng), rng)


_KINDS: tuple[Callable[[_Canvas, np.random.Generator], None], ...] = (
    _blob,
    _ring,
    _crescent,
    _tube,
    _twins,
    _patch,
    _organ,
)
_CHANCES = np.array([0.25, 0.2, 0.12, 0.1, 0.08, 0.1, 0.15])


def smooth_noise(rng: np.random.Generator, shape: tuple[int, int, int], cells: int) -> Array:
    """Smooth noise (D, H, W) of mean 0 and deviation about 1: a cubic B-spline through random values.

    Args:
        rng: source of randomness.
        shape: of the result.
        cells: how many bumps fit along the longer in-plane side.
    """
    depth, height, width = shape
    step = max(height, width) / cells
    cells_z = max(1, round(min(depth, cells)))
    spline_z = _spline_matrix(depth, depth / cells_z)
    spline_y = _spline_matrix(height, step)
    spline_x = _spline_matrix(width, step)
    grid = rng.standard_normal((spline_z.shape[1], spline_y.shape[1], spline_x.shape[1]), dtype=np.float32)
    planes = spline_y @ grid @ spline_x.T
    noise = np.tensordot(spline_z, planes, axes=1)
    return (noise * np.float32(1.0 / 0.35)).astype(np.float32) if depth > 1 else noise * np.float32(1.0 / 0.3)


def _spline_matrix(count: int, step: float) -> Array:
    """Uniform cubic B-spline weights (count, knots) at count points, knots step points apart."""
    position = np.arange(count, dtype=np.float32) / step
    first = np.floor(position).astype(int)
    t = position - first
    weights = np.stack(
        [(1 - t) ** 3, 3 * t**3 - 6 * t**2 + 4, -3 * t**3 + 3 * t**2 + 3 * t + 1, t**3], axis=1
    ) / np.float32(6.0)
    matrix = np.zeros((count, int(first[-1]) + 4), dtype=np.float32)
    for k in range(4):
        matrix[np.arange(count), first + k] = weights[:, k]
    return matrix
