"""From a grid of tissue labels to an image: texture, blur, coil shading, motion, noise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import fft, ndimage

from unicare.core.errors import GeometryError
from unicare.data.phantom.contrast import Contrast, Modality
from unicare.data.phantom.fields import random_field, upsample

__all__ = ["RenderSettings", "render", "sample_settings"]

Image = NDArray[np.float32]

_FWHM_TO_SD = 1 / 2.3548
_CT_LOWEST, _CT_HIGHEST = -1024.0, 3071.0


@dataclass(frozen=True)
class RenderSettings:
    """What a scanner and a restless patient add. All of it is picked beforehand; rendering only applies it.

    Attributes:
        oversample: label voxels per image voxel along each axis; they are averaged, as a thick slice does.
        blur: width at half maximum of the point spread, in image voxels along each axis.
        texture: factor on the contrast's within-tissue sd.
        fine_mm: correlation length of the fine part of the texture.
        coarse_mm: correlation length of the coarse part (inhomogeneous flow, fatty streaks).
        spots_mm: size of sparse spots, such as lung vessels.
        bias: sd of the log of the smooth multiplicative shading.
        coil: how much brighter it is near the surface coil, as a share.
        coil_at: where the coil lies, in shares of each axis (may be outside 0 … 1).
        noise: sd; in MRI as a share of the brightest tissues, in CT in HU.
        noise_blur: sd in voxels of the noise's own correlation in plane.
        slice_gain: sd of the brightness from slice to slice.
        ghost: share of the signal that is repeated, shifted, by breathing.
        ghost_axis: the phase encoding axis.
        ghost_shift: how far ghosts lie away, as a share of that axis.
        kept_frequencies: share of k-space kept in plane, the rest cut off sharply (rings at edges).
        slice_axis: the axis that slices are stacked along; None takes the widest spacing, else 2.
        view: radius of a circular field of view as a share of half the in-plane width; None: no circle.
        view_centre: its centre in plane, in shares of each in-plane axis.
        scale: factor on the final MRI signal (arbitrary units); CT stays in HU.
        outside: value outside the field of view.
    """

    oversample: tuple[int, int, int] = (1, 1, 1)
    blur: tuple[float, float, float] = (1.1, 1.1, 0.8)
    texture: float = 1.0
    fine_mm: float = 2.0
    coarse_mm: float = 14.0
    spots_mm: float = 4.0
    bias: float = 0.1
    coil: float = 0.0
    coil_at: tuple[float, float, float] = (0.5, 0.5, 0.5)
    noise: float = 0.03
    noise_blur: float = 0.0
    slice_gain: float = 0.0
    ghost: float = 0.0
    ghost_axis: int = 0
    ghost_shift: float = 0.3
    kept_frequencies: float = 1.0
    slice_axis: int | None = None
    view: float | None = None
    view_centre: tuple[float, float] = (0.5, 0.5)
    scale: float = 1.0
    outside: float = 0.0


def sample_settings(
    rng: np.random.Generator,
    *,
    modality: Modality = "MRI",
    severity: float = 1.0,
    oversample: tuple[int, int, int] = (1, 1, 1),
    slice_axis: int | None = None,
) -> RenderSettings:
    """Draws plausible settings.

    Args:
        rng: picks the parameters.
        modality: CT has no coils, ghosts or rings, but noise with a grain.
        severity: 0 is a perfect scan, 1 the usual spread, 2 a bad day.
        oversample: label voxels per image voxel.
        slice_axis: the axis that slices are stacked along; None lets ``render`` find it.
    """
    in_plane = float(rng.uniform(0.9, 1.4 + 0.7 * severity))
    axis = 2 if slice_axis is None else slice_axis
    blur = tuple(0.7 if k == axis else in_plane for k in range(3))
    common: dict[str, Any] = {
        "oversample": oversample,
        "blur": blur,
        "texture": float(rng.uniform(0.4, 1.5)),
        "fine_mm": float(rng.uniform(1.5, 3.0)),
        "coarse_mm": float(rng.uniform(8, 25)),
        "spots_mm": float(rng.uniform(3, 6)),
        "slice_axis": slice_axis,
    }
    if modality == "CT":
        view = float(rng.uniform(0.95, 1.0)) if rng.random() < 0.35 else None
        noise = float(rng.gamma(3.0, 6.0) * severity)
        outside = float(rng.choice([_CT_LOWEST, -1000.0]))
        grain = float(rng.uniform(0.4, 0.9))
        return RenderSettings(
            **common, bias=0.0, noise=noise, noise_blur=grain, view=view, outside=outside, scale=1.0
        )
    return RenderSettings(**common, **_sample_mri(rng, severity, axis))


def _sample_mri(rng: np.random.Generator, severity: float, slice_axis: int) -> dict[str, Any]:
    in_plane = [axis for axis in range(3) if axis != slice_axis]
    at = rng.uniform(0.2, 0.8, 3)
    at[in_plane[int(rng.integers(2))]] = rng.choice([-0.1, 1.1])
    return {
        "bias": float(rng.uniform(0.02, 0.22) * severity),
        "coil": float(rng.gamma(1.3, 0.7) * severity) if rng.random() < 0.75 else 0.0,
        "coil_at": tuple(at.tolist()),
        "noise": float(rng.gamma(2.0, 0.013) * severity),
        "noise_blur": float(rng.uniform(0.35, 0.7)) if rng.random() < 0.5 else 0.0,
        "slice_gain": float(rng.uniform(0, 0.06) * severity) if rng.random() < 0.6 else 0.0,
        "ghost": float(rng.uniform(0.02, 0.12) * severity) if rng.random() < 0.3 else 0.0,
        "ghost_axis": in_plane[int(rng.integers(2))],
        "ghost_shift": float(rng.uniform(0.08, 0.5)),
        "kept_frequencies": float(rng.uniform(0.55, 0.9)) if rng.random() < 0.3 * severity else 1.0,
        "view": float(rng.uniform(0.9, 1.1)) if rng.random() < 0.12 else None,
        "view_centre": tuple(rng.uniform(0.45, 0.55, 2).tolist()),
        "scale": float(np.exp(rng.uniform(np.log(120), np.log(2500)))),
    }


def render(
    tissues: NDArray[np.integer[Any]],
    contrast: Contrast,
    spacing_mm: Sequence[float],
    settings: RenderSettings,
    rng: np.random.Generator,
) -> Image:
    """Makes an image of a label grid.

    Args:
        tissues: 3D labels, any axis order; ``settings.oversample`` of them make one image voxel.
        contrast: what every label looks like; labels index its arrays.
        spacing_mm: of the image (not of the finer label grid), along the same axes.
        settings: what the scanner adds.
        rng: noise and texture; the same state gives the same image.

    Returns:
        float32 image, the label grid's shape divided by ``oversample``; HU in CT, arbitrary units in MRI.

    Raises:
        GeometryError: the grid isn't 3D or a multiple of ``oversample``, or has labels without a contrast.
    """
    shape = _image_shape(tissues, contrast, settings.oversample)
    slice_axis = _stack_axis(spacing_mm) if settings.slice_axis is None else settings.slice_axis
    image = _textured(tissues, contrast, spacing_mm, settings, rng)
    for axis, width in enumerate(settings.blur):
        if width > 0 and shape[axis] > 1:
            sd = width * _FWHM_TO_SD
            image = ndimage.gaussian_filter1d(
                image, sd, axis=axis, mode="nearest", radius=max(1, round(2.5 * sd))
            )
    if contrast.modality == "CT":
        image += settings.noise * _grain(shape, settings.noise_blur, slice_axis, rng)
        np.clip(image, _CT_LOWEST, _CT_HIGHEST, out=image)
    else:
        image = _magnetic(image, contrast, slice_axis, settings, rng)
    if settings.view is not None:
        _cut_circle(image, slice_axis, settings)
    return image


def _stack_axis(spacing_mm: Sequence[float]) -> int:
    return 2 - int(np.argmax(tuple(spacing_mm)[::-1]))


def _image_shape(
    tissues: NDArray[np.integer[Any]], contrast: Contrast, oversample: tuple[int, int, int]
) -> tuple[int, int, int]:
    if tissues.ndim != 3 or any(n % k for n, k in zip(tissues.shape, oversample, strict=True)):
        raise GeometryError(
            "a label grid that can't be averaged to voxels",
            found=tissues.shape,
            expected=f"multiples of {oversample}",
        )
    if tissues.size and int(tissues.max()) >= len(contrast.means):
        raise GeometryError(
            "a label without a contrast", found=int(tissues.max()), expected=f"0 … {len(contrast.means) - 1}"
        )
    size = [n // k for n, k in zip(tissues.shape, oversample, strict=True)]
    return (size[0], size[1], size[2])


def _textured(
    tissues: NDArray[np.integer[Any]],
    contrast: Contrast,
    spacing_mm: Sequence[float],
    settings: RenderSettings,
    rng: np.random.Generator,
) -> Image:
    """Mean signal of every voxel, and its texture: two thirds fine, one third coarse."""
    image = _averaged(contrast.means, tissues, settings.oversample)
    shape = image.shape
    if settings.texture > 0 and contrast.texture.any():
        grain = random_field(shape, spacing_mm, settings.fine_mm, rng)
        grain *= 0.8
        grain += 0.6 * random_field(shape, spacing_mm, settings.coarse_mm, rng)
        grain *= _averaged(contrast.texture * np.float32(settings.texture), tissues, settings.oversample)
        image += grain
    if contrast.spots.any():
        share = random_field(shape, spacing_mm, settings.spots_mm, rng)
        share -= 1.6
        np.clip(share, 0, 1, out=share)
        share *= _averaged(contrast.spots, tissues, settings.oversample)
        image += share
    return image


def _averaged(values: Image, tissues: NDArray[np.integer[Any]], oversample: tuple[int, int, int]) -> Image:
    """One value per label, looked up and averaged over the label voxels of each image voxel."""
    if oversample == (1, 1, 1):
        return np.take(values, tissues)
    total: Image | None = None
    starts = np.indices(oversample).reshape(3, -1).T
    for start in starts:
        part = np.take(
            values, tissues[tuple(slice(int(s), None, k) for s, k in zip(start, oversample, strict=True))]
        )
        total = part if total is None else np.add(total, part, out=total)
    assert total is not None
    total /= len(starts)
    return total


def _magnetic(
    image: Image, contrast: Contrast, slice_axis: int, settings: RenderSettings, rng: np.random.Generator
) -> Image:
    """What MRI adds: shading by coils, ghosts, rings, Rician noise, gains that differ between slices."""
    shape = image.shape
    if settings.bias > 0 or settings.coil > 0:
        image *= _shading(shape, settings, rng)
    if settings.ghost > 0:
        shift = round(settings.ghost_shift * shape[settings.ghost_axis])
        ghost = np.roll(image, shift, settings.ghost_axis) + np.roll(image, -shift, settings.ghost_axis)
        image = (1 - settings.ghost) * image + np.float32(settings.ghost / 2) * ghost
    if settings.kept_frequencies < 1:
        image = _cut_frequencies(image, slice_axis, settings.kept_frequencies)
    if settings.noise > 0:
        sd = np.float32(settings.noise * max(float(np.quantile(contrast.means, 0.9)), 1e-6))
        real = _grain(shape, settings.noise_blur, slice_axis, rng)
        real *= sd
        real += image
        imaginary = _grain(shape, settings.noise_blur, slice_axis, rng)
        imaginary *= sd
        image = np.hypot(real, imaginary, out=real)
    else:
        np.abs(image, out=image)
    gain = (
        settings.scale * np.exp(rng.normal(0, settings.slice_gain, shape[slice_axis]))
        if settings.slice_gain
        else settings.scale
    )
    along = [1, 1, 1]
    along[slice_axis] = -1
    image *= np.asarray(gain, dtype=np.float32).reshape(along)
    return image


def _shading(shape: tuple[int, ...], settings: RenderSettings, rng: np.random.Generator) -> Image:
    """Smooth multiplicative field, computed on a coarse grid."""
    coarse_shape = tuple(min(n, 12) for n in shape)
    logs = settings.bias * upsample(
        rng.standard_normal(tuple(min(n, 3) for n in shape), dtype=np.float32), coarse_shape
    )
    axes = [
        np.linspace(0, 1, n, dtype=np.float32) - at
        for n, at in zip(coarse_shape, settings.coil_at, strict=True)
    ]
    squared = sum(axis**2 for axis in np.ix_(*axes))
    # A loop's sensitivity falls off with the distance to the power of three halves or so.
    near = (1 + squared / 0.12) ** -1.5
    field = np.exp(logs) * (1 + settings.coil * near)
    return upsample(np.asarray(field / np.median(field), dtype=np.float32), shape)


def _grain(shape: Sequence[int], blur: float, slice_axis: int, rng: np.random.Generator) -> Image:
    """Noise of sd 1; a blur in plane makes neighbours alike."""
    noise = rng.standard_normal(shape, dtype=np.float32)
    if blur <= 0:
        return noise
    reach = np.arange(-2, 3)
    kernel = np.exp(-0.5 * (reach / blur) ** 2)
    kernel = (kernel / np.sqrt((kernel**2).sum())).astype(np.float32)
    for axis in range(3):
        if axis != slice_axis:
            noise = ndimage.correlate1d(noise, kernel, axis=axis, mode="wrap")
    return noise


def _cut_frequencies(image: Image, slice_axis: int, kept: float) -> Image:
    """Cuts k-space off at a rectangle in plane, as a scanner that fills up its matrix with zeros does."""
    first, second = (axis for axis in range(3) if axis != slice_axis)
    spectrum = fft.rfft2(image, axes=(first, second))
    low = np.abs(np.fft.fftfreq(image.shape[first])) <= kept / 2
    high = np.fft.rfftfreq(image.shape[second]) <= kept / 2
    along_first, along_second = [1, 1, 1], [1, 1, 1]
    along_first[first], along_second[second] = -1, -1
    spectrum *= low.reshape(along_first).astype(np.float32)
    spectrum *= high.reshape(along_second).astype(np.float32)
    size = (image.shape[first], image.shape[second])
    return np.asarray(fft.irfft2(spectrum, s=size, axes=(first, second)), dtype=np.float32)


def _cut_circle(image: Image, slice_axis: int, settings: RenderSettings) -> None:
    """Blanks everything outside the circular field of view, in place."""
    assert settings.view is not None
    planes = np.moveaxis(image, slice_axis, 2)
    rows, columns = planes.shape[:2]
    radius = settings.view * min(rows, columns) / 2
    first = np.arange(rows)[:, None] - settings.view_centre[0] * (rows - 1)
    second = np.arange(columns)[None, :] - settings.view_centre[1] * (columns - 1)
    planes[first**2 + second**2 > radius**2] = settings.outside
