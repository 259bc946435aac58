"""A box in patient space with a grid of its own: volumes are sampled into it, answers are pasted back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from unicare.core.prompt import Box
from unicare.core.volume import Volume

__all__ = ["Crop", "Region", "resize_matrix"]


@dataclass(frozen=True)
class Crop:
    """Where a pasted answer lies on a volume: whole slices along one axis, a window within them."""

    slices: range
    window: Box


@dataclass(frozen=True, eq=False)
class Region:
    """A grid (D, H, W) around something on some slices of a volume.

    D counts slices of the volume, untouched; H and W run along the in-plane axes in PLS order and have a
    grid of their own, the same number of points for every region, so that a network always sees the
    structure at the same size.

    Attributes:
        volume_affine: (4, 4), the volume's voxel index to RAS+ mm.
        slice_axis: the axis of the volume that D runs along.
        slices: the slices, in steps of one.
        origin: in-plane coordinate of the region's edge in voxels (voxel i covers i … i+1), H then W.
        size: in-plane length of the region in voxels, H then W.
        grid: points along H and W.
    """

    volume_affine: NDArray[np.float64]
    slice_axis: int
    slices: range
    origin: tuple[float, float]
    size: tuple[float, float]
    grid: tuple[int, int]

    @classmethod
    def around(
        cls,
        volume: Volume,
        box: Box,
        slices: range,
        grid: int,
        *,
        slice_axis: int = 2,
        context: float = 1.35,
    ) -> Region:
        """A region, square in mm, around a box on some slices.

        Args:
            volume: gives spacing and position.
            box: in-plane, in voxels.
            slices: consecutive slice indices.
            grid: points along H and along W.
            slice_axis: the axis that slices are counted along.
            context: side of the region over the longer side of the box.
        """
        spacing = np.delete(np.array(volume.spacing_mm), slice_axis)
        low = np.array([box.x0, box.y0], dtype=np.float64)
        high = np.array([box.x1, box.y1], dtype=np.float64)
        side_mm = float(((high - low) * spacing).max()) * context
        side_mm = max(side_mm, 12.0 * float(spacing.max()))
        size = side_mm / spacing
        origin = (low + high) / 2.0 - size / 2.0
        return cls(
            volume_affine=volume.affine,
            slice_axis=slice_axis,
            slices=slices,
            origin=(float(origin[0]), float(origin[1])),
            size=(float(size[0]), float(size[1])),
            grid=(grid, grid),
        )

    @property
    def shape(self) -> tuple[int, int, int]:
        """Points along D, H, W."""
        return (len(self.slices), *self.grid)

    @property
    def affine(self) -> NDArray[np.float64]:
        """(4, 4), region index (d, h, w) to RAS+ mm."""
        steps = [self.size[i] / self.grid[i] for i in range(2)]
        to_voxel = np.zeros((4, 4))
        to_voxel[3, 3] = 1.0
        in_plane = [axis for axis in range(3) if axis != self.slice_axis]
        to_voxel[self.slice_axis, 0] = 1.0
        to_voxel[self.slice_axis, 3] = self.slices.start
        for i, axis in enumerate(in_plane):
            to_voxel[axis, 1 + i] = steps[i]
            to_voxel[axis, 3] = self.origin[i] + steps[i] / 2.0 - 0.5
        return self.volume_affine @ to_voxel

    def to_grid(self, x: float, y: float) -> tuple[float, float]:
        """In-plane voxel edge coordinates to grid edge coordinates (h, w)."""
        return (
            (x - self.origin[0]) / self.size[0] * self.grid[0],
            (y - self.origin[1]) / self.size[1] * self.grid[1],
        )

    def sample(self, volume: Volume) -> NDArray[np.float32]:
        """Resamples a volume, on whatever grid, to (D, H, W); outside it the nearest voxel counts."""
        if np.allclose(volume.affine, self.volume_affine, atol=1e-4):
            return self._sample_same_grid(volume.data)
        return self._sample_other_grid(volume)

    def _sample_same_grid(self, data: NDArray[np.generic]) -> NDArray[np.float32]:
        stack = np.moveaxis(data, self.slice_axis, 0)
        if self.slices.stop <= len(stack):
            stack = stack[self.slices.start : self.slices.stop]
        else:  # a sequence that starts where the reference does, and ends before it
            stack = stack[np.clip(np.array(self.slices), 0, len(stack) - 1)]
        rows = resize_matrix(stack.shape[1], self.origin[0], self.size[0], self.grid[0])
        columns = resize_matrix(stack.shape[2], self.origin[1], self.size[1], self.grid[1])
        r0, r1 = _support(rows)
        c0, c1 = _support(columns)
        window = stack[:, r0:r1, c0:c1].astype(np.float32)
        return _resized(rows[:, r0:r1], window, columns[:, c0:c1])

    def _sample_other_grid(self, volume: Volume) -> NDArray[np.float32]:
        transform = np.linalg.inv(volume.affine) @ self.affine
        steps = np.abs(transform[:3, :3]).sum(axis=1)
        corners = np.array(np.meshgrid(*[(0, n - 1) for n in self.shape], indexing="ij")).reshape(3, -1)
        seen = transform[:3, :3] @ corners + transform[:3, 3:]
        limits = np.array(volume.shape) - 1
        low = np.clip(np.floor(seen.min(axis=1)) - 2, 0, limits).astype(int)
        high = np.clip(np.ceil(seen.max(axis=1)) + 3, 1, limits + 1).astype(int)
        cut = tuple(slice(int(a), int(b)) for a, b in zip(low, high, strict=True))
        window = volume.data[cut].astype(np.float32)
        blur = np.where(steps > 1.5, 0.4 * steps, 0.0)
        if blur.any():
            window = ndimage.gaussian_filter(window, blur, mode="nearest")
        sampled: NDArray[np.float32] = ndimage.affine_transform(
            window,
            transform[:3, :3],
            offset=transform[:3, 3] - low,
            output_shape=self.shape,
            order=1,
            mode="nearest",
        )
        return sampled

    def carry(self, answer: NDArray[np.float32], other: Region) -> NDArray[np.float32]:
        """An answer (D, H, W) on this region's grid, on the grid of another region of the same slices.

        What this region doesn't cover is 0.
        """
        matrices, covers = [], []
        for i in range(2):
            scale = self.grid[i] / self.size[i]
            start = (other.origin[i] - self.origin[i]) * scale
            step = other.size[i] * scale / other.grid[i]
            centres = start + (np.arange(other.grid[i]) + 0.5) * step
            matrices.append(resize_matrix(self.grid[i], start, other.size[i] * scale, other.grid[i]))
            covers.append((centres > 0) & (centres < self.grid[i]))
        return _resized(matrices[0], answer, matrices[1]) * np.outer(covers[0], covers[1]).astype(np.float32)

    def paste(
        self, answer: NDArray[np.float32], shape: tuple[int, int, int], window: Box | None = None
    ) -> tuple[Crop, NDArray[np.float32]]:
        """Resamples an answer (D, H, W) back to the volume's voxels inside the region.

        Args:
            answer: (D, H, W) on the region's grid, for example logits.
            shape: of the volume, PLS.
            window: only these in-plane voxels are wanted; by default all that the region covers.

        Returns:
            Where it lies, and the values (D, rows, columns) there.
        """
        limits = [n for axis, n in enumerate(shape) if axis != self.slice_axis]
        low = [max(0, int(np.floor(self.origin[i]))) for i in range(2)]
        high = [min(limits[i], int(np.ceil(self.origin[i] + self.size[i]))) for i in range(2)]
        if window is not None:
            low = [max(low[0], window.x0), max(low[1], window.y0)]
            high = [min(high[0], window.x1), min(high[1], window.y1)]
        high = [max(low[i], high[i]) for i in range(2)]
        matrices = []
        for i in range(2):
            scale = self.grid[i] / self.size[i]
            start = (low[i] - self.origin[i]) * scale
            count = high[i] - low[i]
            matrices.append(resize_matrix(self.grid[i], start, count * scale, count))
        values = _resized(matrices[0], answer.astype(np.float32), matrices[1])
        return Crop(self.slices, Box(low[0], low[1], high[0], high[1])), values


def resize_matrix(count_in: int, origin: float, length: float, count_out: int) -> NDArray[np.float32]:
    """The matrix (count_out, count_in) that resamples a line of values linearly, without aliasing.

    Output point i covers the input interval origin + [i, i+1) · length / count_out, where input value j
    covers [j, j+1). When it shrinks, the triangle is widened to the output step, so that every input value
    counts. Beyond the ends the nearest value is repeated.
    """
    if count_out == 0:
        return np.zeros((0, count_in), dtype=np.float32)
    step = length / count_out
    width = max(1.0, step)
    centres = origin + (np.arange(count_out) + 0.5) * step - 0.5
    reach = int(np.ceil(width))
    taps = np.floor(centres)[:, None] + np.arange(-reach, reach + 2)[None, :]
    weights = np.clip(1.0 - np.abs(taps - centres[:, None]) / width, 0.0, None)
    weights /= weights.sum(axis=1, keepdims=True)
    matrix = np.zeros((count_out, count_in), dtype=np.float32)
    rows = np.repeat(np.arange(count_out), taps.shape[1])
    columns = np.clip(taps, 0, count_in - 1).astype(int).ravel()
    np.add.at(matrix, (rows, columns), weights.ravel())
    return matrix


def _resized(
    rows: NDArray[np.float32], stack: NDArray[np.float32], columns: NDArray[np.float32]
) -> NDArray[np.float32]:
    """A stack (D, h, w), its rows and columns resampled by matrices (H, h) and (W, w)."""
    resized: NDArray[np.float32] = np.matmul(np.matmul(rows, stack), columns.T, dtype=np.float32)
    return resized


def _support(matrix: NDArray[np.float32]) -> tuple[int, int]:
    """First and one past the last column that has a weight."""
    used = np.flatnonzero(matrix.any(axis=0))
    return int(used[0]), int(used[-1]) + 1
